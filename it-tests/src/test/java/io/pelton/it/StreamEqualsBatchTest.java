package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.pelton.cli.AllJobs;
import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.cli.simulator.BehaviourShift;
import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.Transaction;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.drift.job.DriftTopology;
import io.pelton.drift.job.RegistryBaselines;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.job.EventSources;
import io.pelton.feature.job.FeatureTopology;
import io.pelton.inference.job.InferenceTopology;
import io.pelton.inference.job.ModelSource;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobOptions;
import io.pelton.model.ScoredRow;
import io.pelton.schemas.DriftReport;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.AccessExecutionGraph;
import org.apache.flink.runtime.executiongraph.AccessExecutionVertex;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The same events in a batch run, and streamed in disorder at two parallelisms. */
class StreamEqualsBatchTest {
  @RegisterExtension static final KafkaFixture KAFKA = new KafkaFixture();

  private static final int PARTITIONS = 4;
  private static final Instant START = Instant.parse("2018-06-01T00:00:00Z");
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @TempDir static Path directory;

  private static List<Transaction> events;
  private static List<Transaction> arrival;
  private static BatchRows batchFeatures;
  private static BatchRows batchScores;
  private static Map<String, DriftReport> batchDrift;
  private static final Map<Integer, Streamed> streamed = new HashMap<>();

  /** What a streaming run gave. */
  private record Streamed(
      List<FeatureRow> features,
      List<ScoredRow> predictions,
      List<DriftReport> drift,
      Map<String, Object> counts) {}

  @BeforeAll
  static void run() throws Exception {
    // A payment each four seconds: within the out-of-orderness many change places. Prices double on
    // the second day, so that there is drift to measure.
    events =
        new TransactionSimulator(
                new SimulatorSettings(3, 5_000, 1_000, START, 2, List.of())
                    .with(new BehaviourShift.Inflation(1, 2)))
            .stream().toList();
    arrival = EventTopic.shuffled(events, CardPipeline.OUT_OF_ORDERNESS, 11);
    Path csv = directory.resolve("events.csv");
    TransactionCsv.write(arrival, csv);
    Path registry = directory.resolve("registry");

    CardPipeline batch = CardPipeline.write(directory, "batch");
    batchFeatures = BatchRows.features(batch, directory.resolve("features"), csv);
    Set<String> frauds =
        events.stream()
            .filter(Transaction::fraud)
            .map(event -> Long.toString(event.transactionId()))
            .collect(Collectors.toSet());
    BatchRows firstDay = firstDay(batchFeatures);
    Champion.publish(registry, batch.definition(), firstDay, frauds);
    Path scores = directory.resolve("scores");
    Cli.succeed(
        "score",
        "--pipeline",
        batch.file(),
        "--input",
        csv,
        "--output",
        scores,
        "--registry",
        registry);
    batchScores = BatchRows.read(scores.resolve("predictions.csv"), List.of("score"));
    batchDrift = batchDrift(batch, csv, registry);
    for (int parallelism : new int[] {1, 3}) {
      streamed.put(parallelism, stream(parallelism, registry));
    }
  }

  private static BatchRows firstDay(BatchRows rows) {
    Map<String, double[]> first = new HashMap<>();
    for (Transaction event : events) {
      if (event.eventTimeMillis() < START.plus(Duration.ofDays(1)).toEpochMilli()) {
        String id = Long.toString(event.transactionId());
        first.put(id, rows.rows().get(id));
      }
    }
    return new BatchRows(first);
  }

  private static Map<String, DriftReport> batchDrift(CardPipeline pipeline, Path csv, Path registry)
      throws Exception {
    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    environment.setParallelism(2);
    var features =
        FeatureTopology.build(
            EventSources.files(
                environment,
                pipeline.definition(),
                EventSources.resolve(List.of(csv.toString()), pipeline.definition())),
            pipeline.definition());
    var predictions =
        InferenceTopology.build(
            features.features(),
            pipeline.definition(),
            registry.toString(),
            ModelSource.champion(registry.toString(), pipeline.definition()).plan(),
            null);
    var drift =
        DriftTopology.build(
            predictions.predictions(),
            pipeline.definition(),
            new RegistryBaselines(registry.toString()));
    List<DriftReport> reports = new ArrayList<>();
    try (CloseableIterator<DriftReport> all = drift.reports().executeAndCollect()) {
      all.forEachRemaining(reports::add);
    }
    return byWindow(reports);
  }

  private static Streamed stream(int parallelism, Path registry) throws Exception {
    CardPipeline pipeline = CardPipeline.write(directory, "parallelism-" + parallelism);
    try (EventTopic topic =
        EventTopic.create(KAFKA.settings(), pipeline.definition(), PARTITIONS)) {
      topic.scatter(arrival, parallelism);
    }
    Map<String, Object> counts;
    try (EmbeddedFlink flink =
        EmbeddedFlink.start(
            parallelism,
            directory.resolve("flink-" + parallelism),
            EmbeddedFlink.State.HEAP,
            new Configuration())) {
      JobOptions options =
          JobOptions.parse(
              "AllJobs",
              "--pipeline",
              pipeline.file().toString(),
              "--brokers",
              KAFKA.brokers(),
              "--registry",
              registry.toString(),
              "--checkpoint-interval",
              "1");
      StreamExecutionEnvironment environment =
          flink.environment(JobEnvironment.settings(options.configuration()));
      environment.setParallelism(parallelism);
      JobClient job = environment.executeAsync(AllJobs.define(environment, options));
      Await.until(
          "all events were read at parallelism " + parallelism,
          PATIENCE,
          () -> count(job.getAccumulators().get(), "feature.in") == events.size());
      Await.until(
          "all tasks run, also those that load a model, so that there can be a savepoint",
          PATIENCE,
          () -> allRun(flink.cluster().getExecutionGraph(job.getJobID()).get()));
      job.stopWithSavepoint(true, null, SavepointFormatType.CANONICAL)
          .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      counts = job.getJobExecutionResult().get().getAllAccumulatorResults();
    }
    try (var features = CommittedTopic.features(KAFKA.settings(), pipeline.definition());
        var predictions = CommittedTopic.predictions(KAFKA.settings(), pipeline.definition());
        var drift = CommittedTopic.drift(KAFKA.settings(), pipeline.definition())) {
      return new Streamed(features.read(), predictions.read(), drift.read(), counts);
    }
  }

  private static boolean allRun(AccessExecutionGraph graph) {
    for (AccessExecutionVertex task : graph.getAllExecutionVertices()) {
      if (task.getExecutionState() != ExecutionState.RUNNING) {
        return false;
      }
    }
    return true;
  }

  private static long count(Map<String, Object> counts, String name) {
    return counts.get(name) instanceof Long number ? number : -1;
  }

  /** Last revisions, without what depends on when and under which name a run was made. */
  private static Map<String, DriftReport> byWindow(List<DriftReport> reports) {
    Map<String, DriftReport> windows = new HashMap<>();
    Set<String> revisions = new HashSet<>();
    for (DriftReport report : reports) {
      report.setPipeline("");
      report.setWatermark(Instant.EPOCH);
      String window = report.getWindowStart() + " " + report.getFeature();
      assertThat(revisions.add(window + " " + report.getRevision()))
          .as("first of %s", report)
          .isTrue();
      windows.merge(
          window, report, (one, other) -> one.getRevision() > other.getRevision() ? one : other);
    }
    windows.values().forEach(report -> report.setRevision(0));
    return windows;
  }

  /** As JSON, which has every digit. */
  private static Map<String, String> texts(Map<String, DriftReport> reports) {
    return reports.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, report -> report.getValue().toString()));
  }

  @Test
  void theEventsAreInDisorder() {
    long newest = Long.MIN_VALUE;
    int overtaken = 0;
    for (Transaction event : arrival) {
      overtaken += event.eventTimeMillis() < newest ? 1 : 0;
      newest = Math.max(newest, event.eventTimeMillis());
    }
    assertThat(overtaken).isGreaterThan(events.size() / 8);
    assertThat(new HashSet<>(arrival)).hasSameSizeAs(arrival);
  }

  @Test
  void featuresAreTheSameToTheBit() {
    assertThat(batchFeatures.rows()).hasSameSizeAs(events);
    streamed.forEach(
        (parallelism, run) -> {
          assertThat(run.features()).as("at parallelism %d", parallelism).hasSameSizeAs(events);
          for (FeatureRow row : run.features()) {
            assertThat(row.values)
                .as("event %s at parallelism %d", row.id, parallelism)
                .containsExactly(batchFeatures.rows().get(row.id));
          }
        });
  }

  @Test
  void predictionsAreTheSameToSixDecimals() {
    assertThat(batchScores.rows()).hasSameSizeAs(events);
    assertThat(batchScores.rows().values().stream().mapToDouble(score -> score[0]).distinct())
        .as("scores tell events apart")
        .hasSizeGreaterThan(10);
    streamed.forEach(
        (parallelism, run) -> {
          assertThat(run.predictions()).as("at parallelism %d", parallelism).hasSameSizeAs(events);
          Set<String> ids = new HashSet<>();
          for (ScoredRow row : run.predictions()) {
            assertThat(ids.add(row.id)).as("first prediction of %s", row.id).isTrue();
            assertThat(row.outputs[0])
                .as("event %s at parallelism %d", row.id, parallelism)
                .isCloseTo(batchScores.rows().get(row.id)[0], within(1e-6));
          }
        });
  }

  @Test
  void driftReportsAreTheSame() {
    int columns = batchFeatures.rows().values().iterator().next().length + 1;
    assertThat(batchDrift).hasSize(48 * columns);
    assertThat(batchDrift.values()).anyMatch(DriftReport::getDrifted);
    assertThat(
            batchDrift.values().stream()
                .collect(
                    Collectors.groupingBy(
                        DriftReport::getFeature,
                        Collectors.summingLong(DriftReport::getCurrentCount)))
                .values())
        .containsOnly((long) events.size());
    streamed.forEach(
        (parallelism, run) ->
            assertThat(texts(byWindow(run.drift())))
                .as("at parallelism %d", parallelism)
                .containsExactlyInAnyOrderEntriesOf(texts(batchDrift)));
  }

  @Test
  void everyRecordIsAccountedFor() {
    streamed.forEach(
        (parallelism, run) -> {
          for (String name :
              List.of(
                  "feature.in",
                  "feature.out",
                  "inference.in",
                  "inference.out",
                  "drift.in",
                  "drift.counted")) {
            assertThat(count(run.counts(), name))
                .as("%s at parallelism %d", name, parallelism)
                .isEqualTo(events.size());
          }
          for (String name :
              List.of("feature.late", "feature.dead", "inference.dead", "drift.late")) {
            assertThat(count(run.counts(), name))
                .as("%s at parallelism %d", name, parallelism)
                .isZero();
          }
        });
  }
}
