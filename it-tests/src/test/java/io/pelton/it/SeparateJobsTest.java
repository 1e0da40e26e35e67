package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.drift.job.DriftJob;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.job.FeatureJob;
import io.pelton.inference.job.InferenceJob;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DriftReport;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** The three jobs on a cluster of processes, chained over Kafka topics. */
class SeparateJobsTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final int PARTITIONS = 2;
  private static final int CLOSINGS = 6;
  private static final Instant START = Instant.parse("2018-06-01T00:00:00Z");
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  // The logs of a failed test stay.
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  @Test
  void losesAndDoublesNothingWhenATaskManagerIsKilled() throws Exception {
    List<Transaction> events =
        new TransactionSimulator(new SimulatorSettings(9, 2_000, 400, START, 1, List.of()))
            .stream().toList();
    List<Transaction> arrival = EventTopic.shuffled(events, CardPipeline.OUT_OF_ORDERNESS, 17);
    Path csv = directory.resolve("events.csv");
    TransactionCsv.write(arrival, csv);
    CardPipeline card = CardPipeline.write(directory, "separate");
    PipelineDefinition pipeline = card.definition();
    Path registry = directory.resolve("registry");
    BatchRows batch = BatchRows.features(card, directory.resolve("features"), csv);
    Champion.publish(
        registry,
        pipeline,
        batch,
        events.stream()
            .filter(Transaction::fraud)
            .map(event -> Long.toString(event.transactionId()))
            .collect(Collectors.toSet()));

    int half = arrival.size() / 2;
    try (RealCluster cluster = RealCluster.start(directory.resolve("cluster"), 1, 3);
        EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline, PARTITIONS)) {
      List<String> jobs = new ArrayList<>();
      for (Class<?> job : List.of(FeatureJob.class, InferenceJob.class, DriftJob.class)) {
        RealCluster.Client client =
            cluster.submit(
                job,
                "--pipeline",
                card.file().toString(),
                "--brokers",
                KAFKA.brokers(),
                "--registry",
                registry.toString(),
                "--partitions",
                Integer.toString(PARTITIONS),
                "--checkpoint-interval",
                "1");
        assertThat(client.exitCode()).as(client.output()).isZero();
        jobs.add(client.jobId());
      }
      topic.scatter(arrival.subList(0, half), 1);
      try (var predictions = CommittedTopic.predictions(KAFKA.settings(), pipeline)) {
        predictions.await(half / 2, PATIENCE);
        topic.scatter(arrival.subList(half, half + half / 2), 2);
        cluster.killTaskManager(0);
        topic.scatter(arrival.subList(half + half / 2, arrival.size()), 3);
        cluster.startTaskManager();
        // The features of all but the last of these come out, to every partition of their topic.
        long end = START.plus(Duration.ofHours(26)).toEpochMilli();
        for (int closing = 0; closing < CLOSINGS; closing++) {
          topic.close(end + closing * 60_000L, 2_000_000 + closing * PARTITIONS);
        }

        int expected = events.size() + (CLOSINGS - 1) * PARTITIONS;
        predictions.await(expected, PATIENCE);
        try (var drift = CommittedTopic.drift(KAFKA.settings(), pipeline);
            var features = CommittedTopic.features(KAFKA.settings(), pipeline)) {
          int columns = pipeline.featureNames().size() + 1;
          drift.await(24 * columns, PATIENCE);
          for (String job : jobs) {
            assertThat(
                    cluster.get("/jobs/" + job + "/checkpoints").at("/counts/restored").intValue())
                .as("restores of %s", job)
                .isPositive();
            cluster.cancel(job);
          }
          check(events, batch, features.read(), predictions.read(), drift.read());
        }
      }
    }
  }

  private static void check(
      List<Transaction> events,
      BatchRows batch,
      List<FeatureRow> features,
      List<ScoredRow> predictions,
      List<DriftReport> drift) {
    List<String> ids = events.stream().map(event -> Long.toString(event.transactionId())).toList();
    assertThat(features)
        .extracting(row -> row.id)
        .filteredOn(id -> Long.parseLong(id) < 2_000_000)
        .containsExactlyInAnyOrderElementsOf(ids);
    for (FeatureRow row : features) {
      if (batch.rows().containsKey(row.id)) {
        assertThat(row.values).as("event %s", row.id).containsExactly(batch.rows().get(row.id));
      }
    }
    assertThat(predictions)
        .extracting(row -> row.id)
        .filteredOn(id -> Long.parseLong(id) < 2_000_000)
        .containsExactlyInAnyOrderElementsOf(ids);
    assertThat(drift)
        .extracting(report -> window(report) + " " + report.getRevision())
        .doesNotHaveDuplicates();
    Map<String, DriftReport> last = new HashMap<>();
    drift.forEach(
        report ->
            last.merge(
                window(report),
                report,
                (one, other) -> one.getRevision() > other.getRevision() ? one : other));
    assertThat(
            last.values().stream()
                .filter(report -> report.getWindowEnd().isBefore(START.plus(Duration.ofHours(25))))
                .collect(
                    Collectors.groupingBy(
                        DriftReport::getFeature,
                        Collectors.summingLong(DriftReport::getCurrentCount)))
                .values())
        .containsOnly((long) events.size());
  }

  private static String window(DriftReport report) {
    return report.getFeature() + " " + report.getWindowStart();
  }
}
