package io.pelton.benchmarks;

import ai.djl.ModelException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoBatchifyTranslator;
import ai.djl.translate.TranslateException;
import ai.djl.translate.TranslatorContext;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Iterator;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/**
 * The same fifteen features and scores as one would write them with Flink and DJL alone: Avro's
 * generic reader, a map state of times and sums that is scanned once an event, one prediction an
 * event, Avro's generic writer. On arrival order, without drift, audit fields or dead letters.
 */
final class NaiveJob {
  static final String SINK = "out";
  private static final long DAY = 86_400_000;
  private static final int[] WINDOWS = {1, 7, 30};
  private static final int FEATURES = 15;

  private NaiveJob() {}

  static void define(
      StreamExecutionEnvironment environment,
      PassThroughJob.Kafka kafka,
      Schema events,
      Path model) {
    environment
        .fromSource(
            PassThroughJob.source(kafka, new Reading(events.toString())),
            WatermarkStrategy.noWatermarks(),
            "events")
        .keyBy(transaction -> transaction.customer)
        .process(new CustomerFeatures())
        .name("customer")
        .keyBy(transaction -> transaction.terminal)
        .process(new TerminalFeatures())
        .name("terminal")
        .map(new Scoring(model.toString()))
        .name("score")
        .sinkTo(
            PassThroughJob.<Transaction>sink(kafka)
                .setRecordSerializer(new Writing(kafka.output()))
                .build())
        .name(SINK);
  }

  /** One payment with its features and score, for Flink's POJO serializer. */
  public static final class Transaction {
    public long id;
    public long time;
    public long customer;
    public long terminal;
    public double amount;
    public double fraud;
    public double score;
    public float[] features = new float[FEATURES];
  }

  private static final class Reading implements KafkaRecordDeserializationSchema<Transaction> {
    private static final long serialVersionUID = 1;
    private static final int HEADER = 10;

    private final String schema;
    private transient @Nullable GenericDatumReader<GenericRecord> reader;
    private transient @Nullable BinaryDecoder decoder;
    private transient @Nullable GenericRecord reused;

    Reading(String schema) {
      this.schema = schema;
    }

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Transaction> out)
        throws IOException {
      if (reader == null) {
        reader = new GenericDatumReader<>(new Schema.Parser().parse(schema));
      }
      byte[] bytes = record.value();
      decoder = DecoderFactory.get().binaryDecoder(bytes, HEADER, bytes.length - HEADER, decoder);
      reused = reader.read(reused, decoder);
      Transaction transaction = new Transaction();
      transaction.id = (Long) reused.get("transaction_id");
      transaction.time = (Long) reused.get("event_time");
      transaction.customer = (Long) reused.get("customer_id");
      transaction.terminal = (Long) reused.get("terminal_id");
      transaction.amount = (Double) reused.get("amount");
      transaction.fraud = (Integer) reused.get("fraud");
      out.collect(transaction);
    }

    @Override
    public TypeInformation<Transaction> getProducedType() {
      return Types.POJO(Transaction.class);
    }
  }

  /** Count and sum of the events of one time, scanned for all windows in one pass. */
  private abstract static class WindowFeatures
      extends KeyedProcessFunction<Long, Transaction, Transaction> {
    private static final long serialVersionUID = 1;

    private final long delay;
    private transient @Nullable MapState<Long, double[]> history;
    final double[] counts = new double[WINDOWS.length];
    final double[] sums = new double[WINDOWS.length];

    WindowFeatures(long delay) {
      this.delay = delay;
    }

    @Override
    public void open(OpenContext context) {
      history =
          getRuntimeContext()
              .getMapState(
                  new MapStateDescriptor<>(
                      "history", Types.LONG, TypeInformation.of(double[].class)));
    }

    void update(long time, double value) throws Exception {
      MapState<Long, double[]> state = history;
      if (state == null) {
        throw new IllegalStateException("not open");
      }
      double[] same = state.get(time);
      state.put(
          time,
          same == null ? new double[] {1, value} : new double[] {same[0] + 1, same[1] + value});
      java.util.Arrays.fill(counts, 0);
      java.util.Arrays.fill(sums, 0);
      long newest = time - delay;
      Iterator<Map.Entry<Long, double[]>> events = state.iterator();
      while (events.hasNext()) {
        Map.Entry<Long, double[]> event = events.next();
        long at = event.getKey();
        if (at <= newest - WINDOWS[WINDOWS.length - 1] * DAY) {
          events.remove();
        } else if (at <= newest) {
          for (int i = 0; i < WINDOWS.length; i++) {
            if (at > newest - WINDOWS[i] * DAY) {
              counts[i] += event.getValue()[0];
              sums[i] += event.getValue()[1];
            }
          }
        }
      }
    }
  }

  private static final class CustomerFeatures extends WindowFeatures {
    private static final long serialVersionUID = 1;

    CustomerFeatures() {
      super(0);
    }

    @Override
    public void processElement(Transaction transaction, Context context, Collector<Transaction> out)
        throws Exception {
      update(transaction.time, transaction.amount);
      var time = Instant.ofEpochMilli(transaction.time).atZone(ZoneOffset.UTC);
      float[] features = transaction.features;
      features[0] = (float) transaction.amount;
      features[1] = time.getDayOfWeek().getValue() >= 6 ? 1 : 0;
      features[2] = time.getHour() <= 6 ? 1 : 0;
      for (int i = 0; i < WINDOWS.length; i++) {
        features[3 + i] = (float) counts[i];
        features[6 + i] = (float) (sums[i] / counts[i]);
      }
      out.collect(transaction);
    }
  }

  private static final class TerminalFeatures extends WindowFeatures {
    private static final long serialVersionUID = 1;

    TerminalFeatures() {
      super(7 * DAY);
    }

    @Override
    public void processElement(Transaction transaction, Context context, Collector<Transaction> out)
        throws Exception {
      update(transaction.time, transaction.fraud);
      for (int i = 0; i < WINDOWS.length; i++) {
        transaction.features[9 + i] = (float) counts[i];
        transaction.features[12 + i] = counts[i] == 0 ? 0 : (float) (sums[i] / counts[i]);
      }
      out.collect(transaction);
    }
  }

  /** DJL as its examples show it, with one thread a subtask. */
  private static final class Scoring extends RichMapFunction<Transaction, Transaction> {
    private static final long serialVersionUID = 1;

    private final String model;
    private transient @Nullable ZooModel<float[], Float> loaded;
    private transient @Nullable Predictor<float[], Float> predictor;

    Scoring(String model) {
      this.model = model;
    }

    @Override
    public void open(OpenContext context) throws IOException, ModelException {
      // As Pelton does: TensorFlow is on the class path too, and would be loaded beside it.
      System.setProperty("ai.djl.onnx.disable_alternative", "true");
      loaded =
          Criteria.builder()
              .setTypes(float[].class, Float.class)
              .optModelPath(Path.of(model))
              .optEngine("OnnxRuntime")
              .optOption("interOpNumThreads", "1")
              .optOption("intraOpNumThreads", "1")
              .optTranslator(new Score())
              .build()
              .loadModel();
      predictor = loaded.newPredictor();
    }

    @Override
    public Transaction map(Transaction transaction) throws TranslateException {
      if (predictor == null) {
        throw new IllegalStateException("not open");
      }
      transaction.score = predictor.predict(transaction.features);
      return transaction;
    }

    @Override
    public void close() {
      if (predictor != null && loaded != null) {
        predictor.close();
        loaded.close();
      }
    }
  }

  private static final class Score implements NoBatchifyTranslator<float[], Float> {
    @Override
    public NDList processInput(TranslatorContext context, float[] input) {
      return new NDList(context.getNDManager().create(input, new Shape(1, input.length)));
    }

    @Override
    public Float processOutput(TranslatorContext context, NDList output) {
      return output.get(output.size() - 1).toFloatArray()[1];
    }
  }

  private static final class Writing implements KafkaRecordSerializationSchema<Transaction> {
    private static final long serialVersionUID = 1;

    private final String topic;
    private transient @Nullable Schema schema;
    private transient @Nullable GenericDatumWriter<GenericRecord> writer;
    private transient @Nullable BinaryEncoder encoder;

    Writing(String topic) {
      this.topic = topic;
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(
        Transaction transaction, KafkaSinkContext context, @Nullable Long timestamp) {
      if (schema == null || writer == null) {
        schema = schema();
        writer = new GenericDatumWriter<>(schema);
      }
      GenericRecord record = new GenericData.Record(schema);
      record.put("transaction_id", transaction.id);
      record.put("event_time", transaction.time);
      record.put("customer_id", transaction.customer);
      record.put("terminal_id", transaction.terminal);
      record.put("score", transaction.score);
      for (int i = 0; i < FEATURES; i++) {
        record.put("feature_" + i, transaction.features[i]);
      }
      ByteArrayOutputStream bytes = new ByteArrayOutputStream(128);
      encoder = EncoderFactory.get().binaryEncoder(bytes, encoder);
      try {
        writer.write(record, encoder);
        encoder.flush();
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
      byte[] key =
          Long.toString(transaction.customer).getBytes(java.nio.charset.StandardCharsets.UTF_8);
      return new ProducerRecord<>(topic, key, bytes.toByteArray());
    }

    private static Schema schema() {
      SchemaBuilder.FieldAssembler<Schema> fields =
          SchemaBuilder.record("ScoredTransaction")
              .fields()
              .requiredLong("transaction_id")
              .requiredLong("event_time")
              .requiredLong("customer_id")
              .requiredLong("terminal_id")
              .requiredDouble("score");
      for (int i = 0; i < FEATURES; i++) {
        fields = fields.requiredFloat("feature_" + i);
      }
      return fields.endRecord();
    }
  }
}
