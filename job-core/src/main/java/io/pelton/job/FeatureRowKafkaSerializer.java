package io.pelton.job;

import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.wire.FeatureVectorCodec;
import io.pelton.wire.StaticSchemaStore;
import java.nio.charset.StandardCharsets;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/** Feature rows as records of the features topic. */
final class FeatureRowKafkaSerializer implements KafkaRecordSerializationSchema<FeatureRow> {
  private static final long serialVersionUID = 1;

  private final PipelineDefinition pipeline;
  private final String topic;
  private transient @Nullable FeatureVectorCodec codec;

  FeatureRowKafkaSerializer(PipelineDefinition pipeline, String topic) {
    this.pipeline = pipeline;
    this.topic = topic;
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      FeatureRow row, KafkaSinkContext context, @Nullable Long timestamp) {
    FeatureVectorCodec codec = this.codec;
    if (codec == null) {
      codec = new FeatureVectorCodec(pipeline, StaticSchemaStore.of());
      this.codec = codec;
    }
    return new ProducerRecord<>(
        topic, null, Math.max(0, row.time), key(row.keys, row.id), codec.encode(row));
  }

  /** The first entity's rows stay together and in order. */
  static byte[] key(String[] keys, String id) {
    return (keys.length == 0 ? id : keys[0]).getBytes(StandardCharsets.UTF_8);
  }
}
