package io.pelton.benchmarks;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.KafkaSettings;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.Latency;
import io.pelton.pipeline.PipelineDefinition;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/**
 * Events with one row or several through Pelton's operator.
 *
 * <pre>
 * events ----&gt; rows ----&gt; inference ----&gt; scores of an event, together
 * </pre>
 *
 * All rows of an event leave the source at once and the operator gives out what it has before a
 * barrier, so no event is in parts at one.
 */
final class TensorPipeline {
  static final int LARGEST_RECORD = 32 << 20;

  private TensorPipeline() {}

  static void define(
      StreamExecutionEnvironment environment,
      PipelineDefinition pipeline,
      Path prepared,
      TensorFormat format,
      PassThroughJob.Kafka kafka)
      throws IOException {
    int width = pipeline.modelFeatures().size();
    DataStream<FeatureRow> rows =
        environment.fromSource(
            source(kafka, pipeline.latency(), new Rows(format, width)),
            WatermarkStrategy.noWatermarks(),
            "events");
    DataStream<ScoredRow> scored = ScoringJob.operator(rows, pipeline, prepared);
    scored
        .flatMap(new Together(format))
        .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .name("together")
        .sinkTo(sink(kafka, pipeline.latency()))
        .name(TensorJob.SINK);
  }

  static <T> KafkaSource<T> source(
      PassThroughJob.Kafka kafka,
      Latency latency,
      KafkaRecordDeserializationSchema<T> deserializer) {
    Properties consumer = KafkaSettings.of(kafka.brokers()).consumer(latency);
    consumer.setProperty("max.partition.fetch.bytes", Integer.toString(LARGEST_RECORD));
    return KafkaSource.<T>builder()
        .setProperties(consumer)
        .setTopics(kafka.input())
        .setGroupId(kafka.group())
        .setStartingOffsets(OffsetsInitializer.earliest())
        .setDeserializer(deserializer)
        .build();
  }

  /** At least once, as Crayfish writes. */
  static KafkaSink<byte[]> sink(PassThroughJob.Kafka kafka, Latency latency) {
    Properties producer = KafkaSettings.of(kafka.brokers()).producer(latency);
    producer.setProperty("max.request.size", Integer.toString(LARGEST_RECORD));
    producer.setProperty("compression.type", "lz4");
    return KafkaSink.<byte[]>builder()
        .setBootstrapServers(kafka.brokers())
        .setKafkaProducerConfig(producer)
        .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
        .setRecordSerializer(
            (value, context, time) -> new ProducerRecord<>(kafka.output(), null, value))
        .build();
  }

  private record Rows(TensorFormat format, int width)
      implements KafkaRecordDeserializationSchema<FeatureRow> {
    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<FeatureRow> out)
        throws IOException {
      format.decode(record.value(), width, out::collect);
    }

    @Override
    public TypeInformation<FeatureRow> getProducedType() {
      return new FeatureRowTypeInfo();
    }
  }

  /** Gives an event's scores with the last of its rows. */
  private static final class Together implements FlatMapFunction<ScoredRow, byte[]> {
    private static final long serialVersionUID = 1;

    private final TensorFormat format;
    private double[] scores = {};
    private int size;
    private transient @Nullable ScoredRow first;
    private int rows;

    Together(TensorFormat format) {
      this.format = format;
    }

    @Override
    public void flatMap(ScoredRow row, Collector<byte[]> out) throws IOException {
      ScoredRow begin = first == null ? row : first;
      first = begin;
      int width = row.outputs.length;
      if (scores.length < size + width) {
        scores = Arrays.copyOf(scores, Math.max(size + width, 2 * scores.length));
      }
      System.arraycopy(row.outputs, 0, scores, size, width);
      size += width;
      rows++;
      if (row.carried[0] instanceof Long all && all == rows) {
        out.collect(format.encodeScores(begin, Arrays.copyOf(scores, size)));
        first = null;
        size = 0;
        rows = 0;
      }
    }
  }
}
