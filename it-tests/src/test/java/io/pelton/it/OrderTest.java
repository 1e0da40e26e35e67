package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.feature.FeatureRow;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Repeated and late events of a topic, before and after {@code pelton run} was killed. */
class OrderTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final long START = Instant.parse("2018-06-01T00:00:00Z").toEpochMilli();
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final String TEXT =
      """
      pipeline: NAME
      events:
        topic: NAME.events
        schema: transaction.avsc
        id: transaction_id
        time: event_time
        out-of-orderness: 5s
        idle-after: 10m
        KEY
      entities: {customer: customer_id}
      features:
        count: {entity: customer, aggregate: count, windows: [1h]}
        total: {entity: customer, aggregate: sum(amount), windows: [1h]}
      """;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  private CardPipeline pipeline;
  private int starts;

  @Test
  void aRepeatedEventIsADeadLetterAcrossAKillToo() throws Exception {
    pipeline =
        CardPipeline.of(directory, "repeated", TEXT.replace("KEY", "deduplicate: {within: 1h}"));
    List<Transaction> before = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      before.add(event(i, i));
      if (i % 5 == 3 && i < 30) {
        before.add(event(i - 3, i - 3)); // again: 0, 5, …, 25
      }
    }
    List<Transaction> after = new ArrayList<>(List.of(event(36, 36), event(37, 37)));
    for (int i = 40; i < 60; i++) {
      after.add(event(i, i));
    }
    after.add(event(10, 58)); // sent again with a time of its own
    after.add(event(41, 59));
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), 2);
        var features = CommittedTopic.features(KAFKA.settings(), pipeline.definition());
        var dead = CommittedTopic.deadLetters(KAFKA.settings(), pipeline.definition())) {
      topic.scatter(before, 1);
      try (PeltonProcess pelton = start("2")) {
        await(pelton, "6 duplicates", () -> dead.read().size() >= 6);
        await(pelton, "rows", () -> features.read().size() >= 20);
        pelton.kill();
      }
      topic.scatter(after, 2);
      topic.close(START + 120_000, 2_000_000);
      try (PeltonProcess pelton = start("2")) {
        await(pelton, "60 rows", () -> features.read().size() >= 60);
        await(pelton, "10 duplicates", () -> dead.read().size() >= 10);
        await(pelton, "their count", () -> pelton.count("feature.duplicates") == 10);
        await(pelton, "all", () -> pelton.count("feature.in") == before.size() + after.size() + 2);
        assertThat(pelton.count("feature.late")).isZero();
        assertThat(pelton.count("feature.dead")).isZero();
        assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
      }

      assertThat(dead.read())
          .extracting(DeadLetter::getStage, DeadLetter::getReason)
          .containsOnly(tuple("deduplicate", "duplicate"));
      assertThat(dead.read())
          .extracting(DeadLetter::getEventId)
          .containsExactlyInAnyOrder("0", "5", "10", "15", "20", "25", "36", "37", "10", "41");
      assertThat(dead.read())
          .anySatisfy(
              letter ->
                  assertThat(letter.getDetail())
                      .contains("event 10 of 2018-06-01T00:00:58Z repeats that of")
                      .contains("2018-06-01T00:00:10Z, taken from repeated.events partition"));
      Path csv = directory.resolve("events.csv");
      List<Transaction> all = new ArrayList<>(before);
      all.addAll(after);
      TransactionCsv.write(all, csv);
      BatchRows batch = BatchRows.features(pipeline, directory.resolve("features"), csv);
      assertThat(features.read()).hasSize(60).hasSameSizeAs(batch.rows().keySet());
      for (FeatureRow row : features.read()) {
        assertThat(row.values).as(row.id).containsExactly(batch.rows().get(row.id));
      }
    }
  }

  @Test
  void anEventBeyondTheBoundIsSaidToBeLateAndCountsFromThenOn() throws Exception {
    pipeline = CardPipeline.of(directory, "late", TEXT.replace("KEY", "late: include"));
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), 1);
        var features = CommittedTopic.features(KAFKA.settings(), pipeline.definition());
        var late = CommittedTopic.late(KAFKA.settings(), pipeline.definition())) {
      topic.scatter(events(0, 30), 1);
      try (PeltonProcess pelton = start("1")) {
        await(pelton, "24 rows", () -> features.read().size() >= 24);
        topic.scatter(List.of(new Transaction(1_000, START + 10_500, 0, 1, 5, false)), 1);
        await(pelton, "a late event", () -> late.read().size() == 1);
        await(pelton, "its count", () -> pelton.count("feature.late_included") == 1);
        pelton.kill();
      }
      // Late still, though the job's watermark begins anew.
      topic.scatter(List.of(new Transaction(1_001, START + 11_500, 0, 1, 7, false)), 1);
      topic.scatter(events(30, 60), 1);
      try (PeltonProcess pelton = start("1")) {
        await(pelton, "54 rows", () -> features.read().size() >= 54);
        await(pelton, "two counted", () -> pelton.count("feature.late_included") == 2);
        assertThat(pelton.count("feature.late")).isEqualTo(2);
        assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
      }

      assertThat(late.read())
          .extracting(LateEvent::getEventId, LateEvent::getWatermark)
          .containsExactly(
              tuple("1000", Instant.ofEpochMilli(START + 23_999)),
              tuple("1001", Instant.ofEpochMilli(START + 23_999)));
      int count = pipeline.definition().featureNames().indexOf("count_1h");
      int total = pipeline.definition().featureNames().indexOf("total_1h");
      assertThat(features.read()).hasSize(54);
      for (FeatureRow row : features.read()) {
        int i = Integer.parseInt(row.id);
        int before = i / 3 + 1;
        boolean counts = i % 3 == 0 && i >= 24;
        assertThat(row.values[count]).as(row.id).isEqualTo(before + (counts ? 2 : 0));
        double amounts = before * (i % 3) + 3 * before * (before - 1) / 2.0;
        assertThat(row.values[total]).as(row.id).isEqualTo(amounts + (counts ? 12 : 0));
      }
    }
  }

  @Test
  void onArrivalNothingWaitsForASubtaskWithoutAPartition() throws Exception {
    pipeline =
        CardPipeline.of(
            directory, "arrival", TEXT.replace("  out-of-orderness: 5s\n", "").replace("KEY", ""));
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), 1);
        var features = CommittedTopic.features(KAFKA.settings(), pipeline.definition())) {
      for (int events = 10; events <= 20; events += 10) {
        topic.scatter(events(events - 10, events), 1);
        int sent = events;
        try (PeltonProcess pelton = start("2")) {
          await(pelton, sent + " rows", () -> features.read().size() >= sent);
          assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
        }
      }
      int count = pipeline.definition().featureNames().indexOf("count_1h");
      assertThat(features.read()).hasSize(20);
      for (FeatureRow row : features.read()) {
        assertThat(row.values[count]).as(row.id).isEqualTo(Integer.parseInt(row.id) / 3 + 1);
      }
    }
  }

  @Test
  void onArrivalEventsWaitForHistoryOnceAndTheLogSaysSo() throws Exception {
    pipeline =
        CardPipeline.of(
            directory,
            "after-history",
            TEXT.replace("  out-of-orderness: 5s\n", "").replace("KEY", ""));
    Path history = directory.resolve("history.csv");
    TransactionCsv.write(events(0, 10), history);
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), 1);
        var features = CommittedTopic.features(KAFKA.settings(), pipeline.definition())) {
      topic.scatter(events(10, 20), 1);
      try (PeltonProcess pelton = start("1", "--history", history)) {
        await(pelton, "10 rows", () -> features.read().size() >= 10);
        assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
        assertThat(pelton.output())
            .contains("filled from --history; events wait until all of it is read")
            .contains("features of customer: events wait until all history is read");
      }
      topic.scatter(events(20, 30), 1);
      // A subtask without a partition holds the watermark back, but history was read.
      try (PeltonProcess pelton = start("2", "--history", history)) {
        await(pelton, "20 rows", () -> features.read().size() >= 20);
        assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
        assertThat(pelton.output()).doesNotContain("wait until all history is read");
      }
      int count = pipeline.definition().featureNames().indexOf("count_1h");
      assertThat(features.read()).hasSize(20);
      for (FeatureRow row : features.read()) {
        assertThat(row.values[count]).as(row.id).isEqualTo(Integer.parseInt(row.id) / 3 + 1);
      }
    }
  }

  /** A second after the other, of three customers in turn. */
  private static Transaction event(int id, int second) {
    return new Transaction(id, START + second * 1_000L, id % 3, 1, id, false);
  }

  private static List<Transaction> events(int from, int to) {
    List<Transaction> events = new ArrayList<>();
    for (int i = from; i < to; i++) {
      events.add(event(i, i));
    }
    return events;
  }

  private static void await(PeltonProcess pelton, String what, Callable<Boolean> condition) {
    Await.until(
        what,
        PATIENCE,
        () -> {
          pelton.requireAlive();
          return condition.call();
        });
  }

  private PeltonProcess start(String parallelism, Object... more) throws Exception {
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
                "--parallelism",
                parallelism,
                "--checkpoint-interval",
                "0.3"));
    arguments.addAll(List.of(more));
    return PeltonProcess.start(
        directory.resolve("pelton-" + ++starts + ".log"), arguments.toArray());
  }
}
