package io.pelton.it;

import io.pelton.feature.FeatureRow;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.LateEvent;
import io.pelton.schemas.PerformanceReport;
import io.pelton.wire.FeatureVectorCodec;
import io.pelton.wire.PredictionCodec;
import io.pelton.wire.RecordCodec;
import io.pelton.wire.UndecodableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** What a consumer of committed records sees of a topic, from its start on. */
final class CommittedTopic<T> implements AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(100);

  /** Turns a record's value into what it means. */
  private interface Decoder<T> {
    T decode(byte[] value) throws UndecodableException;
  }

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final String topic;
  private final Decoder<T> decoder;
  private final List<T> seen = new ArrayList<>();

  private CommittedTopic(KafkaSettings kafka, String topic, Decoder<T> decoder) {
    Properties client = kafka.consumer();
    consumer =
        new KafkaConsumer<>(client, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    this.topic = topic;
    this.decoder = decoder;
  }

  static CommittedTopic<FeatureRow> features(KafkaSettings kafka, PipelineDefinition pipeline) {
    return new CommittedTopic<>(
        kafka,
        pipeline.topic(Topic.FEATURES),
        new FeatureVectorCodec(pipeline, schemas(kafka, pipeline))::decode);
  }

  static CommittedTopic<ScoredRow> predictions(KafkaSettings kafka, PipelineDefinition pipeline) {
    return scored(kafka, pipeline, Topic.PREDICTIONS);
  }

  static CommittedTopic<ScoredRow> shadows(KafkaSettings kafka, PipelineDefinition pipeline) {
    return scored(kafka, pipeline, Topic.SHADOW);
  }

  private static CommittedTopic<ScoredRow> scored(
      KafkaSettings kafka, PipelineDefinition pipeline, Topic topic) {
    return new CommittedTopic<>(
        kafka,
        pipeline.topic(topic),
        new PredictionCodec(pipeline, schemas(kafka, pipeline))::decode);
  }

  static CommittedTopic<LateEvent> late(KafkaSettings kafka, PipelineDefinition pipeline) {
    return records(kafka, pipeline, Topic.LATE, LateEvent.class);
  }

  static CommittedTopic<DeadLetter> deadLetters(KafkaSettings kafka, PipelineDefinition pipeline) {
    return records(kafka, pipeline, Topic.DEAD_LETTERS, DeadLetter.class);
  }

  static CommittedTopic<DriftReport> drift(KafkaSettings kafka, PipelineDefinition pipeline) {
    return records(kafka, pipeline, Topic.DRIFT, DriftReport.class);
  }

  static CommittedTopic<PerformanceReport> performance(
      KafkaSettings kafka, PipelineDefinition pipeline) {
    return records(kafka, pipeline, Topic.PERFORMANCE, PerformanceReport.class);
  }

  private static <T extends SpecificRecordBase> CommittedTopic<T> records(
      KafkaSettings kafka, PipelineDefinition pipeline, Topic topic, Class<T> type) {
    return new CommittedTopic<>(
        kafka, pipeline.topic(topic), new RecordCodec<>(type, schemas(kafka, pipeline))::decode);
  }

  private static KafkaSchemaStore schemas(KafkaSettings kafka, PipelineDefinition pipeline) {
    return new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS));
  }

  /** All that was committed until now; nothing while there is no such topic. */
  List<T> read() throws UndecodableException {
    if (consumer.assignment().isEmpty()) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(info -> new TopicPartition(topic, info.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
    }
    Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
    while (ends.entrySet().stream()
        .anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
        seen.add(decoder.decode(record.value()));
      }
    }
    return seen;
  }

  /** Waits until as many were committed. */
  List<T> await(int count, Duration within) {
    Await.until(count + " records in " + topic, within, () -> read().size() >= count);
    return seen;
  }

  @Override
  public void close() {
    consumer.close();
  }
}
