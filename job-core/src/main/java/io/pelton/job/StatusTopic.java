package io.pelton.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import io.pelton.wire.RecordCodec;
import io.pelton.wire.UndecodableException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the subtasks of all jobs say of a model's plans: the newest word of each counts. */
public final class StatusTopic implements AutoCloseable {
  /** How often a subtask that runs repeats what it said last. */
  static final Duration REPEATED = Duration.ofSeconds(5);

  /** After this time without a word, a subtask does not run. */
  public static final Duration SILENCE = Duration.ofSeconds(15);

  private static final Logger LOG = LoggerFactory.getLogger(StatusTopic.class);

  /**
   * What a subtask says.
   *
   * @param refusal of a plan newer than the one that is served; null when there was none
   * @param heard when it said so last
   */
  public record Word(RolloutStatus status, @Nullable RolloutStatus refusal, Instant heard) {
    /** Whether the subtask still runs. */
    public boolean alive(Instant now) {
      return !status.getEnded()
          && status.getState() != RolloutState.ENDED
          && heard.isAfter(now.minus(SILENCE));
    }
  }

  private final KafkaSettings kafka;
  private final String topic;
  private final String model;
  private final RecordCodec<RolloutStatus> codec;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final List<TopicPartition> partitions;
  private final Map<String, Map<Integer, Word>> words = new TreeMap<>();

  /**
   * @throws KafkaUnavailableException when the brokers do not answer, or the topic is missing
   */
  public StatusTopic(KafkaSettings kafka, PipelineDefinition pipeline, String model)
      throws KafkaUnavailableException {
    this.kafka = kafka;
    topic = pipeline.topic(Topic.STATUS);
    this.model = model;
    codec =
        new RecordCodec<>(
            RolloutStatus.class, new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS)));
    consumer = WholeTopic.consumer(kafka);
    try {
      partitions = WholeTopic.fromStart(consumer, topic, where());
    } catch (IllegalStateException e) {
      consumer.close();
      throw new KafkaUnavailableException(String.valueOf(e.getMessage()), e);
    }
  }

  private String where() {
    return "status topic " + topic + " at " + kafka.brokers();
  }

  /**
   * Hears all that was said until now.
   *
   * @throws KafkaUnavailableException when the brokers do not answer
   */
  public void readOn() throws KafkaUnavailableException {
    try {
      WholeTopic.toEnd(consumer, partitions, where(), this::take);
    } catch (IllegalStateException e) {
      throw new KafkaUnavailableException(String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * Hears what is said now, for a while at most.
   *
   * @throws KafkaUnavailableException when the topic cannot be read
   */
  public void poll(Duration patience) throws KafkaUnavailableException {
    try {
      consumer.poll(patience).forEach((Consumer<ConsumerRecord<byte[], byte[]>>) this::take);
    } catch (KafkaException e) {
      throw new KafkaUnavailableException(where() + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** The newest of each subtask, by job and subtask; those that a job has no more are left out. */
  public List<Word> words() {
    List<Word> all = new ArrayList<>();
    for (Map<Integer, Word> job : words.values()) {
      int subtasks =
          job.values().stream()
              .max((a, b) -> a.heard().compareTo(b.heard()))
              .map(word -> word.status().getSubtasks())
              .orElse(0);
      job.values().stream()
          .filter(word -> word.status().getSubtask() < subtasks)
          .sorted((a, b) -> Integer.compare(a.status().getSubtask(), b.status().getSubtask()))
          .forEach(all::add);
    }
    return all;
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    try {
      RolloutStatus status = codec.decode(record.value());
      if (status.getModel().equals(model)) {
        Map<Integer, Word> job = words.computeIfAbsent(status.getJob(), one -> new HashMap<>());
        Word before = job.get(status.getSubtask());
        RolloutStatus refusal = before == null ? null : before.refusal();
        if (status.getState() == RolloutState.REFUSED) {
          refusal = status;
        }
        if (refusal != null && refusal.getRevision() <= status.getServingRevision()) {
          refusal = null;
        }
        job.put(
            status.getSubtask(),
            new Word(status, refusal, Instant.ofEpochMilli(record.timestamp())));
      }
    } catch (UndecodableException e) {
      LOG.warn("status topic {}, offset {}: {}", topic, record.offset(), e.getMessage());
    }
  }

  @Override
  public void close() {
    consumer.close();
  }
}
