package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** One job whose topics are delivered differently, in a process that is killed. */
class DeliveryTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final int PARTITIONS = 2;
  private static final int CLOSINGS = 2;
  private static final Instant START = Instant.parse("2018-06-01T00:00:00Z");
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  // The logs of a failed test stay.
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  private CardPipeline card;
  private Path registry;
  private int starts;

  @Test
  void afterAKillFeaturesComeOnceAndRepeatedPredictionsAreKnownByIdAndVersion() throws Exception {
    List<Transaction> events =
        new TransactionSimulator(new SimulatorSettings(3, 1_000, 300, START, 1, List.of()))
            .stream().toList();
    Path csv = directory.resolve("events.csv");
    TransactionCsv.write(events, csv);
    card =
        CardPipeline.write(
            directory,
            "delivered",
            "carry: [terminal_id]\n",
            "carry: [terminal_id]\ndelivery: {features: exactly-once}\n");
    PipelineDefinition pipeline = card.definition();
    registry = directory.resolve("registry");
    Champion.publish(
        registry,
        pipeline,
        BatchRows.features(card, directory.resolve("features"), csv),
        events.stream()
            .filter(Transaction::fraud)
            .map(event -> Long.toString(event.transactionId()))
            .collect(Collectors.toSet()));
    int half = events.size() / 2;
    int expected = events.size() + (CLOSINGS - 1) * PARTITIONS;

    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline, PARTITIONS);
        var features = CommittedTopic.features(KAFKA.settings(), pipeline);
        var predictions = CommittedTopic.predictions(KAFKA.settings(), pipeline)) {
      topic.scatter(EventTopic.shuffled(events.subList(0, half), 5_000, 5), 1);
      // No checkpoint completes: committed readers see predictions though no features yet.
      try (PeltonProcess pelton = start("600")) {
        Await.until(
            "predictions of a job without a checkpoint",
            PATIENCE,
            () -> {
              pelton.requireAlive();
              return predictions.read().size() >= half / 2;
            });
        assertThat(features.read()).isEmpty();
        pelton.kill();
      }
      int before = predictions.read().size();
      topic.scatter(EventTopic.shuffled(events.subList(half, events.size()), 5_000, 6), 2);
      long end = START.plus(Duration.ofHours(26)).toEpochMilli();
      for (int closing = 0; closing < CLOSINGS; closing++) {
        topic.close(end + closing * 60_000L, 2_000_000 + closing * PARTITIONS);
      }
      try (PeltonProcess pelton = start("1")) {
        Await.until(
            "all features and predictions",
            PATIENCE,
            () -> {
              pelton.requireAlive();
              return features.read().size() >= expected
                  && predictions.read().size() >= before + expected;
            });
        assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
      }
      check(events, features.read(), predictions.read());
    }
  }

  private PeltonProcess start(String checkpointInterval) throws Exception {
    return PeltonProcess.start(
        directory.resolve("pelton-" + ++starts + ".log"),
        "run",
        "all",
        "--pipeline",
        card.file(),
        "--brokers",
        KAFKA.brokers(),
        "--registry",
        registry,
        "--state",
        directory.resolve("state"),
        "--partitions",
        PARTITIONS,
        "--delivery",
        "predictions=at-least-once",
        "--checkpoint-interval",
        checkpointInterval);
  }

  private static void check(
      List<Transaction> events, List<FeatureRow> features, List<ScoredRow> predictions) {
    List<String> ids = events.stream().map(event -> Long.toString(event.transactionId())).toList();
    assertThat(features).extracting(row -> row.id).contains(ids.toArray(String[]::new));
    assertThat(features).extracting(row -> row.id).doesNotHaveDuplicates();
    Map<String, ScoredRow> first = new HashMap<>();
    int repeated = 0;
    for (ScoredRow row : predictions) {
      ScoredRow same = first.putIfAbsent(row.id + " of version " + row.served.version(), row);
      if (same != null) {
        repeated++;
        assertThat(row.featureDigest)
            .as("features of event %s", row.id)
            .isEqualTo(same.featureDigest);
        assertThat(row.outputs).as("event %s", row.id).containsExactly(same.outputs, within(1e-6));
      }
    }
    assertThat(repeated).as("predictions written again").isPositive();
    assertThat(first.values().stream().map(row -> row.id)).doesNotHaveDuplicates().containsAll(ids);
  }
}
