package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.feature.FeatureRow;
import io.pelton.it.OutcomeTopic.Outcome;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Features of the outcomes that a topic tells, by {@code pelton run}. */
class OutcomesTopicTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final int PARTITIONS = 3;
  private static final long DAY = Duration.ofDays(1).toMillis();
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
        out-of-orderness: 10s
        idle-after: 10m
      entities: {customer: customer_id, terminal: terminal_id}
      features:
        count:  {entity: customer, aggregate: count, windows: [2d]}
        known:  {entity: terminal, source: outcomes, aggregate: count, windows: [6h, 2d]}
        frauds: {entity: terminal, source: outcomes, aggregate: sum(label), where: "amount > 20.0", windows: [2d], delay: 1h}
        risk:   {entity: customer, source: outcomes, aggregate: mean(label), windows: [2d, last-3], default: 0}
      outcomes: {topic: NAME.outcomes, id: transaction_id, time: reported_at, label: fraud, within: 1d}
      """;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  private CardPipeline pipeline;
  private int starts;

  @Test
  void historyAndThenTopicsGiveWhatABatchOverAllGives() throws Exception {
    pipeline = CardPipeline.of(directory, "outcomes", TEXT);
    List<Transaction> events =
        new TransactionSimulator(
                new SimulatorSettings(5, 400, 30, Instant.ofEpochMilli(START), 4, List.of()))
            .stream().toList();
    SplittableRandom dice = new SplittableRandom(3);
    List<Outcome> outcomes = new ArrayList<>();
    int repeated = 0;
    for (Transaction event : events) {
      if (dice.nextInt(3) > 0) {
        long time = event.eventTimeMillis() + dice.nextLong(DAY / 2);
        outcomes.add(new Outcome(event.transactionId(), time, dice.nextInt(2)));
        if (dice.nextInt(10) == 0) {
          outcomes.add(new Outcome(event.transactionId(), time + dice.nextLong(DAY / 3), 1));
          repeated++;
        }
      }
    }
    int used = outcomes.size() - repeated;
    outcomes.add(new Outcome(999_999, START + DAY, 1));
    outcomes.sort(Comparator.comparingLong(Outcome::time));
    long now = START + 2 * DAY;
    long kill = START + 3 * DAY;
    List<Transaction> past = events.stream().filter(e -> e.eventTimeMillis() < now).toList();
    List<Outcome> told = outcomes.stream().filter(o -> o.time() < now).toList();
    Path history = csv("history.csv", past);
    Path known = outcomes("known.csv", told);
    Path output = directory.resolve("features");
    Cli.succeed(
        "features",
        "--pipeline",
        pipeline.file(),
        "--input",
        history,
        "--input",
        csv("live.csv", events.subList(past.size(), events.size())),
        "--outcomes",
        known,
        "--outcomes",
        outcomes("later.csv", outcomes.subList(told.size(), outcomes.size())),
        "--output",
        output);
    BatchRows batch =
        BatchRows.read(output.resolve("features.csv"), pipeline.definition().featureNames());

    Object[] options = {"--history", history, "--outcomes", known, "--parallelism", 2};
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), PARTITIONS);
        OutcomeTopic outcomeTopic =
            OutcomeTopic.create(KAFKA.settings(), pipeline.definition(), PARTITIONS);
        var features = CommittedTopic.features(KAFKA.settings(), pipeline.definition())) {
      List<Transaction> live =
          EventTopic.shuffled(
              events.subList(past.size(), events.size()), CardPipeline.OUT_OF_ORDERNESS, 4);
      List<Transaction> first = live.stream().filter(e -> e.eventTimeMillis() < kill).toList();
      topic.scatter(first, 1);
      outcomeTopic.send(outcomes.stream().filter(o -> o.time() >= now && o.time() < kill).toList());
      try (PeltonProcess pelton = start(options)) {
        await(pelton, "live rows", () -> features.read().size() > first.size() * 9 / 10);
        pelton.kill();
      }
      topic.scatter(live.stream().filter(e -> e.eventTimeMillis() >= kill).toList(), 2);
      outcomeTopic.send(outcomes.stream().filter(o -> o.time() >= kill).toList());
      // Past the time in which any of them may find its event.
      long end = START + 7 * DAY;
      topic.close(end, 2_000_000);
      outcomeTopic.close(end);
      try (PeltonProcess pelton = start(options)) {
        await(pelton, "all rows", () -> features.read().size() >= live.size());
        await(
            pelton,
            "all outcomes",
            () -> pelton.count("feature.outcomes_in") == outcomes.size() + PARTITIONS);
        await(pelton, "outcomes used", () -> pelton.count("feature.outcomes_used") == used);
        await(pelton, "none of no event", () -> pelton.count("feature.outcomes_unmatched") == 1);
        assertThat(pelton.count("feature.outcomes_repeated")).isEqualTo(repeated).isPositive();
        assertThat(pelton.count("feature.outcomes_late")).isZero();
        assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
      }
      assertThat(features.read()).hasSameSizeAs(live);
      assertThat(batch.rows()).hasSameSizeAs(events);
      for (FeatureRow row : features.read()) {
        assertThat(row.values).as("event %s", row.id).containsExactly(batch.rows().get(row.id));
      }
      int window = pipeline.definition().featureNames().indexOf("known_2d");
      assertThat(features.read()).anyMatch(row -> row.values[window] > 20);
    }
  }

  @Test
  void onArrivalParityNamesTheRowsThatWereServedWithoutAnOutcome() throws Exception {
    pipeline =
        CardPipeline.of(
            directory,
            "arrival",
            TEXT.replace("  out-of-orderness: 10s\n", "") + "feature-log: log\n");
    List<Transaction> events = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      events.add(new Transaction(i, START + i * 1_000, 1, 1, 50, false));
    }
    // One of no event, which says how late it is; then one that comes after the rows it bears on.
    List<Outcome> outcomes =
        List.of(new Outcome(999_999, START + 12_000, 1), new Outcome(0, START + 4_000, 1));
    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline.definition(), 1);
        OutcomeTopic outcomeTopic =
            OutcomeTopic.create(KAFKA.settings(), pipeline.definition(), 1);
        var features = CommittedTopic.features(KAFKA.settings(), pipeline.definition());
        PeltonProcess pelton = start("--parallelism", 1)) {
      outcomeTopic.send(outcomes.subList(0, 1));
      topic.scatter(events.subList(0, 10), 1);
      await(pelton, "ten rows", () -> features.read().size() == 10);
      outcomeTopic.send(outcomes.subList(1, 2));
      await(pelton, "the outcome", () -> pelton.count("feature.outcomes_used") == 1);
      topic.scatter(events.subList(10, 20), 1);
      await(pelton, "all rows", () -> features.read().size() == 20);
      assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
      int window = pipeline.definition().featureNames().indexOf("known_6h");
      assertThat(features.read())
          .allMatch(row -> row.values[window] == (Integer.parseInt(row.id) < 10 ? 0 : 1));
    }
    Cli parity =
        Cli.run(
            "parity",
            "--pipeline",
            pipeline.file(),
            "--input",
            csv("events.csv", events),
            "--outcomes",
            outcomes("outcomes.csv", outcomes));
    assertThat(parity.exitCode()).as(parity.out() + parity.err()).isEqualTo(1);
    // Those from the outcome's time to its arrival; a window that ends an hour earlier has none.
    assertThat(parity.out())
        .containsPattern("count_2d +20 +0 +0 +0 ")
        .containsPattern("known_6h +20 +6 +0 +0 +1.00 +0 +0 ")
        .containsPattern("risk_last_3 +20 +6 +0 +0 +1.00 +0 +0 ")
        .containsPattern("frauds_2d +20 +0 +0 +0 ")
        .contains("event 4 of 2018-06-01T00:00:04Z: known_6h was served as 0.0, history gives 1.0")
        .contains("the log and history differ");
  }

  private Path csv(String name, List<Transaction> events) throws Exception {
    Path file = directory.resolve(name);
    TransactionCsv.write(events, file);
    return file;
  }

  private Path outcomes(String name, List<Outcome> outcomes) throws Exception {
    return OutcomeTopic.csv(outcomes, directory.resolve(name));
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
