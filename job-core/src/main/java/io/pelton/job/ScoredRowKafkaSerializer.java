package io.pelton.job;

import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.wire.PredictionCodec;
import io.pelton.wire.StaticSchemaStore;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/** Predictions as records of a topic; {@link PredictionSchemas} has published their schemas. */
final class ScoredRowKafkaSerializer implements KafkaRecordSerializationSchema<ScoredRow> {
  private static final long serialVersionUID = 1;

  private final PipelineDefinition pipeline;
  private final String topic;
  private transient @Nullable PredictionCodec codec;

  ScoredRowKafkaSerializer(PipelineDefinition pipeline, String topic) {
    this.pipeline = pipeline;
    this.topic = topic;
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      ScoredRow row, KafkaSinkContext context, @Nullable Long timestamp) {
    PredictionCodec codec = this.codec;
    if (codec == null) {
      codec = new PredictionCodec(pipeline, StaticSchemaStore.of());
      this.codec = codec;
    }
    return new ProducerRecord<>(
        topic,
        null,
        Math.max(0, row.time),
        FeatureRowKafkaSerializer.key(row.keys, row.id),
        codec.encode(row));
  }
}
