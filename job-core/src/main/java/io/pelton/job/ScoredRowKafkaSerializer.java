package io.pelton.job;

import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.wire.PredictionCodec;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/** Predictions as records of the predictions topic. */
final class ScoredRowKafkaSerializer implements KafkaRecordSerializationSchema<ScoredRow> {
  private static final long serialVersionUID = 1;

  private final PipelineDefinition pipeline;
  private final String topic;
  private final KafkaSchemaStore schemas;
  private transient @Nullable PredictionCodec codec;

  ScoredRowKafkaSerializer(PipelineDefinition pipeline, String topic, KafkaSchemaStore schemas) {
    this.pipeline = pipeline;
    this.topic = topic;
    this.schemas = schemas;
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      ScoredRow row, KafkaSinkContext context, @Nullable Long timestamp) {
    PredictionCodec codec = this.codec;
    if (codec == null) {
      codec = new PredictionCodec(pipeline, schemas, this::publish);
      this.codec = codec;
    }
    return new ProducerRecord<>(
        topic,
        null,
        Math.max(0, row.time),
        FeatureRowKafkaSerializer.key(row.keys, row.id),
        codec.encode(row));
  }

  private void publish(Schema schema) {
    try {
      schemas.publish(List.of(schema));
    } catch (KafkaUnavailableException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }
}
