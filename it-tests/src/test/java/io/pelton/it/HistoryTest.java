package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** {@code pelton run all --history}: 30-day windows that are right from the first event on. */
class HistoryTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final int PARTITIONS = 3;
  private static final Instant START = Instant.parse("2018-05-01T00:00:00Z");
  private static final int HISTORY_DAYS = 40;
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  @Test
  void liveEventsHaveTheFeaturesOfABatchOverHistoryAndThem() throws Exception {
    List<Transaction> all =
        new TransactionSimulator(
                new SimulatorSettings(21, 150, 40, START, HISTORY_DAYS + 1, List.of()))
            .stream().toList();
    long now = START.plus(Duration.ofDays(HISTORY_DAYS)).toEpochMilli();
    List<Transaction> history =
        all.stream().filter(event -> event.eventTimeMillis() < now).toList();
    List<Transaction> live = all.subList(history.size(), all.size());
    Path files = Files.createDirectory(directory.resolve("history"));
    // In no order: neither in a file nor between them.
    List<Transaction> mixed = EventTopic.shuffled(history, Duration.ofDays(60).toMillis(), 3);
    TransactionCsv.write(mixed.subList(0, mixed.size() / 2), files.resolve("a.csv"));
    TransactionCsv.write(mixed.subList(mixed.size() / 2, mixed.size()), files.resolve("b.csv.gz"));
    Path liveFile = directory.resolve("live.csv");
    TransactionCsv.write(live, liveFile);

    CardPipeline card =
        CardPipeline.write(
            directory,
            "with-history",
            "windows: [1h, 1d]",
            "windows: [1d, 7d, 30d]",
            "windows: [1d]",
            "windows: [30d]",
            "delay: 1h",
            "delay: 7d");
    PipelineDefinition pipeline = card.definition();
    BatchRows batch = BatchRows.features(card, directory.resolve("features"), files, liveFile);
    Path registry = directory.resolve("registry");
    Champion.publish(
        registry,
        pipeline,
        batch,
        all.stream()
            .filter(Transaction::fraud)
            .map(event -> Long.toString(event.transactionId()))
            .collect(Collectors.toSet()));

    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline, PARTITIONS)) {
      topic.scatter(EventTopic.shuffled(live, CardPipeline.OUT_OF_ORDERNESS, 5), 5);
      topic.close(all.get(all.size() - 1).eventTimeMillis() + 60_000, 2_000_000);
    }
    try (PeltonProcess pelton =
            PeltonProcess.start(
                directory.resolve("pelton.log"),
                "run",
                "all",
                "--pipeline",
                card.file(),
                "--brokers",
                KAFKA.brokers(),
                "--registry",
                registry,
                "--history",
                files + "/*",
                "--parallelism",
                "2",
                "--checkpoint-interval",
                "1");
        var features = CommittedTopic.features(KAFKA.settings(), pipeline)) {
      Await.until(
          "the live events' features (log in " + directory + ")",
          PATIENCE,
          () -> {
            pelton.requireAlive();
            return features.read().size() >= live.size();
          });
      assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
      check(live, batch, features.read(), pipeline);
    }
  }

  private static void check(
      List<Transaction> live,
      BatchRows batch,
      List<FeatureRow> features,
      PipelineDefinition pipeline)
      throws Exception {
    List<String> ids = new ArrayList<>();
    live.forEach(event -> ids.add(Long.toString(event.transactionId())));
    assertThat(features).extracting(row -> row.id).containsExactlyInAnyOrderElementsOf(ids);
    int month = pipeline.featureNames().indexOf("customer_tx_count_30d");
    assertThat(features).anyMatch(row -> row.values[month] > 30);
    for (FeatureRow row : features) {
      assertThat(row.values).as("event %s", row.id).containsExactly(batch.rows().get(row.id));
    }
    try (var predictions = CommittedTopic.predictions(KAFKA.settings(), pipeline)) {
      assertThat(predictions.read())
          .extracting((ScoredRow row) -> row.id)
          .containsExactlyInAnyOrderElementsOf(ids);
    }
  }
}
