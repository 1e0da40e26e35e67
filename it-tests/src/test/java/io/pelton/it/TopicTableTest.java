package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** {@code pelton run} of a pipeline with a table of a topic, and batch runs of the same. */
class TopicTableTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final int PARTITIONS = 3;
  private static final long BOUND = 10_000;
  private static final Instant START = Instant.parse("2018-06-01T00:00:00Z");
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  private String name;
  private Path file;
  private PipelineDefinition pipeline;
  private List<Transaction> events;
  private List<Version> versions;
  private Path csv;
  private Path rows;

  /** What is known of a terminal from a time on; nothing when the risk is null. */
  private record Version(long terminal, long time, @Nullable Integer risk) {
    /** As its record has it, but for the value that one without a risk does not have. */
    String json() {
      return "{\"terminal_id\":%d,\"valid_from\":%d,\"risk\":%d}".formatted(terminal, time, risk);
    }
  }

  @BeforeEach
  void generate(TestInfo test) throws Exception {
    name = test.getTestMethod().orElseThrow().getName().toLowerCase(Locale.ROOT);
    Files.copy(
        Path.of("../examples/card-fraud/transaction.avsc"), directory.resolve("transaction.avsc"));
    Files.writeString(
        directory.resolve("terminal.avsc"),
        """
        {"type": "record", "name": "Terminal", "fields": [
          {"name": "terminal_id", "type": "long"},
          {"name": "valid_from", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "risk", "type": "int"}]}
        """);
    file = directory.resolve("pipeline.yaml");
    Files.writeString(
        file,
        """
        pipeline: NAME
        events:
          topic: NAME.transactions
          format: json
          schema: transaction.avsc
          id: transaction_id
          time: event_time
          out-of-orderness: 10s
          idle-after: 10m
        tables:
          terminals: {topic: NAME.terminals, schema: terminal.avsc, key: terminal_id, time: valid_from}
        entities: {customer: customer_id}
        features:
          risk: {value: terminals.risk, default: -1}
          since: {value: "double(int(time) - int(terminals.valid_from))", default: -1}
          risks: {entity: customer, aggregate: sum(terminals.risk), windows: [1d]}
        """
            .replace("NAME", name));
    pipeline = PipelineFile.read(file);
    events =
        new TransactionSimulator(new SimulatorSettings(5, 800, 40, START, 1, List.of()))
            .stream().toList();
    versions = versions(new Random(7));
    csv = directory.resolve("events.csv");
    TransactionCsv.write(events, csv);
    rows = directory.resolve("terminals.jsonl");
    Files.write(rows, versions.stream().map(Version::json).toList());
  }

  private List<Version> versions(Random random) {
    List<Version> all = new ArrayList<>();
    for (long terminal : events.stream().map(Transaction::terminalId).distinct().toList()) {
      long time = START.toEpochMilli() + random.nextInt(7_200_000);
      while (time < START.plus(Duration.ofDays(1)).toEpochMilli()) {
        all.add(new Version(terminal, time, random.nextInt(6) == 0 ? null : random.nextInt(10)));
        time += 1 + random.nextInt(7_200_000);
      }
    }
    all.sort(Comparator.comparingLong(Version::time));
    return all;
  }

  private BatchRows batch() throws Exception {
    Path output = directory.resolve("features");
    Cli.succeed(
        "features",
        "--pipeline",
        file,
        "--input",
        csv,
        "--table",
        "terminals=" + rows,
        "--output",
        output);
    assertThat(Files.readString(output.resolve("manifest.json"))).contains("terminals.jsonl");
    return BatchRows.read(output.resolve("features.csv"), pipeline.featureNames());
  }

  /** Creates the topics; compaction would take away what a batch run has still got. */
  private EventTopic create() throws Exception {
    EventTopic topic = EventTopic.create(KAFKA.settings(), pipeline, PARTITIONS);
    try (Admin admin = Admin.create(KAFKA.settings().admin())) {
      admin
          .incrementalAlterConfigs(
              Map.of(
                  new ConfigResource(ConfigResource.Type.TOPIC, name + ".terminals"),
                  List.of(
                      new AlterConfigOp(
                          new ConfigEntry(
                              TopicConfig.MIN_COMPACTION_LAG_MS_CONFIG,
                              Long.toString(Long.MAX_VALUE)),
                          AlterConfigOp.OpType.SET))))
          .all()
          .get();
    }
    return topic;
  }

  /** Sends rows in a transaction, after whose end nothing comes that a reader could see. */
  private void publish(List<Version> some, boolean withGarbage) throws Exception {
    Properties client = KAFKA.settings().producer();
    client.setProperty("transactional.id", name + some.size());
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(client, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.initTransactions();
      producer.beginTransaction();
      for (Version version : some) {
        producer.send(
            new ProducerRecord<>(
                name + ".terminals",
                null,
                version.time,
                Long.toString(version.terminal).getBytes(StandardCharsets.UTF_8),
                version.risk == null ? null : version.json().getBytes(StandardCharsets.UTF_8)));
      }
      if (withGarbage) {
        producer.send(
            new ProducerRecord<>(
                name + ".terminals",
                "?".getBytes(StandardCharsets.UTF_8),
                "?".getBytes(StandardCharsets.UTF_8)));
      }
      producer.commitTransaction();
    }
  }

  private PeltonProcess start(String log, Object... more) throws Exception {
    List<Object> arguments =
        new ArrayList<>(
            List.of(
                "run",
                "feature",
                "--pipeline",
                file,
                "--brokers",
                KAFKA.brokers(),
                "--state",
                directory.resolve("state"),
                "--feature-log",
                directory.resolve("log"),
                "--parallelism",
                "2",
                "--checkpoint-interval",
                "1"));
    arguments.addAll(List.of(more));
    return PeltonProcess.start(directory.resolve(log + ".log"), arguments.toArray());
  }

  @Test
  void aJobThatIsKilledGoesOnAndGivesWhatABatchGives() throws Exception {
    BatchRows expected = batch();
    assertThat(expected.rows().values().stream().map(row -> row[0]).distinct()).hasSize(11);
    int half = events.size() / 2;
    long middle = events.get(half).eventTimeMillis();
    List<Version> first = versions.stream().filter(version -> version.time < middle).toList();
    List<Transaction> arrival = EventTopic.shuffled(events, BOUND, 11);
    try (EventTopic topic = create();
        var features = CommittedTopic.features(KAFKA.settings(), pipeline);
        var dead = CommittedTopic.deadLetters(KAFKA.settings(), pipeline);
        var late = CommittedTopic.late(KAFKA.settings(), pipeline)) {
      topic.scatter(arrival.subList(0, half), 3);
      publish(first, true);
      try (PeltonProcess pelton = start("first")) {
        Await.until(
            "features (logs in " + directory + ")",
            PATIENCE,
            () -> {
              pelton.requireAlive();
              return pelton.output().contains("running") && features.read().size() > half / 2;
            });
        pelton.kill();
      }
      // What came while it was down: the events first, but the rows are read before they are
      // joined.
      topic.scatter(arrival.subList(half, events.size()), 4);
      publish(versions.subList(first.size(), versions.size()), false);
      topic.close(events.get(events.size() - 1).eventTimeMillis() + 60_000, 2_000_000);
      try (PeltonProcess pelton = start("second")) {
        Await.until(
            "all features (logs in " + directory + ")",
            PATIENCE,
            () -> {
              pelton.requireAlive();
              return features.read().size() >= events.size();
            });
        assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
        assertThat(pelton.output()).contains("going on from");
      }
      Map<String, double[]> actual = new HashMap<>();
      for (FeatureRow row : features.read()) {
        assertThat(actual.put(row.id, row.values)).as(row.id).isNull();
      }
      assertThat(late.read()).isEmpty();
      assertThat(actual).hasSize(events.size());
      actual.forEach(
          (id, values) ->
              assertThat(values).as("event %s", id).containsExactly(expected.rows().get(id)));
      assertThat(dead.read())
          .singleElement()
          .satisfies(
              letter -> {
                assertThat(letter.getSource()).isEqualTo(name + ".terminals");
                assertThat(letter.getDetail()).startsWith("table terminals: ");
              });
    }
    Object[] parity = {
      "parity",
      "--pipeline",
      file,
      "--log",
      directory.resolve("log"),
      "--input",
      csv,
      "--table",
      "terminals=" + rows
    };
    assertThat(Cli.succeed(parity).out()).contains("what was served is what history gives");
    Files.write(rows, versions.stream().limit(20).map(Version::json).toList());
    assertThat(Cli.run(parity).exitCode()).as("with other rows").isEqualTo(1);
  }

  @Test
  void historyIsJoinedWithTheRowsOfItsTime() throws Exception {
    BatchRows expected = batch();
    long middle = START.plus(Duration.ofHours(12)).toEpochMilli();
    Path history = directory.resolve("history.csv");
    TransactionCsv.write(
        events.stream().filter(event -> event.eventTimeMillis() < middle).toList(), history);
    List<Transaction> live =
        events.stream().filter(event -> event.eventTimeMillis() >= middle).toList();
    // As compaction leaves it: of before only the last row of each key.
    Map<Long, Version> last = new HashMap<>();
    versions.stream()
        .filter(version -> version.time < middle)
        .forEach(version -> last.put(version.terminal, version));
    Path old = directory.resolve("old.jsonl");
    Files.write(
        old,
        versions.stream().filter(version -> version.time < middle).map(Version::json).toList());
    try (EventTopic topic = create();
        var features = CommittedTopic.features(KAFKA.settings(), pipeline)) {
      publish(List.copyOf(last.values()), false);
      publish(versions.stream().filter(version -> version.time >= middle).toList(), false);
      topic.scatter(EventTopic.shuffled(live, BOUND, 12), 5);
      topic.close(events.get(events.size() - 1).eventTimeMillis() + 60_000, 2_000_000);
      try (PeltonProcess pelton =
          start("run", "--history", history, "--table", "terminals=" + old)) {
        Await.until(
            "the features of live events (logs in " + directory + ")",
            PATIENCE,
            () -> {
              pelton.requireAlive();
              return pelton.output().contains("running") && features.read().size() >= live.size();
            });
      }
      assertThat(features.read()).hasSize(live.size());
      for (FeatureRow row : features.read()) {
        assertThat(row.values).as("event %s", row.id).containsExactly(expected.rows().get(row.id));
      }
    }
  }

  @Test
  void aBatchRunIsToldWhereTheRowsAre() throws Exception {
    Path output = directory.resolve("output");
    for (String command : List.of("features", "score", "training-set", "parity")) {
      assertThat(refused(command, output))
          .as(command)
          .contains(
              "table terminals is of topic "
                  + name
                  + ".terminals, and a batch run takes its rows from files: give --table terminals=FILES");
    }
    assertThat(refused("features", output, "--table", "terminal=" + rows))
        .contains("--table terminal=" + rows)
        .contains("the pipeline has no table \"terminal\"; its tables are terminals");
    assertThat(refused("features", output, "--table", rows.toString()))
        .contains("it must be NAME=FILES");
    assertThat(refused("features", output, "--table", "terminals=" + directory.resolve("no*.csv")))
        .contains("table terminals: no file matches");
    assertThat(
            refused(
                "features", output, "--table", "terminals=" + rows, "--table", "terminals=" + csv))
        .contains("lacks the column");
    assertThat(output).doesNotExist();
    Cli run =
        Cli.run(
            "run", "feature", "--pipeline", file, "--brokers", KAFKA.brokers(), "--history", csv);
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.err()).contains("--history without --table terminals=FILES");
    Cli drift =
        Cli.run(
            "run",
            "drift",
            "--pipeline",
            file,
            "--brokers",
            KAFKA.brokers(),
            "--table",
            "terminals=" + rows);
    assertThat(drift.exitCode()).isEqualTo(2);
    assertThat(drift.err()).contains("this job computes no features");
  }

  private String refused(String command, Path output, Object... more) {
    List<Object> arguments =
        new ArrayList<>(List.of(command, "--pipeline", file, "--input", csv, "--output", output));
    arguments.addAll(List.of(more));
    Cli run = Cli.run(arguments.toArray());
    assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
    return run.err();
  }
}
