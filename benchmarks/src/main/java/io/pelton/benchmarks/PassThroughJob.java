package io.pelton.benchmarks;

import java.io.Serializable;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.KafkaSinkBuilder;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Bytes in, the same bytes out, exactly once: what Flink and Kafka cost before any work is done.
 */
final class PassThroughJob {
  static final String SINK = "out";

  private PassThroughJob() {}

  static void define(StreamExecutionEnvironment environment, Kafka kafka) {
    environment
        .fromSource(source(kafka, new Values()), WatermarkStrategy.noWatermarks(), "events")
        .sinkTo(
            PassThroughJob.<byte[]>sink(kafka)
                .setRecordSerializer(
                    (value, context, time) -> new ProducerRecord<>(kafka.output(), null, value))
                .build())
        .name(SINK);
  }

  /**
   * Where the jobs written without Pelton read and write.
   *
   * @param group consumer group and prefix of transactional ids
   */
  record Kafka(String brokers, String input, String output, String group) implements Serializable {}

  static <T> KafkaSource<T> source(Kafka kafka, KafkaRecordDeserializationSchema<T> deserializer) {
    return KafkaSource.<T>builder()
        .setBootstrapServers(kafka.brokers())
        .setTopics(kafka.input())
        .setGroupId(kafka.group())
        .setStartingOffsets(OffsetsInitializer.earliest())
        .setDeserializer(deserializer)
        .build();
  }

  /** The producer's settings are those of Pelton's own sinks. */
  static <T> KafkaSinkBuilder<T> sink(Kafka kafka) {
    Properties producer = new Properties();
    producer.setProperty("linger.ms", "10");
    producer.setProperty("batch.size", "131072");
    producer.setProperty("compression.type", "lz4");
    producer.setProperty("transaction.timeout.ms", "600000");
    producer.setProperty("register.producer.metrics", "false");
    return KafkaSink.<T>builder()
        .setBootstrapServers(kafka.brokers())
        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .setTransactionalIdPrefix(kafka.group())
        .setKafkaProducerConfig(producer);
  }

  private static final class Values implements KafkaRecordDeserializationSchema<byte[]> {
    private static final long serialVersionUID = 1;

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<byte[]> out) {
      out.collect(record.value());
    }

    @Override
    public TypeInformation<byte[]> getProducedType() {
      return PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
    }
  }
}
