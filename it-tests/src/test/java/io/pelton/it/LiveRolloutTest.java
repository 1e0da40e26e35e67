package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.Registry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Commands change what a job in a process of its own serves. */
class LiveRolloutTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final int PARTITIONS = 2;
  private static final long CLOSING_IDS = 2_000_000;

  /** What the last version takes. */
  private static final List<String> FEW = List.of("customer_tx_count_1h", "amount");

  private static final Instant START = Instant.parse("2018-06-01T00:00:00Z");
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  // The logs of a failed test stay.
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  private CardPipeline card;

  @Test
  void versionsChangeWhileItRunsAndABatchChoosesAsTheStreamDid() throws Exception {
    List<Transaction> events =
        new TransactionSimulator(new SimulatorSettings(3, 500, 100, START, 1, List.of()))
            .stream().toList();
    Path csv = directory.resolve("events.csv");
    TransactionCsv.write(events, csv);
    card = CardPipeline.write(directory, "live", "carry:", "registry: registry\ncarry:");
    PipelineDefinition pipeline = card.definition();
    Path versions = card.file().resolveSibling("registry");
    publish(versions, pipeline, events, csv);
    Registry registry = new Registry(new LocalStorage(versions));

    try (EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline, PARTITIONS);
        var predictions = CommittedTopic.predictions(KAFKA.settings(), pipeline);
        var shadows = CommittedTopic.shadows(KAFKA.settings(), pipeline);
        PeltonProcess pelton = start()) {
      Await.until(
          "a job that serves the champion",
          PATIENCE,
          () -> {
            pelton.requireAlive();
            return rollout("status").out().contains("2 of 2   0 ");
          });
      succeeds("canary", "2", "--percent", "40");
      succeeds("segment", "low", "2", "--when", "terminal_id < 30");
      succeeds("shadow", "next", "4");
      topic.scatter(EventTopic.shuffled(events, CardPipeline.OUT_OF_ORDERNESS, 5), 1);
      long end = START.plus(Duration.ofHours(26)).toEpochMilli();
      topic.close(end, CLOSING_IDS);
      Map<String, String> live = served(predictions.await(events.size(), PATIENCE));
      assertThat(live).hasSameSizeAs(events);
      assertThat(Set.copyOf(live.values()))
          .containsExactlyInAnyOrder("2 canary", "1 champion", "2 low");
      assertShadowed(shadows.await(events.size(), PATIENCE), live.keySet());
      succeeds("shadow", "next", "--off");
      Path output = directory.resolve("scored");
      Cli.succeed(
          "score",
          "--pipeline",
          card.file(),
          "--input",
          csv,
          "--output",
          output,
          "--by-plan",
          "--brokers",
          KAFKA.brokers());
      assertThat(served(output.resolve("predictions.csv"))).isEqualTo(live);

      Cli refused = rollout("deploy", "3");
      assertThat(refused.exitCode()).isEqualTo(2);
      assertThat(refused.out())
          .contains("is corrupt: expected SHA-256 ")
          .contains(
              "takes it back: low @2 where terminal_id < 30, canary @2 40 %, champion @1 60 %")
          .endsWith(" serving, in its 2 subtasks\n");

      succeeds("promote");
      assertThat(registry.resolve(CardPipeline.MODEL).version()).isEqualTo(2);
      topic.close(end + 60_000, CLOSING_IDS + PARTITIONS);
      predictions.await(events.size() + PARTITIONS, PATIENCE);
      succeeds("rollback");
      assertThat(registry.resolve(CardPipeline.MODEL).version()).isEqualTo(1);
      topic.close(end + 120_000, CLOSING_IDS + 2 * PARTITIONS);
      Map<String, String> all = served(predictions.await(events.size() + 2 * PARTITIONS, PATIENCE));
      for (int i = 0; i < PARTITIONS; i++) {
        assertThat(all.get(Long.toString(CLOSING_IDS + i))).isEqualTo("2 champion");
        assertThat(all.get(Long.toString(CLOSING_IDS + PARTITIONS + i)))
            .isIn("2 canary", "1 champion");
      }
      succeeds("deploy", "4");
      topic.close(end + 180_000, CLOSING_IDS + 3 * PARTITIONS);
      List<ScoredRow> last = predictions.await(events.size() + 3 * PARTITIONS, PATIENCE);
      assertThat(last.subList(last.size() - PARTITIONS, last.size()))
          .allSatisfy(row -> assertThat(row.served.features()).isEqualTo(FEW));
      assertThat(rollout("history").out())
          .contains("take back revision 5: ", "refused", "alias moved", " subtask 2 ");
      assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
      assertThat(rollout("status").out()).contains(" ended ").doesNotContain("SUBTASK");
    }
  }

  private static void publish(
      Path versions, PipelineDefinition pipeline, List<Transaction> events, Path csv)
      throws Exception {
    CardPipeline batch = CardPipeline.write(versions.resolveSibling("batch"), "batch");
    BatchRows features = BatchRows.features(batch, versions.resolveSibling("batch-features"), csv);
    Set<String> frauds =
        events.stream()
            .filter(Transaction::fraud)
            .map(event -> Long.toString(event.transactionId()))
            .collect(Collectors.toSet());
    for (int version = 1; version <= 3; version++) {
      Champion.publish(versions, pipeline, features, frauds);
    }
    Champion.publish(versions, pipeline, features, frauds, FEW);
    new Registry(new LocalStorage(versions)).setAlias(CardPipeline.MODEL, Registry.CHAMPION, 1);
    Path model = versions.resolve(CardPipeline.MODEL).resolve("versions/3/model");
    try (Stream<Path> files = Files.list(model)) {
      Files.write(files.findFirst().orElseThrow(), new byte[] {1}, StandardOpenOption.APPEND);
    }
  }

  private static void assertShadowed(List<ScoredRow> rows, Set<String> ids) {
    assertThat(rows).extracting(row -> row.id).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(rows)
        .allSatisfy(
            row -> {
              assertThat(row.served.version()).isEqualTo(4);
              assertThat(row.served.variant()).isEqualTo("next");
              assertThat(row.served.features()).isEqualTo(FEW);
              assertThat(row.features).hasSameSizeAs(FEW);
            });
  }

  private static Map<String, String> served(List<ScoredRow> rows) {
    Map<String, String> served = new TreeMap<>();
    for (ScoredRow row : rows) {
      assertThat(served.put(row.id, row.served.version() + " " + row.served.variant())).isNull();
    }
    return served;
  }

  private static Map<String, String> served(Path csv) throws Exception {
    Map<String, String> served = new TreeMap<>();
    try (CsvReader<NamedCsvRecord> rows = CsvReader.builder().ofNamedCsvRecord(csv)) {
      rows.forEach(
          row ->
              served.put(
                  row.getField("transaction_id"),
                  row.getField("version") + " " + row.getField("variant")));
    }
    return served;
  }

  private PeltonProcess start() throws Exception {
    return PeltonProcess.start(
        directory.resolve("pelton.log"),
        "run",
        "all",
        "--pipeline",
        card.file(),
        "--brokers",
        KAFKA.brokers(),
        "--partitions",
        PARTITIONS,
        "--parallelism",
        2,
        "--checkpoint-interval",
        1);
  }

  private void succeeds(Object... arguments) {
    Cli result = rollout(arguments);
    assertThat(result.exitCode()).as(result.out() + result.err()).isZero();
    assertThat(result.out()).contains(" serving, in its 2 subtasks\n");
  }

  private Cli rollout(Object... arguments) {
    List<Object> all = new ArrayList<>(List.of("rollout"));
    all.addAll(List.of(arguments));
    all.addAll(List.of("--pipeline", card.file(), "--brokers", KAFKA.brokers()));
    return Cli.run(all.toArray());
  }
}
