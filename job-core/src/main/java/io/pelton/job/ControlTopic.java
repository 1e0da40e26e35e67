package io.pelton.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.schemas.ModelCommand;
import io.pelton.wire.RecordCodec;
import io.pelton.wire.UndecodableException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The control topic of a pipeline: the whole plan of each model, the newest record of a model
 * counts.
 */
public final class ControlTopic {
  private final KafkaSettings kafka;
  private final String topic;
  private final KafkaSchemaStore schemas;

  public ControlTopic(KafkaSettings kafka, PipelineDefinition pipeline) {
    this.kafka = kafka;
    topic = pipeline.topic(Topic.CONTROL);
    schemas = new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS));
  }

  /**
   * The newest command of a model, as it is now; empty when there was none.
   *
   * @throws KafkaUnavailableException when the brokers do not answer, or the topic is missing
   * @throws IllegalStateException when the newest record of the model is no plan
   */
  public Optional<ModelCommand> newest(String model) throws KafkaUnavailableException {
    Newest newest = new Newest(model);
    try {
      WholeTopic.read(kafka, "control topic", topic, newest::take);
    } catch (IllegalStateException e) {
      throw new KafkaUnavailableException(String.valueOf(e.getMessage()), e);
    }
    return newest.command();
  }

  /** The same as a plan. */
  public Optional<RolloutPlan> plan(String model) throws KafkaUnavailableException {
    return newest(model).map(RolloutRecord::plan);
  }

  /**
   * Writes a command and returns when the brokers have it.
   *
   * @throws KafkaUnavailableException when the brokers do not answer or refuse
   */
  public void write(ModelCommand command) throws KafkaUnavailableException {
    schemas.publish(List.of(ModelCommand.getClassSchema()));
    Properties properties = kafka.producer();
    properties.setProperty("max.block.ms", Long.toString(Topics.TIMEOUT.toMillis()));
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      Future<RecordMetadata> sent =
          producer.send(
              new ProducerRecord<>(
                  topic,
                  command.getModel().getBytes(StandardCharsets.UTF_8),
                  new RecordCodec<>(ModelCommand.class, schemas).encode(command)));
      KafkaUnavailableException.await(
          kafka, "write a command to topic " + topic, sent, Topics.TIMEOUT);
    }
  }

  private final class Newest {
    private final String model;
    private final RecordCodec<ModelCommand> codec = new RecordCodec<>(ModelCommand.class, schemas);
    private byte[] value = new byte[0];
    private String place = "";

    Newest(String model) {
      this.model = model;
    }

    void take(ConsumerRecord<byte[], byte[]> record) {
      if (record.key() != null
          && model.equals(new String(record.key(), StandardCharsets.UTF_8))) {
        value = record.value() == null ? new byte[0] : record.value();
        place = "partition " + record.partition() + " offset " + record.offset();
      }
    }

    Optional<ModelCommand> command() {
      if (value.length == 0) {
        return Optional.empty();
      }
      try {
        return Optional.of(codec.decode(value));
      } catch (UndecodableException e) {
        throw new IllegalStateException(
            "control topic %s, %s: the plan of model %s cannot be read: %s; write it anew with pelton rollout deploy"
                .formatted(topic, place, model, e.getMessage()),
            e);
      }
    }
  }
}
