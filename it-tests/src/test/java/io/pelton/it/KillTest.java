package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.embedded.EmbeddedKafka;
import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.feature.FeatureRow;
import io.pelton.job.KafkaSettings;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.LateEvent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code pelton run all} in a process that is killed again and again while events go on coming; the
 * broker goes down and comes back, too.
 */
class KillTest {
  private static final int PARTITIONS = 4;
  private static final int GARBAGE = 25;
  private static final Instant START = Instant.parse("2018-06-01T00:00:00Z");
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  // The logs of a failed test stay.
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  private CardPipeline card;
  private PipelineDefinition pipeline;
  private KafkaSettings kafka;
  private Path registry;
  private int starts;

  /** Predictions that come whatever events are still held back by their order. */
  private int enough;

  @Test
  void everyEventComesOutOnceHoweverOftenTheProcessIsKilled() throws Exception {
    List<Transaction> events =
        new TransactionSimulator(new SimulatorSettings(5, 5_000, 1_000, START, 1, List.of()))
            .stream().toList();
    enough = events.size() * 9 / 10;
    Path csv = directory.resolve("events.csv");
    TransactionCsv.write(EventTopic.shuffled(events, CardPipeline.OUT_OF_ORDERNESS, 13), csv);
    card = CardPipeline.write(directory, "killed");
    pipeline = card.definition();
    registry = directory.resolve("registry");
    BatchRows batch = BatchRows.features(card, directory.resolve("features"), csv);
    Champion.publish(
        registry,
        pipeline,
        batch,
        events.stream()
            .filter(Transaction::fraud)
            .map(event -> Long.toString(event.transactionId()))
            .collect(Collectors.toSet()));

    EmbeddedKafka broker = EmbeddedKafka.start(directory.resolve("kafka"));
    kafka = KafkaSettings.of(broker.bootstrapServers());
    try {
      List<Transaction> stragglers = new ArrayList<>();
      try (EventTopic topic = EventTopic.create(kafka, pipeline, PARTITIONS)) {
        CompletableFuture<Cli> sending =
            CompletableFuture.supplyAsync(
                () ->
                    Cli.run(
                        "send",
                        "--pipeline",
                        card.file(),
                        "--brokers",
                        kafka.brokers(),
                        "--input",
                        csv,
                        "--rate",
                        "200"));

        // Nothing was committed: what it wrote must not show, and all is read again.
        try (PeltonProcess pelton = start("600")) {
          awaitUncommitted(pelton, 100);
          pelton.kill();
        }
        int seen = 0;
        try (PeltonProcess pelton = start("1")) {
          seen = awaitMore(pelton, seen, 300);
          misbehave(topic, events.get(seen / 2).eventTimeMillis(), stragglers);
          seen = awaitMore(pelton, seen, 300);
          pelton.kill();
        }
        try (PeltonProcess pelton = start("1")) {
          seen = awaitMore(pelton, seen, 500);
          assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
          assertThat(pelton.output())
              .contains("going on from")
              .contains("stopped; the next start goes on from");
        }
        assertThat(sending.get().exitCode()).as(sending.get().err()).isZero();
      }
      broker.close();
      broker = EmbeddedKafka.start(directory.resolve("kafka"), broker.port());
      try (EventTopic topic = EventTopic.create(kafka, pipeline, PARTITIONS)) {
        try (PeltonProcess pelton = start("1")) {
          assertThat(awaitMore(pelton, 0, events.size() / 2)).isPositive();
          misbehave(topic, events.get(0).eventTimeMillis(), stragglers);
          pelton.kill();
        }
        topic.close(events.get(events.size() - 1).eventTimeMillis() + 7_200_000, 2_000_000);
        try (PeltonProcess pelton = start("1")) {
          awaitAll(pelton, events.size() + stragglers.size() + 2 * GARBAGE);
          assertThat(pelton.stop(PATIENCE)).as(pelton.output()).isZero();
        }
      }
      int late = check(events, stragglers, batch);
      checkLog(csv, stragglers, late);
    } finally {
      broker.close();
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
        kafka.brokers(),
        "--registry",
        registry,
        "--state",
        directory.resolve("state"),
        "--feature-log",
        log(),
        "--parallelism",
        "2",
        "--checkpoint-interval",
        checkpointInterval);
  }

  private Path log() {
    return directory.resolve("feature-log");
  }

  /** Sends what cannot be read, and events that may come too late, of cards of their own. */
  private static void misbehave(EventTopic topic, long time, List<Transaction> stragglers)
      throws Exception {
    for (int i = 0; i < GARBAGE; i++) {
      topic.send(i % PARTITIONS, ("garbage " + i).getBytes(StandardCharsets.UTF_8));
      long id = 1_000_000 + stragglers.size();
      Transaction straggler = new Transaction(id, time, id, id, 1, false);
      topic.send(i % PARTITIONS, topic.encode(straggler));
      stragglers.add(straggler);
    }
    topic.flush();
  }

  /** Waits until the job writes, though it does not commit. */
  private void awaitUncommitted(PeltonProcess pelton, long count) {
    Properties client = kafka.consumer();
    client.setProperty("isolation.level", "read_uncommitted");
    Await.until(
        count + " uncommitted predictions (logs in " + directory + ")",
        PATIENCE,
        () -> {
          pelton.requireAlive();
          try (KafkaConsumer<byte[], byte[]> consumer =
              new KafkaConsumer<>(
                  client, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions =
                consumer.partitionsFor(pipeline.topic(Topic.PREDICTIONS)).stream()
                    .map(info -> new TopicPartition(info.topic(), info.partition()))
                    .toList();
            return consumer.endOffsets(partitions).values().stream()
                    .mapToLong(Long::longValue)
                    .sum()
                >= count;
          }
        });
    try (var predictions = CommittedTopic.predictions(kafka, pipeline)) {
      assertThat(predictions.read()).isEmpty();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Waits until the job runs and as many more predictions were committed, and gives their number.
   * Where processes start so slowly that hardly any event is left, what there is must do.
   */
  private int awaitMore(PeltonProcess pelton, int before, int more) {
    int wanted = Math.min(before + more, enough);
    try (var predictions = CommittedTopic.predictions(kafka, pipeline)) {
      Await.until(
          wanted + " predictions (logs in " + directory + ")",
          PATIENCE,
          () -> {
            pelton.requireAlive();
            return predictions.read().size() >= wanted && pelton.allTasksRun();
          });
      return predictions.read().size();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private void awaitAll(PeltonProcess pelton, int count) {
    try (var predictions = CommittedTopic.predictions(kafka, pipeline);
        var late = CommittedTopic.late(kafka, pipeline);
        var dead = CommittedTopic.deadLetters(kafka, pipeline)) {
      Await.until(
          "all " + count + " records to come out (logs in " + directory + ")",
          PATIENCE,
          () -> {
            pelton.requireAlive();
            return predictions.read().size() + lateEvents(late.read()).size() + dead.read().size()
                >= count;
          });
    }
  }

  /** Without what was late for drift only: such a prediction did come out. */
  private List<LateEvent> lateEvents(List<LateEvent> late) {
    return late.stream()
        .filter(event -> event.getSource().equals(pipeline.topic(Topic.EVENTS)))
        .toList();
  }

  /** The log has each row once, before and after it is compacted, and is what history gives. */
  private void checkLog(Path csv, List<Transaction> stragglers, int late) throws Exception {
    Path more = directory.resolve("stragglers.csv");
    TransactionCsv.write(stragglers, more);
    Object[] parity = {
      "parity",
      "--pipeline",
      card.file(),
      "--log",
      log(),
      "--input",
      csv,
      "--input",
      more,
      "--late",
      late
    };
    assertThat(Cli.succeed(parity).out()).contains("what was served is what history gives");
    try (Stream<Path> files = Files.walk(log())) {
      assertThat(files.filter(file -> file.getFileName().toString().startsWith("features-")))
          .as("files of each process whose rows were committed, at least one")
          .hasSizeGreaterThanOrEqualTo(4);
    }
    assertThat(Cli.succeed("compact-log", "--log", log()).out()).contains("in 1");
    assertThat(Cli.succeed("compact-log", "--log", log()).out()).contains("nothing to compact");
    assertThat(Cli.succeed(parity).out()).contains("what was served is what history gives");
    parity[parity.length - 1] = late - 1;
    assertThat(Cli.run(parity).exitCode()).as("with an event missing").isEqualTo(1);
  }

  /** Gives how many events were late. */
  private int check(List<Transaction> events, List<Transaction> stragglers, BatchRows batch)
      throws Exception {
    try (var predictionTopic = CommittedTopic.predictions(kafka, pipeline);
        var featureTopic = CommittedTopic.features(kafka, pipeline);
        var lateTopic = CommittedTopic.late(kafka, pipeline);
        var deadTopic = CommittedTopic.deadLetters(kafka, pipeline);
        var driftTopic = CommittedTopic.drift(kafka, pipeline)) {
      List<LateEvent> late = lateEvents(lateTopic.read());
      List<String> expected = new ArrayList<>();
      events.forEach(event -> expected.add(Long.toString(event.transactionId())));
      stragglers.forEach(event -> expected.add(Long.toString(event.transactionId())));

      assertThat(late).as("late events").isNotEmpty();
      assertThat(late)
          .extracting(LateEvent::getEventId)
          .allMatch(id -> Long.parseLong(id) >= 1_000_000);
      expected.removeAll(late.stream().map(LateEvent::getEventId).toList());
      assertThat(late).hasSize(events.size() + stragglers.size() - expected.size());

      assertThat(predictionTopic.read())
          .extracting((ScoredRow row) -> row.id)
          .containsExactlyInAnyOrderElementsOf(expected);
      assertThat(featureTopic.read())
          .extracting((FeatureRow row) -> row.id)
          .containsExactlyInAnyOrderElementsOf(expected);
      for (FeatureRow row : featureTopic.read()) {
        double[] inBatch = batch.rows().get(row.id);
        if (inBatch != null) {
          assertThat(row.values).as("event %s", row.id).containsExactly(inBatch);
        }
      }

      List<DeadLetter> dead = deadTopic.read();
      assertThat(dead).hasSize(2 * GARBAGE);
      assertThat(dead)
          .extracting(letter -> letter.getPartition() + "@" + letter.getOffset())
          .doesNotHaveDuplicates();

      Set<String> windows = new HashSet<>();
      Set<String> revisions = new HashSet<>();
      for (DriftReport report : driftTopic.read()) {
        assertThat(
                revisions.add(
                    String.join(
                        " ",
                        report.getFeature(),
                        report.getWindowStart().toString(),
                        Integer.toString(report.getRevision()))))
            .as("first of %s", report)
            .isTrue();
        windows.add(report.getFeature() + " " + report.getWindowStart());
      }
      assertThat(windows).hasSizeGreaterThanOrEqualTo(24 * (pipeline.featureNames().size() + 1));
      return late.size();
    }
  }
}
