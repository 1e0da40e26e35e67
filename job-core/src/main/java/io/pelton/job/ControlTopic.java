package io.pelton.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.schemas.ModelCommand;
import io.pelton.schemas.RolloutStatus;
import io.pelton.wire.RecordCodec;
import io.pelton.wire.UndecodableException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control topic of a pipeline: the whole plan of each model, the newest record of a model
 * counts. What became of plans goes to the status topic.
 */
public final class ControlTopic {
  /** Kafka's own count of answered fetches. */
  private static final String FETCHES = "fetch-total";

  private static final Logger LOG = LoggerFactory.getLogger(ControlTopic.class);

  private final KafkaSettings kafka;
  private final String topic;
  private final String statusTopic;
  private final KafkaSchemaStore schemas;

  public ControlTopic(KafkaSettings kafka, PipelineDefinition pipeline) {
    this.kafka = kafka;
    topic = pipeline.topic(Topic.CONTROL);
    statusTopic = pipeline.topic(Topic.STATUS);
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
   * The newest status of each subtask of each job that serves a model.
   *
   * @throws KafkaUnavailableException when the brokers do not answer, or the topic is missing
   */
  public List<RolloutStatus> statuses(String model) throws KafkaUnavailableException {
    RecordCodec<RolloutStatus> codec = new RecordCodec<>(RolloutStatus.class, schemas);
    Map<String, RolloutStatus> newest = new TreeMap<>();
    try {
      WholeTopic.read(
          kafka,
          "status topic",
          statusTopic,
          record ->
              status(record, codec, model)
                  .ifPresent(
                      status ->
                          newest.put(
                              "%s %06d".formatted(status.getJob(), status.getSubtask()), status)));
    } catch (IllegalStateException e) {
      throw new KafkaUnavailableException(String.valueOf(e.getMessage()), e);
    }
    return List.copyOf(newest.values());
  }

  private Optional<RolloutStatus> status(
      ConsumerRecord<byte[], byte[]> record, RecordCodec<RolloutStatus> codec, String model) {
    try {
      return Optional.of(codec.decode(record.value()))
          .filter(status -> status.getModel().equals(model));
    } catch (UndecodableException e) {
      LOG.warn("status topic {}, offset {}: {}", statusTopic, record.offset(), e.getMessage());
      return Optional.empty();
    }
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

  /**
   * Follows the plans of a model from the newest on, and tells what became of them.
   *
   * @throws KafkaUnavailableException when the brokers do not answer, or the topic is missing
   */
  public Follower follow(String model) throws KafkaUnavailableException {
    return new Follower(model);
  }

  /** An open look at the control topic. {@link #tell} may be called by any thread. */
  public final class Follower implements AutoCloseable {
    private final Newest newest;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final KafkaProducer<byte[], byte[]> producer;
    private final RecordCodec<RolloutStatus> statuses =
        new RecordCodec<>(RolloutStatus.class, schemas);

    /** Of the thread that polls. */
    private final RecordCodec<RolloutStatus> told = new RecordCodec<>(RolloutStatus.class, schemas);

    private final String model;

    private Follower(String model) throws KafkaUnavailableException {
      this.model = model;
      newest = new Newest(model);
      schemas.publish(List.of(RolloutStatus.getClassSchema()));
      Properties properties = kafka.consumer();
      properties.setProperty(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
      properties.setProperty(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
      // A topic that was made anew is heard from its start too.
      properties.setProperty(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
      consumer =
          new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
      try {
        List<TopicPartition> partitions = new ArrayList<>(partitions("control topic", topic));
        partitions.addAll(partitions("status topic", statusTopic));
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        producer =
            new KafkaProducer<>(
                kafka.producer(), new ByteArraySerializer(), new ByteArraySerializer());
      } catch (RuntimeException | KafkaUnavailableException e) {
        consumer.close();
        throw e;
      }
    }

    private List<TopicPartition> partitions(String what, String name)
        throws KafkaUnavailableException {
      List<TopicPartition> partitions =
          consumer.partitionsFor(name, Topics.TIMEOUT).stream()
              .map(partition -> new TopicPartition(name, partition.partition()))
              .toList();
      if (partitions.isEmpty()) {
        throw new KafkaUnavailableException(
            "%s %s at %s does not exist; create it".formatted(what, name, kafka.brokers()));
      }
      return partitions;
    }

    /**
     * The newest plan of the records that come within a while; empty when none came, or the newest
     * is no plan.
     *
     * @param heard takes each status of the model, in the topic's order
     */
    public Optional<RolloutPlan> poll(Duration patience, Consumer<RolloutStatus> heard) {
      newest.value = new byte[0];
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(patience)) {
        if (record.topic().equals(topic)) {
          newest.take(record);
        } else {
          status(record, told, model).ifPresent(heard);
        }
      }
      try {
        return newest.command().map(RolloutRecord::plan);
      } catch (IllegalArgumentException | IllegalStateException e) {
        LOG.warn("a command is left out: {}", e.getMessage());
        return Optional.empty();
      }
    }

    /** How often the brokers have answered so far; where it does not grow, they are away. */
    public double answers() {
      double answers = 0;
      for (Metric metric : consumer.metrics().values()) {
        if (metric.metricName().name().equals(FETCHES)
            && metric.metricValue() instanceof Double count) {
          answers += count;
        }
      }
      return answers;
    }

    /** Ends a {@link #poll} that waits, now or next, with an exception. */
    public void wakeUp() {
      consumer.wakeup();
    }

    /** Writes a status, at some time soon. */
    public void tell(RolloutStatus status) {
      byte[] value;
      synchronized (statuses) {
        value = statuses.encode(status);
      }
      producer.send(
          new ProducerRecord<>(
              statusTopic, status.getModel().getBytes(StandardCharsets.UTF_8), value),
          (metadata, e) -> {
            if (e != null) {
              LOG.warn("a status of model {} could not be written", status.getModel(), e);
            }
          });
    }

    @Override
    public void close() {
      consumer.close();
      producer.close(Topics.TIMEOUT);
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
      if (record.key() != null && model.equals(new String(record.key(), StandardCharsets.UTF_8))) {
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
