package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.Sha256;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files and models that cannot be used: a command says which and why, and leaves nothing behind.
 */
class BadFilesTest {
  @TempDir static Path directory;
  private static CardPipeline card;
  private static Path events;
  private static Path champion;
  private static ModelManifest published;

  @TempDir Path own;
  private Path output;

  @BeforeAll
  static void train() throws Exception {
    List<Transaction> payments =
        new TransactionSimulator(
                new SimulatorSettings(
                    1, 300, 60, Instant.parse("2018-05-01T00:00:00Z"), 2, List.of()))
            .stream().toList();
    events = directory.resolve("events.csv");
    TransactionCsv.write(payments, events);
    card = CardPipeline.write(directory, "bad-files");
    champion = directory.resolve("registry");
    published =
        Champion.publish(
            champion,
            card.definition(),
            BatchRows.features(card, directory.resolve("features"), events),
            payments.stream()
                .filter(Transaction::fraud)
                .map(event -> Long.toString(event.transactionId()))
                .collect(Collectors.toSet()));
  }

  @BeforeEach
  void nameOutput() {
    output = own.resolve("output");
  }

  private Cli features(Path input) {
    return Cli.run("features", "--pipeline", card.file(), "--input", input, "--output", output);
  }

  private Cli score(CardPipeline pipeline, Path registry) {
    return Cli.run(
        "score",
        "--pipeline",
        pipeline.file(),
        "--input",
        events,
        "--output",
        output,
        "--registry",
        registry);
  }

  @Test
  void aMissingFileIsNamed() {
    Cli result = features(own.resolve("nowhere.csv"));
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err()).contains("no file matches").contains("nowhere.csv");
    assertThat(output).doesNotExist();
  }

  @Test
  void aColumnThatIsMissingIsNamedWithItsFile() throws Exception {
    Path file = own.resolve("narrow.csv");
    Files.writeString(file, "transaction_id,event_time,terminal_id,amount,fraud\n1,2,3,4.0,0\n");
    Cli result = features(file);
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err()).contains("narrow.csv").contains("customer_id");
    assertThat(output).doesNotExist();
  }

  @Test
  void aFileThatTwoInputsNameIsReadOnceWhateverItsName() throws Exception {
    Path hidden = Files.copy(events, own.resolve("_events.csv"));
    Cli result =
        Cli.run(
            "features",
            "--pipeline",
            card.file(),
            "--input",
            hidden,
            "--input",
            own + "/./_events.csv",
            "--output",
            output);
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(Files.readAllLines(output.resolve("features.csv")))
        .hasSameSizeAs(Files.readAllLines(events));
  }

  @Test
  void anEmptyFileHoldsNoEvents() throws Exception {
    Path file = Files.createFile(own.resolve("empty.csv"));
    Cli result = features(file);
    assertThat(result.exitCode()).as(result.err()).isZero();
    assertThat(result.out()).contains("the input holds no events");
    assertThat(output.resolve("features.csv")).exists();
  }

  @Test
  void rowsThatCannotBeReadAreDeadLettersAndAnExitCodeWhereAsked() throws Exception {
    Path file = own.resolve("some-bad.csv");
    List<String> lines = Files.readAllLines(events);
    String broken = lines.get(3).replaceFirst("T", " at ");
    Files.write(file, List.of(lines.get(0), lines.get(1), broken, lines.get(2)));
    Cli result =
        Cli.run(
            "features",
            "--pipeline",
            card.file(),
            "--input",
            file,
            "--output",
            output,
            "--fail-on-dead-letters");
    assertThat(result.exitCode()).as(result.err()).isEqualTo(4);
    assertThat(Files.readAllLines(output.resolve("features.csv"))).hasSize(3);
    assertThat(Files.readString(output.resolve("dead-letters.csv")))
        .contains("some-bad.csv")
        .contains("undecodable");
  }

  @Test
  void aFileThatEndsTooSoonFailsTheRunAndLeavesNoOutput() throws Exception {
    Path whole = own.resolve("whole.csv.gz");
    TransactionCsv.write(
        new TransactionSimulator(
            new SimulatorSettings(1, 300, 60, Instant.parse("2018-05-01T00:00:00Z"), 2, List.of())),
        whole);
    byte[] bytes = Files.readAllBytes(whole);
    Path cut = Files.write(own.resolve("cut.csv.gz"), Arrays.copyOf(bytes, bytes.length / 2));
    Cli result = features(cut);
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err().lines().findFirst().orElse(""))
        .startsWith("failed: ")
        .contains("cut.csv.gz cannot be read to its end: ");
    assertThat(result.err()).doesNotContain("Recovery", "SplitFetcher", "execution failed");
    assertThat(output).doesNotExist();
  }

  @Test
  void aCorruptModelFileIsNamedWithBothDigests() throws Exception {
    Path registry = own.resolve("registry");
    copy(champion, registry);
    Path artifact =
        registry.resolve(CardPipeline.MODEL + "/versions/1").resolve(published.artifact());
    byte[] bytes = Files.readAllBytes(artifact);
    bytes[bytes.length / 2] ^= 1;
    Files.write(artifact, bytes);
    String actual;
    try (InputStream content = Files.newInputStream(artifact)) {
      actual = Sha256.of(content);
    }
    Cli result = score(card, registry);
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err())
        .contains(published.artifact())
        .contains(published.files().get(published.artifact()))
        .contains(actual);
    assertThat(output).doesNotExist();
  }

  @Test
  void aFeatureThatTheModelTakesAndThePipelineLacksIsNamed() throws Exception {
    CardPipeline renamed =
        CardPipeline.write(own, "renamed", "customer_max_amount:", "customer_maxi_amount:");
    Cli result = score(renamed, champion);
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err())
        .contains("card-fraud@1 takes features that the pipeline does not have")
        .contains("\"customer_max_amount_1d\"")
        .contains("did you mean \"customer_maxi_amount_1d\"");
    assertThat(output).doesNotExist();
  }

  @Test
  void aVersionThatIsNotThereIsNamed() {
    Cli result =
        Cli.run(
            "score",
            "--pipeline",
            card.file(),
            "--input",
            events,
            "--output",
            output,
            "--registry",
            champion,
            "--model",
            "card-fraud@9");
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err()).contains("card-fraud").contains("9").contains("1");
    assertThat(output).doesNotExist();
  }

  private static void copy(Path from, Path to) throws Exception {
    try (var tree = Files.walk(from)) {
      for (Path path : tree.toList()) {
        Path target = to.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.copy(path, target);
        }
      }
    }
  }
}
