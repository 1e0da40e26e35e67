package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.cli.simulator.Transaction;
import io.pelton.feature.FeatureRow;
import io.pelton.schemas.DeadLetter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** {@code pelton run} on the state of a pipeline file or of options that said something else. */
class ChangedPipelineTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final long START = Instant.parse("2018-06-01T00:00:00Z").toEpochMilli();
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final String PLAIN =
      """
      pipeline: NAME
      events:
        topic: NAME.events
        schema: transaction.avsc
        id: transaction_id
        time: event_time
        out-of-orderness: 5s
      entities: {customer: customer_id}
      features:
        count: {entity: customer, aggregate: count, windows: [1h]}
        total: {entity: customer, aggregate: sum(amount), windows: [1h]}
      """;
  private static final String WITH_BOTH =
      PLAIN.replace("events:\n", "events:\n  deduplicate: {within: 1h}\n") + "feature-log: log\n";

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  private CardPipeline pipeline;
  private int starts;

  @Test
  void featureLogAndDeduplicationGoWhenTheirStateMayGoAndComeBack() throws Exception {
    pipeline = CardPipeline.of(directory, "changed", WITH_BOTH);
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), 1);
        var features = CommittedTopic.features(KAFKA.settings(), pipeline.definition());
        var dead = CommittedTopic.deadLetters(KAFKA.settings(), pipeline.definition())) {
      topic.scatter(events(0, 40), 1);
      topic.scatter(events(5, 10), 1);
      try (PeltonProcess pelton = start()) {
        await(pelton, features, 34);
        awaitDuplicate(pelton, dead, 5, 10);
        stop(pelton);
      }

      rewrite(PLAIN);
      try (PeltonProcess pelton = start()) {
        assertThat(pelton.awaitEnd(PATIENCE)).isEqualTo(2);
        assertThat(pelton.output())
            .contains("the state of \"deduplicate events\", \"feature log: Committer\"")
            .contains("--allow-non-restored-state to go on without");
      }
      topic.scatter(events(40, 60), 1);
      topic.scatter(events(50, 52), 1);
      try (PeltonProcess pelton = start("--allow-non-restored-state")) {
        // Without the 6 that waited to be deduplicated, with the 2 that come twice.
        await(pelton, features, 34 + 14 + 2);
        stop(pelton);
        assertThat(pelton.output()).contains("dropping the state of \"deduplicate events\"");
      }

      rewrite(WITH_BOTH);
      topic.scatter(events(60, 80), 1);
      topic.scatter(events(70, 75), 1);
      try (PeltonProcess pelton = start()) {
        await(pelton, features, 50 + 20);
        awaitDuplicate(pelton, dead, 70, 74);
        stop(pelton);
        assertThat(pelton.output()).contains("going on from").doesNotContain("dropping");
      }
      assertThat(features.read())
          .extracting(row -> row.id)
          .contains(ids(0, 34))
          .contains(ids(40, 74))
          .doesNotContain(ids(34, 40));
      assertThat(dead.read())
          .extracting(DeadLetter::getReason, DeadLetter::getEventId)
          .contains(tuple("duplicate", "5"), tuple("duplicate", "70"))
          .doesNotContain(tuple("duplicate", "50"));
      int count = pipeline.definition().featureNames().indexOf("count_1h");
      assertThat(features.read())
          .as("each third event is the customer's, from the first; 2 waited and were dropped")
          .anyMatch(row -> row.id.equals("73") && row.values[count] == 25 - 2);
    }
  }

  @Test
  void aCheckpointIsRefusedByTheOtherStateBackendAndASavepointIsTaken() throws Exception {
    pipeline = CardPipeline.of(directory, "backend", PLAIN);
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), 1);
        var features = CommittedTopic.features(KAFKA.settings(), pipeline.definition())) {
      topic.scatter(events(0, 40), 1);
      try (PeltonProcess pelton = start("--state-backend", "rocksdb")) {
        await(pelton, features, 34);
        pelton.kill();
      }
      try (PeltonProcess pelton = start()) {
        assertThat(pelton.awaitEnd(PATIENCE)).isEqualTo(2);
        assertThat(pelton.output())
            .contains("the state in " + directory.resolve("state"))
            .contains("was written by the state backend rocksdb, and heap cannot read it")
            .contains("give --state-backend rocksdb");
      }
      topic.scatter(events(40, 60), 1);
      try (PeltonProcess pelton = start("--state-backend", "rocksdb")) {
        await(pelton, features, 34 + 20);
        stop(pelton);
      }
      topic.scatter(events(60, 80), 1);
      try (PeltonProcess pelton = start("--state-backend", "heap")) {
        await(pelton, features, 34 + 20 + 20);
        assertThat(pelton.output()).contains("going on from");
        pelton.kill();
      }
      try (PeltonProcess pelton = start("--state-backend", "rocksdb")) {
        assertThat(pelton.awaitEnd(PATIENCE)).isEqualTo(2);
        assertThat(pelton.output()).contains("give --state-backend heap");
      }
    }
  }

  @Test
  void anotherResolutionIsRefusedWithItsEntityAndBothResolutions() throws Exception {
    String tiled =
        PLAIN.replace("customer: customer_id", "customer: {key: customer_id, resolution: 1m}");
    pipeline = CardPipeline.of(directory, "resolution", tiled);
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), 1);
        var features = CommittedTopic.features(KAFKA.settings(), pipeline.definition())) {
      topic.scatter(events(0, 40), 1);
      try (PeltonProcess pelton = start()) {
        await(pelton, features, 34);
        stop(pelton);
      }
      rewrite(tiled.replace("1m", "5m"));
      try (PeltonProcess pelton = start()) {
        assertThat(pelton.awaitEnd(PATIENCE)).isEqualTo(2);
        assertThat(pelton.output())
            .contains("the state of \"features of customer tiles of 60000ms\" in ")
            .contains(
                "(entity customer kept tiles of 1m there, and now keeps tiles of 5m, with"
                    + " resolution: 5m). Put that back, or give --allow-non-restored-state");
      }
    }
  }

  private void rewrite(String text) throws Exception {
    Files.writeString(pipeline.file(), text.replace("NAME", pipeline.definition().name()));
  }

  private static void stop(PeltonProcess pelton) throws Exception {
    assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
  }

  private static String[] ids(int from, int to) {
    return IntStream.range(from, to).mapToObj(Integer::toString).toArray(String[]::new);
  }

  private static List<Transaction> events(int from, int to) {
    List<Transaction> events = new ArrayList<>();
    for (int i = from; i < to; i++) {
      events.add(new Transaction(i, START + i * 1_000L, i % 3, 1, i, false));
    }
    return events;
  }

  private static void await(PeltonProcess pelton, CommittedTopic<FeatureRow> features, int count) {
    Await.until(
        count + " rows",
        PATIENCE,
        () -> {
          pelton.requireAlive();
          return features.read().size() >= count;
        });
  }

  /** The job reads partitions as it likes: repeated events may come after all features. */
  private static void awaitDuplicate(
      PeltonProcess pelton, CommittedTopic<DeadLetter> dead, int from, int to) {
    Await.until(
        "repeated events " + from + " to " + to,
        PATIENCE,
        () -> {
          pelton.requireAlive();
          return dead.read().stream()
              .filter(letter -> letter.getReason().equals("duplicate"))
              .map(DeadLetter::getEventId)
              .toList()
              .containsAll(List.of(ids(from, to)));
        });
  }

  private PeltonProcess start(Object... more) throws Exception {
    List<Object> arguments =
        new ArrayList<>(
            List.of(
                "run",
                "feature",
                "--pipeline",
                pipeline.file(),
                "--brokers",
                KAFKA.brokers(),
                "--state",
                directory.resolve("state"),
                "--checkpoint-interval",
                "0.3"));
    arguments.addAll(List.of(more));
    return PeltonProcess.start(
        directory.resolve("pelton-" + ++starts + ".log"), arguments.toArray());
  }
}
