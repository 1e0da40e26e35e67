package io.pelton.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.RolloutAudit;
import io.pelton.wire.RecordCodec;
import io.pelton.wire.UndecodableException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The audit topic of a pipeline: what was commanded of its model, and what became of it. */
public final class AuditTopic {
  private static final Logger LOG = LoggerFactory.getLogger(AuditTopic.class);

  private final KafkaSettings kafka;
  private final String topic;
  private final KafkaSchemaStore schemas;
  private final RecordCodec<RolloutAudit> codec;

  public AuditTopic(KafkaSettings kafka, PipelineDefinition pipeline) {
    this.kafka = kafka;
    topic = pipeline.topic(Topic.AUDIT);
    schemas = new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS));
    codec = new RecordCodec<>(RolloutAudit.class, schemas);
  }

  /**
   * All that is there of a model, in the order of writing.
   *
   * @throws KafkaUnavailableException when the brokers do not answer, or the topic is missing
   */
  public List<RolloutAudit> read(String model) throws KafkaUnavailableException {
    List<RolloutAudit> found = new ArrayList<>();
    try {
      WholeTopic.read(
          kafka,
          "audit topic",
          topic,
          record -> {
            try {
              RolloutAudit audit = codec.decode(record.value());
              if (audit.getModel().equals(model)) {
                found.add(audit);
              }
            } catch (UndecodableException e) {
              LOG.warn("audit topic {}, offset {}: {}", topic, record.offset(), e.getMessage());
            }
          });
    } catch (IllegalStateException e) {
      throw new KafkaUnavailableException(String.valueOf(e.getMessage()), e);
    }
    return found;
  }

  /**
   * Writes a record and returns when the brokers have it.
   *
   * @throws KafkaUnavailableException when the brokers do not answer or refuse
   */
  public void write(RolloutAudit audit) throws KafkaUnavailableException {
    publishSchema();
    Properties properties = kafka.producer();
    properties.setProperty("max.block.ms", Long.toString(Topics.TIMEOUT.toMillis()));
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      KafkaUnavailableException.await(
          kafka, "write to topic " + topic, producer.send(record(audit)), Topics.TIMEOUT);
    }
  }

  void publishSchema() throws KafkaUnavailableException {
    schemas.publish(List.of(RolloutAudit.getClassSchema()));
  }

  synchronized ProducerRecord<byte[], byte[]> record(RolloutAudit audit) {
    return new ProducerRecord<>(
        topic, audit.getModel().getBytes(StandardCharsets.UTF_8), codec.encode(audit));
  }
}
