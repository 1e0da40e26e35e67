package io.pelton.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pelton.pipeline.Latency;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * The published job of Crayfish (EDBT 2024) in its essentials: JSON texts to lists of boxed floats,
 * which Flink copies by Kryo between operators; one call of ONNX Runtime a record; JSON again.
 */
final class TensorsByHand {
  private static final String MODEL_INPUT = DenseNetwork.INPUT;

  private TensorsByHand() {}

  /** What Flink is told in such a job: generic types are fine, operators get copies. */
  static Configuration settings(Configuration configuration) {
    configuration.set(PipelineOptions.GENERIC_TYPES, true);
    configuration.set(PipelineOptions.OBJECT_REUSE, false);
    return configuration;
  }

  static void define(
      StreamExecutionEnvironment environment,
      String onnx,
      PassThroughJob.Kafka kafka,
      Latency latency) {
    environment
        .fromSource(
            TensorPipeline.source(
                kafka,
                latency,
                KafkaRecordDeserializationSchema.valueOnly(new SimpleStringSchema())),
            WatermarkStrategy.noWatermarks(),
            "events")
        .map(new Parsing())
        .returns(TypeInformation.of(Tensors.class))
        .map(new Scoring(onnx))
        .returns(TypeInformation.of(Tensors.class))
        .map(new Writing())
        .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .sinkTo(TensorPipeline.sink(kafka, latency))
        .name(TensorJob.SINK);
  }

  /** One event; its lists make it a generic type for Flink. */
  public static final class Tensors {
    private String id = "";
    private long time;
    private List<List<Float>> values = new ArrayList<>();

    public String getId() {
      return id;
    }

    public void setId(String id) {
      this.id = id;
    }

    public long getTime() {
      return time;
    }

    public void setTime(long time) {
      this.time = time;
    }

    public List<List<Float>> getValues() {
      return values;
    }

    public void setValues(List<List<Float>> values) {
      this.values = values;
    }
  }

  private static final class Parsing extends RichMapFunction<String, Tensors> {
    private static final long serialVersionUID = 1;
    private final ObjectMapper mapper = new ObjectMapper();

    @Override
    public Tensors map(String text) throws JsonProcessingException {
      return mapper.readValue(text, Tensors.class);
    }
  }

  private static final class Scoring extends RichMapFunction<Tensors, Tensors> {
    private static final long serialVersionUID = 1;
    private final String onnx;
    private transient @Nullable OrtEnvironment environment;
    private transient @Nullable OrtSession session;

    Scoring(String onnx) {
      this.onnx = onnx;
    }

    @Override
    public void open(OpenContext context) throws OrtException {
      environment = OrtEnvironment.getEnvironment();
      try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
        options.setIntraOpNumThreads(1);
        options.setInterOpNumThreads(1);
        session = environment.createSession(onnx, options);
      }
    }

    @Override
    public Tensors map(Tensors tensors) throws OrtException {
      if (environment == null || session == null) {
        throw new IllegalStateException("not open");
      }
      List<List<Float>> rows = tensors.values;
      float[][] batch = new float[rows.size()][];
      for (int row = 0; row < batch.length; row++) {
        List<Float> values = rows.get(row);
        batch[row] = new float[values.size()];
        for (int i = 0; i < batch[row].length; i++) {
          batch[row][i] = values.get(i);
        }
      }
      Tensors scored = new Tensors();
      scored.id = tensors.id;
      scored.time = tensors.time;
      try (OnnxTensor input = OnnxTensor.createTensor(environment, batch);
          OrtSession.Result result = session.run(Map.of(MODEL_INPUT, input))) {
        for (float[] scores : (float[][]) result.get(0).getValue()) {
          List<Float> boxed = new ArrayList<>(scores.length);
          for (float score : scores) {
            boxed.add(score);
          }
          scored.values.add(boxed);
        }
      }
      return scored;
    }

    @Override
    public void close() throws OrtException {
      if (session != null) {
        session.close();
      }
    }
  }

  private static final class Writing extends RichMapFunction<Tensors, byte[]> {
    private static final long serialVersionUID = 1;
    private final ObjectMapper mapper = new ObjectMapper();

    @Override
    public byte[] map(Tensors tensors) throws JsonProcessingException {
      return mapper.writeValueAsString(tensors).getBytes(StandardCharsets.UTF_8);
    }
  }
}
