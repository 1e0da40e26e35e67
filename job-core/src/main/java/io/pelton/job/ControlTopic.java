package io.pelton.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.schemas.ModelCommand;
import io.pelton.schemas.RolloutAudit;
import io.pelton.schemas.RolloutAuditKind;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import io.pelton.wire.RecordCodec;
import io.pelton.wire.UndecodableException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
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
  private final AuditTopic audit;

  public ControlTopic(KafkaSettings kafka, PipelineDefinition pipeline) {
    this.kafka = kafka;
    topic = pipeline.topic(Topic.CONTROL);
    statusTopic = pipeline.topic(Topic.STATUS);
    schemas = new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS));
    audit = new AuditTopic(kafka, pipeline);
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
   * Takes the right to write commands from whoever has it and has not used it yet. What is read
   * after that stays the newest until {@link Writer#write}, or that fails.
   *
   * @throws KafkaUnavailableException when the brokers do not answer or refuse
   */
  public Writer writer() throws KafkaUnavailableException {
    schemas.publish(List.of(ModelCommand.getClassSchema()));
    audit.publishSchema();
    return new Writer();
  }

  /** The right to write one command. */
  public final class Writer implements AutoCloseable {
    private final KafkaProducer<byte[], byte[]> producer;

    private Writer() throws KafkaUnavailableException {
      Properties properties = kafka.producer();
      properties.setProperty(
          ProducerConfig.MAX_BLOCK_MS_CONFIG, Long.toString(Topics.TIMEOUT.toMillis()));
      // Of two with one id, Kafka lets only the one that came last commit.
      properties.setProperty(ProducerConfig.TRANSACTIONAL_ID_CONFIG, topic + "-commands");
      properties.setProperty(
          ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, Long.toString(Topics.TIMEOUT.toMillis()));
      try {
        producer =
            new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
      } catch (KafkaException e) {
        throw failed(e);
      }
      try {
        producer.initTransactions();
      } catch (KafkaException e) {
        close();
        throw failed(e);
      }
    }

    /**
     * Writes a command, and the record of it to the audit topic: both or none.
     *
     * @throws IllegalStateException when another took the right to write since
     * @throws KafkaUnavailableException when the brokers do not answer or refuse
     */
    public void write(ModelCommand command, RolloutAudit record) throws KafkaUnavailableException {
      try {
        producer.beginTransaction();
        producer.send(
            new ProducerRecord<>(
                topic,
                command.getModel().getBytes(StandardCharsets.UTF_8),
                new RecordCodec<>(ModelCommand.class, schemas).encode(command)));
        producer.send(audit.record(record));
        producer.commitTransaction();
      } catch (KafkaException e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
          if (cause instanceof ProducerFencedException
              || cause instanceof InvalidProducerEpochException) {
            throw new IllegalStateException(
                "another command for model %s came at the same time, so this one was not given: see pelton rollout status, and give it again if it still holds"
                    .formatted(command.getModel()),
                e);
          }
        }
        throw failed(e);
      }
    }

    private KafkaUnavailableException failed(KafkaException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      return new KafkaUnavailableException(
          "Kafka at %s: cannot write a command to topic %s: %s; check the brokers, and that transactions are allowed"
              .formatted(kafka.brokers(), topic, cause.getMessage()),
          e);
    }

    @Override
    public void close() {
      producer.close(Topics.TIMEOUT);
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
    private @Nullable RolloutStatus told;
    private long toldAt;

    /** Of the thread that polls. */
    private final RecordCodec<RolloutStatus> statusesHeard =
        new RecordCodec<>(RolloutStatus.class, schemas);

    /** As they were written: what is repeated is the same to the bit. */
    private final Map<String, byte[]> newestHeard = new HashMap<>();

    private final String model;

    private Follower(String model) throws KafkaUnavailableException {
      this.model = model;
      newest = new Newest(model);
      schemas.publish(List.of(RolloutStatus.getClassSchema()));
      audit.publishSchema();
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
     * @param heard takes each status of the model, in the topic's order; not what is repeated
     */
    public Optional<RolloutPlan> poll(Duration patience, Consumer<RolloutStatus> heard) {
      newest.value = new byte[0];
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(patience)) {
        if (record.topic().equals(topic)) {
          newest.take(record);
        } else {
          status(record, statusesHeard, model)
              .filter(status -> news(status, record.value()))
              .ifPresent(heard);
        }
      }
      repeat();
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

    private boolean news(RolloutStatus status, byte[] value) {
      byte[] before = newestHeard.put(status.getJob() + " " + status.getSubtask(), value);
      return !Arrays.equals(before, value);
    }

    /** Writes a status, at some time soon, and to the audit topic what became of the plan. */
    public synchronized void tell(RolloutStatus status) {
      status.setEnded(false);
      told = status;
      send(status);
      if (status.getState() != RolloutState.SERVING && status.getState() != RolloutState.REFUSED) {
        return; // nothing has changed yet, or nothing is served any more
      }
      send(
          audit.record(
              RolloutAudit.newBuilder()
                  .setModel(status.getModel())
                  .setRevision(status.getRevision())
                  .setAt(status.getAt())
                  .setKind(
                      status.getState() == RolloutState.REFUSED
                          ? RolloutAuditKind.REFUSED
                          : RolloutAuditKind.SERVED)
                  .setJob(status.getJob())
                  .setSubtask(status.getSubtask())
                  .setAfter(status.getServing())
                  .setDetail(status.getDetail())
                  .build()));
    }

    /** Who repeats nothing for long does not run. */
    private synchronized void repeat() {
      if (told != null && System.nanoTime() - toldAt > StatusTopic.REPEATED.toNanos()) {
        send(told);
      }
    }

    private void send(RolloutStatus status) {
      toldAt = System.nanoTime();
      // Whoever comes later must hear each word of a subtask, but none twice.
      String key =
          String.join(
              " ",
              status.getModel(),
              status.getJob(),
              Integer.toString(status.getSubtask()),
              Long.toString(status.getRevision()),
              status.getState().name());
      send(
          new ProducerRecord<>(
              statusTopic, key.getBytes(StandardCharsets.UTF_8), statuses.encode(status)));
    }

    private void send(ProducerRecord<byte[], byte[]> record) {
      producer.send(
          record,
          (metadata, e) -> {
            if (e != null) {
              LOG.warn("a status could not be written to topic {}", record.topic(), e);
            }
          });
    }

    @Override
    public synchronized void close() {
      consumer.close();
      if (told != null) {
        told.setEnded(true);
        send(told);
      }
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
