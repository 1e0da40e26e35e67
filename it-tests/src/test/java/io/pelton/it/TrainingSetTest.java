package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code pelton training-set}: what {@code pelton features} gives, and labels. */
class TrainingSetTest {
  private static final Instant START = Instant.parse("2018-05-01T00:00:00Z");
  private static final Duration DELAY = Duration.ofDays(7);

  @TempDir static Path directory;

  private static CardPipeline card;
  private static List<Transaction> events;
  private static Path csv;
  private static Path outcomes;
  private static List<String> features;

  @BeforeAll
  static void computeFeatures() throws Exception {
    events =
        new TransactionSimulator(new SimulatorSettings(9, 300, 60, START, 20, List.of()))
            .stream().toList();
    csv = directory.resolve("events.csv");
    TransactionCsv.write(events, csv);
    card =
        CardPipeline.write(
            directory,
            "labelled",
            "carry: [terminal_id]",
            "carry: [terminal_id]\n"
                + "outcomes: {topic: o, id: transaction_id, time: reported_at, label: fraud,"
                + " within: 10d}");
    // As chargebacks come: of frauds only, seven days later.
    List<String> lines = new ArrayList<>(List.of("transaction_id,reported_at,fraud"));
    for (Transaction event : events) {
      if (event.fraud()) {
        lines.add(
            event.transactionId() + "," + (event.eventTimeMillis() + DELAY.toMillis()) + ",1");
      }
    }
    outcomes = Files.write(directory.resolve("outcomes.csv"), lines);
    Path output = directory.resolve("features");
    Cli.succeed("features", "--pipeline", card.file(), "--input", csv, "--output", output);
    features = Files.readAllLines(output.resolve("features.csv"));
  }

  private static Cli run(Path output, Object... more) {
    return run(card, output, more);
  }

  private static Cli run(CardPipeline pipeline, Path output, Object... more) {
    List<Object> command =
        new ArrayList<>(
            List.of(
                "training-set", "--pipeline", pipeline.file(), "--input", csv, "--output", output));
    command.addAll(List.of(more));
    return Cli.run(command.toArray());
  }

  /** The features' lines with the label of each event. */
  private static List<String> expected(Instant asOf) {
    List<String> lines = new ArrayList<>(List.of(features.get(0) + ",fraud"));
    for (int i = 0; i < events.size(); i++) {
      Transaction event = events.get(i);
      Instant time = Instant.ofEpochMilli(event.eventTimeMillis());
      if (!time.isAfter(asOf)) {
        String label =
            event.fraud() && !time.plus(DELAY).isAfter(asOf)
                ? "1"
                : time.plus(Duration.ofDays(10)).isAfter(asOf) ? "" : "0";
        lines.add(features.get(i + 1) + "," + label);
      }
    }
    return lines;
  }

  @Test
  void isTheFeaturesAndTheLabelsKnownByThen() throws Exception {
    assertThat(events.stream().filter(Transaction::fraud)).hasSizeGreaterThan(5);
    for (Instant asOf :
        List.of(Instant.MAX.minus(Duration.ofDays(99)), START.plus(Duration.ofDays(13)))) {
      Path output = directory.resolve("set-" + asOf.getEpochSecond());
      List<Object> options = new ArrayList<>(List.of("--outcomes", outcomes, "--unlabelled", "0"));
      if (asOf.isBefore(START.plus(Duration.ofDays(99)))) {
        options.addAll(List.of("--as-of", asOf));
      }
      Cli cli = run(output, options.toArray());
      assertThat(cli.exitCode()).as(cli.err()).isZero();
      assertThat(Files.readAllLines(output.resolve("training-set.csv")))
          .containsExactlyElementsOf(expected(asOf));
      assertThat(Files.readString(output.resolve("manifest.json")))
          .contains("\"source\" : \"outcomes\"")
          .contains("\"unlabelled\" : 0.0");
    }
  }

  @Test
  void takesTheLabelFromTheEventWhereItIsKnownThere() throws Exception {
    Path output = directory.resolve("own");
    Cli cli = run(output, "--label", "fraud");
    assertThat(cli.exitCode()).as(cli.err()).isZero();
    List<String> expected = new ArrayList<>(List.of(features.get(0) + ",fraud"));
    for (int i = 0; i < events.size(); i++) {
      expected.add(features.get(i + 1) + "," + (events.get(i).fraud() ? 1 : 0));
    }
    assertThat(Files.readAllLines(output.resolve("training-set.csv")))
        .containsExactlyElementsOf(expected);
    assertThat(cli.out()).contains("labels: %,d known".formatted(events.size()));
  }

  @Test
  void tellsOutcomesOfLabelsFromThoseOfFeatures() throws Exception {
    CardPipeline both =
        CardPipeline.write(
            directory,
            "both",
            "features:\n",
            "features:\n"
                + "  known_frauds: {entity: terminal, source: outcomes, aggregate: count, windows: [30d]}\n",
            "carry: [terminal_id]",
            "outcomes: {topic: o, id: transaction_id, time: reported_at, label: fraud,"
                + " within: 10d}");
    Cli cli = run(both, directory.resolve("both-set"), "--outcomes", outcomes);
    assertThat(cli.exitCode()).as(cli.err()).isZero();
    long frauds = events.stream().filter(Transaction::fraud).count();
    assertThat(cli.out())
        .contains("  outcomes for features: %,d read, %,d used,".formatted(frauds, frauds))
        .contains("  outcomes for labels: %,d read, 0 of events that are".formatted(frauds))
        .doesNotContain("  outcomes: ");
  }

  @Test
  void warnsOfARangeWithoutEvents() throws Exception {
    String data =
        "; those of the input are of %s to %s"
            .formatted(
                Instant.ofEpochMilli(events.get(0).eventTimeMillis()),
                Instant.ofEpochMilli(events.get(events.size() - 1).eventTimeMillis()));
    Cli own = run(directory.resolve("after"), "--label", "fraud", "--from", "2019-01-01");
    assertThat(own.exitCode()).as(own.err()).isZero();
    assertThat(own.out())
        .contains("training-set.csv: 0 rows")
        .contains("warning: no event is in the range --from 2019-01-01T00:00:00Z" + data);
    Cli joined =
        run(
            directory.resolve("earlier"),
            "--outcomes",
            outcomes,
            "--to",
            "2018-05-01",
            "--as-of",
            "2018-06-01");
    assertThat(joined.exitCode()).as(joined.err()).isZero();
    assertThat(joined.out())
        .contains("range --to 2018-05-01T00:00:00Z --as-of 2018-06-01T00:00:00Z" + data);
  }

  @Test
  void saysWhatItCannotDo() throws Exception {
    Path output = directory.resolve("none");
    assertThat(run(output).exitCode()).isEqualTo(2);
    assertThat(run(output, "--label", "frauds").err())
        .contains("no field \"frauds\"; did you mean \"fraud\"?");
    assertThat(run(output, "--label", "amount").err()).contains("also the name of a feature");
    CardPipeline without = CardPipeline.write(directory, "without");
    Cli cli =
        Cli.run(
            "training-set",
            "--pipeline",
            without.file(),
            "--input",
            csv,
            "--outcomes",
            outcomes,
            "--output",
            output);
    assertThat(cli.exitCode()).isEqualTo(2);
    assertThat(cli.err()).contains("no section outcomes");
    assertThat(output).doesNotExist();
  }
}
