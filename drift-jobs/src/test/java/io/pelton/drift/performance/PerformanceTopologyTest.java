package io.pelton.drift.performance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.pelton.drift.Persistence;
import io.pelton.drift.Thresholds;
import io.pelton.job.JobMetric;
import io.pelton.job.ScoredRowTypeInfo;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.performance.Calibration;
import io.pelton.performance.Performance;
import io.pelton.performance.ScoreCounts;
import io.pelton.performance.ScoreTally;
import io.pelton.pipeline.Drift;
import io.pelton.pipeline.EventFormat;
import io.pelton.pipeline.Events;
import io.pelton.pipeline.Outcomes;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DriftSegment;
import io.pelton.schemas.Outcome;
import io.pelton.schemas.PerformanceReport;
import io.pelton.schemas.PerformanceValue;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.avro.SchemaBuilder;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.SerializableTimestampAssigner;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PerformanceTopologyTest {
  private static final long HOUR = 3_600_000;
  private static final long MINUTE = 60_000;
  private static final int HOURS = 6;
  private static final int ROWS = 6_000;

  /** Rows may come this far out of order. */
  private static final long DISORDER = 5 * MINUTE;

  private static final ServedVersion V1 = version(1, "champion");
  private static final ServedVersion V2 = version(2, "canary");

  private static final PipelineDefinition PIPELINE =
      pipeline(new Outcomes("outcomes", "id", "reported_at", "fraud", 2 * HOUR));

  private static final Evaluations EVALUATIONS =
      (model, version) ->
          version == 1
              ? new VersionEvaluation(
                  Map.of("auc_roc", 0.75),
                  new Calibration(new double[] {0, 0.5}, new double[] {0.25, 0.75}),
                  Map.of("country", List.of("ch", "it", "li")))
              : VersionEvaluation.NONE;

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(3)
              .build());

  private static ServedVersion version(int version, String variant) {
    return new ServedVersion(
        "card-fraud", version, "00", variant, List.of("amount"), List.of("score"));
  }

  private static PipelineDefinition pipeline(Outcomes outcomes) {
    return new PipelineDefinition(
        "fraud",
        new Events(
            "transactions",
            EventFormat.JSON,
            SchemaBuilder.record("Transaction").fields().requiredString("id").endRecord(),
            "id",
            "time",
            null,
            HOUR,
            30_000,
            Map.of(),
            Map.of()),
        List.of(),
        List.of(),
        null,
        null,
        null,
        List.of("country"),
        outcomes,
        new Drift(
            List.of(new Drift.Window(HOUR, HOUR)),
            MINUTE,
            Thresholds.USUAL,
            100,
            new Persistence(2, 3),
            0,
            null,
            new Drift.Segments("country", List.of(), 2),
            null,
            256),
        Map.of());
  }

  /** What happens in one slot of time: an event is scored, and told of later. */
  private static Random random(long index) {
    return new Random(index * 7_919 + 13);
  }

  private static long time(long index) {
    return index * HOURS * HOUR / ROWS;
  }

  /** The place in time of what comes as number {@code place}: up to half a thousand off. */
  private static long shuffled(long place) {
    long block = place / 50;
    return Math.min(ROWS - 1, block * 50 + (place % 50 * 17 + 5) % 50);
  }

  private static ScoredRow row(long place) {
    long index = shuffled(place);
    // Every fortieth event is scored again: only one of both counts.
    if (index % 40 == 39) {
      index--;
    }
    Random random = random(index);
    ServedVersion served = index % 3 == 0 ? V2 : V1;
    return new ScoredRow(
        "e" + index,
        time(index),
        new String[0],
        new Object[] {country(index)},
        index % 50 == 7 ? served.declared() : served,
        new double[] {random.nextInt(10) == 0 ? Double.NaN : 1},
        index,
        new double[] {random.nextInt(1_000) / 1_000.0});
  }

  private static @Nullable Object country(long index) {
    return new @Nullable Object[] {"ch", "it", "li", null, "fr"}[(int) (index / 7 % 5)];
  }

  /** Of most events, up to three hours later; some come twice, some of no event. */
  private static Outcome outcome(long place) {
    long index = shuffled(place);
    boolean again = index % 25 == 24;
    long of = again ? index - 1 : index;
    Random random = random(of);
    random.nextInt(10);
    double score = random.nextInt(1_000) / 1_000.0;
    double label = random.nextDouble() < score ? 1 : 0;
    // Reported in order of time: outcome number n tells of an event of up to three hours before.
    long delay = random.nextInt(180) * MINUTE;
    return new Outcome(
        of % 30 == 3 ? "unknown" + of : "e" + of,
        Instant.ofEpochMilli(time(of) + delay + (again ? MINUTE : 0)),
        again ? 1 - label : label);
  }

  /** The newest time so far less what may be out of order is the watermark. */
  private static final class EveryRow<T> implements WatermarkGenerator<T> {
    private final long disorder;
    private long newest = Long.MIN_VALUE + 4 * HOUR;

    EveryRow(long disorder) {
      this.disorder = disorder;
    }

    @Override
    public void onEvent(T row, long timestamp, WatermarkOutput output) {
      newest = Math.max(newest, timestamp);
      output.emitWatermark(new Watermark(newest - disorder - 1));
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {}
  }

  private static <T> DataStream<T> source(
      StreamExecutionEnvironment environment,
      String name,
      GeneratorFunction<Long, T> generator,
      TypeInformation<T> type,
      SerializableTimestampAssigner<T> time,
      long disorder,
      RateLimiterStrategy rate) {
    return environment
        .fromSource(
            new DataGeneratorSource<>(generator, ROWS, rate, type),
            WatermarkStrategy.<T>forGenerator(context -> new EveryRow<>(disorder))
                .withTimestampAssigner(time),
            name)
        .uid(name);
  }

  private static DataStream<ScoredRow> predictions(
      StreamExecutionEnvironment environment, RateLimiterStrategy rate) {
    return source(
        environment,
        "predictions",
        PerformanceTopologyTest::row,
        new ScoredRowTypeInfo(),
        (row, timestamp) -> row.time,
        DISORDER,
        rate);
  }

  private static DataStream<Outcome> outcomes(
      StreamExecutionEnvironment environment, RateLimiterStrategy rate) {
    return source(
        environment,
        "outcomes",
        PerformanceTopologyTest::outcome,
        new SpecificRecordTypeInfo<>(Outcome.class),
        (outcome, timestamp) -> outcome.getReportedAt().toEpochMilli(),
        // They come as their events do, so up to three hours out of order.
        3 * HOUR + DISORDER,
        rate);
  }

  private static StreamExecutionEnvironment environment(
      RuntimeExecutionMode mode, int parallelism) {
    Configuration configuration = new Configuration();
    configuration.set(ExecutionOptions.RUNTIME_MODE, mode);
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    configuration.set(PipelineOptions.AUTO_GENERATE_UIDS, false);
    configuration.set(PipelineOptions.AUTO_WATERMARK_INTERVAL, Duration.ofMillis(1));
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 1);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(1));
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    environment.setParallelism(parallelism);
    return environment;
  }

  /** Reports by window, version and revision, without their watermarks. */
  private record Run(Map<String, PerformanceReport> reports, JobExecutionResult result) {
    PerformanceReport last(int version, int hour) {
      return reports.values().stream()
          .filter(report -> report.getSegment() == null)
          .filter(report -> report.getVersion() == version)
          .filter(report -> report.getWindowStart().toEpochMilli() == hour * HOUR)
          .filter(PerformanceReport::getComplete)
          .findFirst()
          .orElseThrow();
    }

    long count(JobMetric metric) {
      return result.<Long>getAccumulatorResult(metric.id());
    }
  }

  private static Run run(
      StreamExecutionEnvironment environment,
      DataStream<ScoredRow> predictions,
      DataStream<Outcome> outcomes)
      throws Exception {
    Collected reports = new Collected();
    PerformanceTopology.build(predictions, outcomes, PIPELINE, EVALUATIONS)
        .sinkTo(reports)
        .uid("reports");
    JobExecutionResult result = environment.execute();
    Map<String, PerformanceReport> byKey = new TreeMap<>();
    for (PerformanceReport report : reports.all()) {
      report.setWatermark(Instant.EPOCH);
      PerformanceReport other =
          byKey.put(
              "%s %d %d %s"
                  .formatted(
                      report.getWindowStart(),
                      report.getVersion(),
                      report.getRevision(),
                      report.getSegment()),
              report);
      if (other != null) {
        assertThat(report).as("given out again after a restore").isEqualTo(other);
      }
    }
    return new Run(byKey, result);
  }

  private static Run run(RuntimeExecutionMode mode, int parallelism) throws Exception {
    StreamExecutionEnvironment environment = environment(mode, parallelism);
    return run(
        environment,
        predictions(environment, RateLimiterStrategy.noOp()),
        outcomes(environment, RateLimiterStrategy.noOp()));
  }

  /** What is known of a window up to a time, row by row. */
  private static ScoreCounts expected(ServedVersion served, int hour, long knownBy) {
    Map<String, Reported> first = new TreeMap<>();
    for (long i = 0; i < ROWS; i++) {
      Outcome outcome = outcome(i);
      Reported reported = new Reported(outcome.getReportedAt().toEpochMilli(), outcome.getLabel());
      first.merge(
          outcome.getEventId(), reported, (a, b) -> Reported.ORDER.compare(a, b) <= 0 ? a : b);
    }
    ScoreTally tally = new ScoreTally();
    Map<String, ScoredRow> rows = new TreeMap<>();
    for (long i = 0; i < ROWS; i++) {
      ScoredRow row = row(i);
      rows.put(row.id, row);
    }
    for (ScoredRow row : rows.values()) {
      if (row.served.equals(served) && row.time / HOUR == hour) {
        long score = ScoreCounts.millionths(row.outputs[0]);
        tally.predicted(score, Double.isNaN(row.features[0]), 1);
        Reported reported = first.get(row.id);
        if (reported != null
            && reported.time() <= row.time + 2 * HOUR
            && reported.time() <= knownBy) {
          tally.happened(score, reported.label(), 1);
        }
      }
    }
    return tally.counts();
  }

  @Test
  void reportsWhatCountingRowByRowGives() throws Exception {
    Run run = run(RuntimeExecutionMode.STREAMING, 1);

    for (ServedVersion served : List.of(V1, V2)) {
      for (int hour = 0; hour < HOURS; hour++) {
        for (int revision = 0; revision <= 2; revision++) {
          PerformanceReport report =
              run.reports()
                  .get(
                      "%s %d %d null"
                          .formatted(
                              Instant.ofEpochMilli(hour * HOUR), served.version(), revision));
          long closing = (hour + 1 + revision) * HOUR - 1 + MINUTE;
          ScoreCounts counts = expected(served, hour, closing);
          assertThat(report.getPredictions()).isEqualTo(counts.predictions());
          assertThat(report.getOutcomes()).isEqualTo(counts.outcomes()).isPositive();
          assertThat(report.getMissing()).isEqualTo(counts.missing()).isPositive();
          assertThat(report.getComplete()).isEqualTo(revision == 2);
          VersionEvaluation evaluation = EVALUATIONS.load(served.model(), served.version());
          Performance performance =
              Performance.of(counts, evaluation.metrics(), evaluation.calibration());
          for (int i = 0; i < performance.metrics().size(); i++) {
            PerformanceValue value = report.getMetrics().get(i);
            assertThat(value.getName()).isEqualTo(performance.metrics().get(i).name());
            assertThat(value.getValue()).isEqualTo(performance.metrics().get(i).value());
            assertThat(value.getEstimated()).isEqualTo(performance.metrics().get(i).estimated());
          }
          assertThat(report.getCalibrated()).isEqualTo(served == V1);
          assertThat(report.getVariant()).isEqualTo(served.variant());
          assertThat(report.getCalibration()).hasSize(10);
        }
      }
    }
    // Of version 1 in two countries, others and without one, too; version 2 has no such baseline.
    assertThat(run.reports()).hasSize(2 * HOURS * 3 + HOURS * 3 * 4);
    PerformanceValue auc = run.last(1, 2).getMetrics().get(0);
    assertThat(auc.getName()).isEqualTo("auc_roc");
    assertThat(auc.getEvaluation()).isEqualTo(0.75);
    assertThat(auc.getValue())
        .isCloseTo(5 / 6.0, within(0.05))
        .isBetween(auc.getLow(), auc.getHigh());
    assertThat(run.last(2, 2).getMetrics().get(0).getEvaluation()).isNull();
  }

  @Test
  void accountsForEveryPredictionAndOutcome() throws Exception {
    Run run = run(RuntimeExecutionMode.STREAMING, 3);

    assertThat(run.count(JobMetric.PERFORMANCE_IN)).isEqualTo(ROWS);
    assertThat(run.count(JobMetric.PERFORMANCE_DECLARED)).isEqualTo(ROWS / 50);
    assertThat(run.count(JobMetric.PERFORMANCE_LATE)).isZero();
    assertThat(run.count(JobMetric.PERFORMANCE_REPEATED)).isPositive();
    assertThat(run.count(JobMetric.PERFORMANCE_COUNTED))
        .isEqualTo(ROWS - ROWS / 50 - run.count(JobMetric.PERFORMANCE_REPEATED))
        .isEqualTo(
            run.reports().values().stream()
                .filter(report -> report.getComplete() && report.getSegment() == null)
                .mapToLong(PerformanceReport::getPredictions)
                .sum());
    assertThat(run.count(JobMetric.PERFORMANCE_OUTCOMES_IN)).isEqualTo(ROWS);
    assertThat(run.count(JobMetric.PERFORMANCE_OUTCOMES_JOINED))
        .isEqualTo(
            run.reports().values().stream()
                .filter(report -> report.getComplete() && report.getSegment() == null)
                .mapToLong(PerformanceReport::getOutcomes)
                .sum());
    assertThat(
            run.count(JobMetric.PERFORMANCE_OUTCOMES_JOINED)
                + run.count(JobMetric.PERFORMANCE_OUTCOMES_UNMATCHED)
                + run.count(JobMetric.PERFORMANCE_OUTCOMES_REPEATED))
        .isEqualTo(ROWS);
    assertThat(run.count(JobMetric.PERFORMANCE_OUTCOMES_UNMATCHED)).isPositive();
    assertThat(run.count(JobMetric.PERFORMANCE_OUTCOMES_REPEATED)).isPositive();
  }

  @Test
  void segmentsAddUpToAllRows() throws Exception {
    Run run = run(RuntimeExecutionMode.STREAMING, 3);

    for (int hour = 0; hour < HOURS; hour++) {
      TreeMap<String, Long> predictions = new TreeMap<>();
      long outcomes = 0;
      for (PerformanceReport report : run.reports().values()) {
        if (report.getComplete()
            && report.getSegment() != null
            && report.getWindowStart().toEpochMilli() == hour * HOUR) {
          DriftSegment segment = report.getSegment();
          assertThat(segment.getField()).isEqualTo("country");
          predictions.put(segment.getKind() + " " + segment.getValue(), report.getPredictions());
          outcomes += report.getOutcomes();
        }
      }
      assertThat(predictions.keySet())
          .containsExactly("MISSING null", "OTHER null", "VALUE ch", "VALUE it");
      PerformanceReport all = run.last(1, hour);
      assertThat(predictions.values().stream().mapToLong(Long::longValue).sum())
          .isEqualTo(all.getPredictions());
      assertThat(outcomes).isEqualTo(all.getOutcomes());
      assertThat(predictions.get("OTHER null")).isGreaterThan(predictions.get("VALUE ch"));
    }
  }

  @ParameterizedTest
  @CsvSource({"STREAMING,3", "BATCH,1", "BATCH,3"})
  void reportsTheSameInEveryModeAtEveryParallelism(RuntimeExecutionMode mode, int parallelism)
      throws Exception {
    Run expected = run(RuntimeExecutionMode.STREAMING, 1);

    Run run = run(mode, parallelism);

    assertThat(run.reports()).isEqualTo(expected.reports());
    for (JobMetric metric :
        List.of(
            JobMetric.PERFORMANCE_COUNTED,
            JobMetric.PERFORMANCE_OUTCOMES_JOINED,
            JobMetric.PERFORMANCE_OUTCOMES_REPEATED,
            JobMetric.PERFORMANCE_OUTCOMES_UNMATCHED)) {
      assertThat(run.count(metric)).as(metric.id()).isEqualTo(expected.count(metric));
    }
  }

  @ParameterizedTest
  @CsvSource({"1,hashmap", "3,rocksdb"})
  void aRestoreNeitherLosesNorDoublesAFinding(int parallelism, String backend) throws Exception {
    Run expected = run(RuntimeExecutionMode.STREAMING, 1);
    StreamExecutionEnvironment environment =
        environment(RuntimeExecutionMode.STREAMING, parallelism);
    environment.enableCheckpointing(10);
    environment.configure(new Configuration().set(StateBackendOptions.STATE_BACKEND, backend));
    FailOnce.FAILURES.set(0);

    Run run =
        run(
            environment,
            predictions(environment, RateLimiterStrategy.perCheckpoint(1_000))
                .map(new FailOnce())
                .returns(new ScoredRowTypeInfo())
                .uid("fail-once"),
            outcomes(environment, RateLimiterStrategy.perCheckpoint(1_000)));

    assertThat(FailOnce.FAILURES).hasValue(1);
    assertThat(run.reports()).isEqualTo(expected.reports());
    assertThat(run.count(JobMetric.PERFORMANCE_IN)).isEqualTo(ROWS);
    assertThat(run.count(JobMetric.PERFORMANCE_OUTCOMES_JOINED))
        .isEqualTo(expected.count(JobMetric.PERFORMANCE_OUTCOMES_JOINED));
  }

  /** Fails on a row of the fourth hour or later, once a checkpoint after the first hour is done. */
  private static final class FailOnce extends RichMapFunction<ScoredRow, ScoredRow>
      implements CheckpointListener {
    static final AtomicInteger FAILURES = new AtomicInteger();

    private boolean started;
    private boolean checkpointed;

    @Override
    public ScoredRow map(ScoredRow row) throws IOException {
      started |= row.time >= HOUR / 2;
      if (checkpointed && row.time >= 3 * HOUR + HOUR / 2 && FAILURES.compareAndSet(0, 1)) {
        throw new IOException("failed on purpose at " + row.id);
      }
      return row;
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
      checkpointed = started;
    }
  }

  @Test
  void everyOperatorHasANameAndAUid() {
    StreamExecutionEnvironment environment = environment(RuntimeExecutionMode.STREAMING, 1);
    PerformanceTopology.build(
            predictions(environment, RateLimiterStrategy.noOp()),
            outcomes(environment, RateLimiterStrategy.noOp()),
            PIPELINE,
            EVALUATIONS)
        .sinkTo(new Collected())
        .uid("reports");

    List<StreamNode> nodes =
        environment.getStreamGraph().getStreamNodes().stream()
            .filter(node -> node.getTransformationUID().startsWith("performance-"))
            .toList();

    assertThat(nodes)
        .extracting(StreamNode::getTransformationUID)
        .containsExactlyInAnyOrder(
            PerformanceTopology.SCORES,
            PerformanceTopology.MATCHED,
            PerformanceTopology.LOCAL_COUNTS,
            PerformanceTopology.MERGED_COUNTS);
    assertThat(nodes).allMatch(node -> node.getOperatorName().equals(node.getTransformationUID()));
  }

  @Test
  void refusesAPipelineWhoseOutcomesHaveNoTopicOfTheirOwn() {
    StreamExecutionEnvironment environment = environment(RuntimeExecutionMode.STREAMING, 1);

    assertThatThrownBy(
            () ->
                PerformanceTopology.build(
                    predictions(environment, RateLimiterStrategy.noOp()),
                    outcomes(environment, RateLimiterStrategy.noOp()),
                    pipeline(new Outcomes("transactions", "id", "at", "fraud", HOUR)),
                    EVALUATIONS))
        .hasMessage(
            "pipeline fraud does not measure performance; it needs sections drift and outcomes,"
                + " the latter with a topic of its own");
  }

  /** A sink into this JVM's memory. */
  private static final class Collected implements Sink<PerformanceReport> {
    private static final Map<String, Queue<PerformanceReport>> ALL = new ConcurrentHashMap<>();

    private final String id = java.util.UUID.randomUUID().toString();

    Collected() {
      ALL.put(id, new ConcurrentLinkedQueue<>());
    }

    List<PerformanceReport> all() {
      return new ArrayList<>(ALL.get(id));
    }

    @Override
    public SinkWriter<PerformanceReport> createWriter(WriterInitContext context) {
      Queue<PerformanceReport> queue = ALL.get(id);
      return new SinkWriter<>() {
        @Override
        public void write(PerformanceReport element, Context context) {
          queue.add(element);
        }

        @Override
        public void flush(boolean endOfInput) {}

        @Override
        public void close() {}
      };
    }
  }
}
