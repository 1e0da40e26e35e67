package io.pelton.cli;

import io.pelton.feature.FeatureRow;
import io.pelton.job.BatchOutput;
import io.pelton.job.Decoded;
import io.pelton.job.KafkaSettings;
import io.pelton.job.KafkaSources;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.LateEvent;
import io.pelton.training.Metric;
import io.pelton.wire.PredictionCodec;
import io.pelton.wire.RecordCodec;
import io.pelton.wire.SchemaStore;
import io.pelton.wire.UndecodableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/**
 * What the topics of a pipeline hold when all is over, as a reader of committed records sees them.
 *
 * @param late events that came too late to be scored
 * @param deadEvents records that became no feature row
 * @param deadRows feature rows that could not be scored
 * @param letters all dead letters, of these stages and of drift
 * @param scores first output of each event's prediction, by event id
 * @param repeated predictions of an event that had one already
 */
record DemoTally(
    long features,
    Map<String, Double> scores,
    long repeated,
    long late,
    long deadEvents,
    long deadRows,
    List<DeadLetter> letters,
    List<DriftReport> reports,
    List<DriftAlert> alerts) {

  long deadLetters() {
    return deadEvents + deadRows;
  }

  long predictions() {
    return scores.size() + repeated;
  }

  /** Area under the ROC curve of the scores; NaN when only one class came. */
  double auc(Map<String, Double> labels) {
    List<String> known = scores.keySet().stream().filter(labels::containsKey).toList();
    return Metric.AUC_ROC.of(
        known.stream().mapToDouble(id -> scores.getOrDefault(id, Double.NaN)).toArray(),
        known.stream().mapToDouble(id -> labels.getOrDefault(id, Double.NaN)).toArray());
  }

  static DemoTally read(PipelineDefinition pipeline, KafkaSettings kafka, SchemaStore schemas)
      throws UndecodableException {
    Properties client = kafka.consumer();
    client.setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(client, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      PredictionCodec predictionCodec = new PredictionCodec(pipeline, schemas);
      Map<String, Double> scores = new HashMap<>();
      long repeated = 0;
      for (ConsumerRecord<byte[], byte[]> record : all(consumer, pipeline, Topic.PREDICTIONS)) {
        ScoredRow row = predictionCodec.decode(record.value());
        if (scores.put(row.id, row.outputs[0]) != null) {
          repeated++;
        }
      }
      RecordCodec<DriftReport> reportCodec = new RecordCodec<>(DriftReport.class, schemas);
      List<DriftReport> reports = new ArrayList<>();
      for (ConsumerRecord<byte[], byte[]> record : all(consumer, pipeline, Topic.DRIFT)) {
        reports.add(reportCodec.decode(record.value()));
      }
      RecordCodec<DriftAlert> alertCodec = new RecordCodec<>(DriftAlert.class, schemas);
      List<DriftAlert> alerts = new ArrayList<>();
      for (ConsumerRecord<byte[], byte[]> record : all(consumer, pipeline, Topic.ALERTS)) {
        alerts.add(alertCodec.decode(record.value()));
      }
      RecordCodec<LateEvent> lateCodec = new RecordCodec<>(LateEvent.class, schemas);
      long late = 0;
      for (ConsumerRecord<byte[], byte[]> record : all(consumer, pipeline, Topic.LATE)) {
        // Predictions that came after their drift window stand in this topic as well.
        String source = lateCodec.decode(record.value()).getSource();
        late += source.equals(pipeline.topic(Topic.EVENTS)) ? 1 : 0;
      }
      RecordCodec<DeadLetter> letterCodec = new RecordCodec<>(DeadLetter.class, schemas);
      List<DeadLetter> letters = new ArrayList<>();
      long deadEvents = 0;
      long deadRows = 0;
      for (ConsumerRecord<byte[], byte[]> record : all(consumer, pipeline, Topic.DEAD_LETTERS)) {
        DeadLetter letter = letterCodec.decode(record.value());
        letters.add(letter);
        switch (letter.getStage()) {
          case "decode", "validate", "deduplicate" -> deadEvents++;
          case "inference" -> deadRows++;
          default -> {
            // Of drift: those rows have their predictions.
          }
        }
      }
      return new DemoTally(
          all(consumer, pipeline, Topic.FEATURES).size(),
          scores,
          repeated,
          late,
          deadEvents,
          deadRows,
          letters,
          reports,
          alerts);
    }
  }

  /** All records of a topic; none when there is no such topic. */
  private static List<ConsumerRecord<byte[], byte[]>> all(
      KafkaConsumer<byte[], byte[]> consumer, PipelineDefinition pipeline, Topic topic) {
    @Nullable List<PartitionInfo> infos = consumer.listTopics().get(pipeline.topic(topic));
    if (infos == null) {
      return List.of();
    }
    List<TopicPartition> partitions =
        infos.stream().map(info -> new TopicPartition(info.topic(), info.partition())).toList();
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    while (ends.entrySet().stream()
        .anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
      consumer.poll(Duration.ofMillis(100)).forEach(records::add);
    }
    return records;
  }

  /** Adds writing the features, predictions and undecodable records of the topics to a batch. */
  static void write(
      StreamExecutionEnvironment batch,
      KafkaSettings kafka,
      PipelineDefinition pipeline,
      BatchOutput files) {
    KafkaSources sources = new KafkaSources(batch, kafka, pipeline);
    KafkaSources.Reading reading =
        new KafkaSources.Reading(
            pipeline.name() + "-files",
            OffsetsInitializer.earliest(),
            true,
            pipeline.allowedLateness(),
            pipeline.events().idleAfter());
    Decoded<FeatureRow> features = sources.features(reading);
    Decoded<ScoredRow> predictions = sources.predictions(reading);
    files.features(features.rows());
    files.predictions(predictions.rows(), List.of("score"));
    files.deadLetters(features.deadLetters().union(predictions.deadLetters()));
  }
}
