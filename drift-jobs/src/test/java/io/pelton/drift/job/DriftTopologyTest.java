package io.pelton.drift.job;

import static io.pelton.drift.job.Predictions.HOUR;
import static io.pelton.drift.job.Predictions.HOURS;
import static io.pelton.drift.job.Predictions.ROWS;
import static io.pelton.drift.job.Predictions.SHIFTED_FROM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Measures;
import io.pelton.drift.ValueCounts;
import io.pelton.job.JobMetric;
import io.pelton.job.ScoredRowTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.LateEvent;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class DriftTopologyTest {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(3)
              .build());

  /** What a run gave: reports by window, version and feature. */
  private static final int AN_HOUR = ROWS / HOURS;

  private record Run(
      Map<String, DriftReport> reports,
      List<DriftReport> allReports,
      List<DriftAlert> alerts,
      List<LateEvent> late,
      List<DeadLetter> deadLetters,
      JobExecutionResult result) {
    long accumulated(String name) {
      return result.<Long>getAccumulatorResult(name);
    }
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

  private static DataStream<ScoredRow> predictions(
      StreamExecutionEnvironment environment, RateLimiterStrategy rate) {
    GeneratorFunction<Long, ScoredRow> rows = Predictions::row;
    return environment
        .fromSource(
            new DataGeneratorSource<>(rows, ROWS, rate, new ScoredRowTypeInfo()),
            WatermarkStrategy.forGenerator(context -> new EveryRow())
                .withTimestampAssigner((row, timestamp) -> row.time),
            "predictions")
        .uid("predictions");
  }

  /** The newest time so far is the watermark, so that windows close while rows still come. */
  private static final class EveryRow implements WatermarkGenerator<ScoredRow> {
    @Override
    public void onEvent(ScoredRow row, long timestamp, WatermarkOutput output) {
      output.emitWatermark(new Watermark(timestamp - 1));
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {}
  }

  private static Run run(StreamExecutionEnvironment environment, DataStream<ScoredRow> predictions)
      throws Exception {
    return run(environment, predictions, Predictions.PIPELINE, Predictions.BASELINES);
  }

  private static Run run(
      StreamExecutionEnvironment environment,
      DataStream<ScoredRow> predictions,
      PipelineDefinition pipeline,
      BaselineProvider baselines)
      throws Exception {
    DriftOutputs outputs = DriftTopology.build(predictions, pipeline, baselines);
    Collected<DriftReport> reports = new Collected<>();
    Collected<DriftAlert> alerts = new Collected<>();
    Collected<LateEvent> late = new Collected<>();
    Collected<DeadLetter> deadLetters = new Collected<>();
    outputs.reports().sinkTo(reports).uid("reports");
    outputs.alerts().sinkTo(alerts).uid("alerts");
    outputs.late().sinkTo(late).uid("late");
    outputs.deadLetters().sinkTo(deadLetters).uid("dead-letters");
    JobExecutionResult result = environment.execute();

    Map<String, DriftReport> byKey = new TreeMap<>();
    for (DriftReport report : reports.all()) {
      // Where the watermark stood depends on the run; nothing else may.
      report.setWatermark(Instant.EPOCH);
      AlertKey key = AlertKey.of(report);
      DriftReport other =
          byKey.merge(
              String.join(
                      " ",
                      report.getWindowStart().toString(),
                      Integer.toString(key.version()),
                      key.feature(),
                      key.segment(),
                      key.width() == HOUR ? "" : "wide")
                  .strip(),
              report,
              (one, next) -> one.getRevision() > next.getRevision() ? one : next);
      if (other.getRevision() == report.getRevision()) {
        assertThat(report).isEqualTo(other);
      }
    }
    return new Run(
        byKey,
        reports.all(),
        alerts.all().stream()
            .distinct()
            .sorted(
                Comparator.comparing(DriftAlert::getWindowEnd)
                    .thenComparing(DriftAlert::getVersion)
                    .thenComparing(DriftAlert::getAlertId))
            .toList(),
        late.all(),
        deadLetters.all(),
        result);
  }

  private static Run reference() throws Exception {
    StreamExecutionEnvironment environment = environment(RuntimeExecutionMode.STREAMING, 1);
    return run(environment, predictions(environment, RateLimiterStrategy.noOp()));
  }

  @Test
  void reportsAShiftAndNothingElse() throws Exception {
    Run run = reference();

    // 6 windows of 2 versions with 3 features and a score.
    assertThat(run.allReports()).hasSize(HOURS * 2 * 4);
    assertThat(run.reports()).hasSize(HOURS * 2 * 4);
    for (DriftReport report : run.reports().values()) {
      boolean shifted =
          report.getFeature().equals("amount")
              && report.getWindowStart().toEpochMilli() >= SHIFTED_FROM * HOUR;
      assertThat(report.getDrifted()).as(report.toString()).isEqualTo(shifted);
    }
    assertThat(run.alerts())
        .extracting(DriftAlert::getAlertId)
        .containsExactly(
            "fraud/card-fraud/1/champion/all/amount/1h/1970-01-01T03:00:00Z",
            "fraud/card-fraud/2/champion/all/amount/1h/1970-01-01T03:00:00Z");
    assertThat(run.alerts()).allMatch(alert -> alert.getState() == AlertState.OPENED);
    assertThat(run.alerts())
        .allMatch(alert -> alert.getWindowEnd().equals(Instant.ofEpochMilli(5 * HOUR)));
    assertThat(run.alerts().get(0).getMessage())
        .startsWith("amount of card-fraud@1 drifted in 2 of the last 3 windows: adjusted PSI ");
    assertThat(run.late()).isEmpty();
    assertThat(run.deadLetters()).hasSize(ROWS / 100);
    assertThat(run.deadLetters().get(0).getDetail())
        .isEqualTo(
            "no baseline profile of card-fraud@9: card-fraud/9/baseline.json; publish the version with one");
    assertThat(run.accumulated(JobMetric.DRIFT_IN.id())).isEqualTo(ROWS);
    assertThat(run.accumulated(JobMetric.DRIFT_COUNTED.id())).isEqualTo(ROWS - ROWS / 100);
    assertThat(run.accumulated(JobMetric.DRIFT_DEAD.id())).isEqualTo(ROWS / 100);
    assertThat(run.accumulated(JobMetric.DRIFT_LATE.id())).isZero();
  }

  @Test
  void measuresWhatCountingAWindowAtOnceMeasures() throws Exception {
    Run run = reference();
    FeatureProfile profile = Predictions.BASELINES.load(Predictions.V2).feature("sparse");
    ValueCounts counts = new ValueCounts(profile);
    for (int i = 0; i < ROWS; i++) {
      ScoredRow row = Predictions.row(i);
      if (row.served.equals(Predictions.V2) && row.time / HOUR == 4) {
        counts.add(row.features[2]);
      }
    }

    Measures measures = Measures.of(profile, counts);
    DriftReport report = run.reports().get("1970-01-01T04:00:00Z 2 sparse");

    assertThat(report.getKs()).isEqualTo(measures.ks());
    assertThat(report.getPsi()).isEqualTo(measures.psi());
    assertThat(report.getWasserstein()).isEqualTo(measures.wasserstein());
    assertThat(report.getCurrentCount()).isEqualTo(measures.currentCount());
    assertThat(report.getMissingCurrent()).isEqualTo(measures.missingCurrent()).isPositive();
    assertThat(report.getPValue()).isEqualTo(measures.pValue());
    assertThat(report.getQValue()).isGreaterThanOrEqualTo(measures.pValue());
    assertThat(report.getBins()).hasSize(11);
  }

  @ParameterizedTest
  @CsvSource({"STREAMING,3", "BATCH,1", "BATCH,3"})
  void reportsTheSameInEveryModeAtEveryParallelism(RuntimeExecutionMode mode, int parallelism)
      throws Exception {
    StreamExecutionEnvironment environment = environment(mode, parallelism);
    Run run = run(environment, predictions(environment, RateLimiterStrategy.noOp()));

    Run expected = reference();
    assertThat(run.reports()).isEqualTo(expected.reports());
    assertThat(run.allReports()).hasSameSizeAs(expected.allReports());
    assertThat(run.alerts()).isEqualTo(expected.alerts());
    assertThat(run.deadLetters()).containsExactlyInAnyOrderElementsOf(expected.deadLetters());
    assertThat(run.accumulated(JobMetric.DRIFT_IN.id())).isEqualTo(ROWS);
    assertThat(run.accumulated(JobMetric.DRIFT_COUNTED.id()))
        .isEqualTo(expected.accumulated(JobMetric.DRIFT_COUNTED.id()));
  }

  @ParameterizedTest
  @CsvSource({"STREAMING,3", "BATCH,1", "BATCH,3"})
  void slidingWindowsAndSegmentsAreTheSameInEveryModeToo(RuntimeExecutionMode mode, int parallelism)
      throws Exception {
    Run expected = rich(environment(RuntimeExecutionMode.STREAMING, 1));
    Run run = rich(environment(mode, parallelism));

    // 6 windows of an hour, and 15 of two that hold some of the six; all, FR, other and missing;
    // and the country of all.
    assertThat(expected.reports()).hasSize((HOURS + 15) * 2 * (4 * 4 + 1));
    assertThat(run.reports()).isEqualTo(expected.reports());
    assertThat(run.alerts()).isEqualTo(expected.alerts());
    assertThat(expected.reports().values())
        .anyMatch(report -> report.getDesignEffect() > 1)
        .anyMatch(report -> report.getFeature().equals("field:country"))
        .anyMatch(report -> report.getSegment() != null && report.getDrifted());
  }

  private static Run rich(StreamExecutionEnvironment environment) throws Exception {
    return run(
        environment,
        predictions(environment, RateLimiterStrategy.noOp()),
        Predictions.RICH,
        Predictions.WITH_FIELDS);
  }

  /** At each full hour a row comes 48 seconds early, and so those between and one other late. */
  @Test
  void lateRowsGiveAnotherRevisionThatIsWhatAllOfThemWouldHaveGiven() throws Exception {
    StreamExecutionEnvironment environment = environment(RuntimeExecutionMode.STREAMING, 1);
    GeneratorFunction<Long, ScoredRow> rows =
        index ->
            Predictions.row(
                index % AN_HOUR == 10 && index > 10
                    ? index - 20
                    : index % AN_HOUR == AN_HOUR - 10 && index + 20 < ROWS ? index + 20 : index);
    DataStream<ScoredRow> disordered =
        environment
            .fromSource(
                new DataGeneratorSource<>(rows, ROWS, new ScoredRowTypeInfo()),
                WatermarkStrategy.forGenerator(context -> new EveryRow())
                    .withTimestampAssigner((row, timestamp) -> row.time),
                "predictions")
            .uid("predictions");
    Run run = run(environment, disordered);

    Run expected = reference();
    assertThat(run.late()).isEmpty();
    run.reports().values().forEach(report -> report.setRevision(0));
    assertThat(run.reports()).isEqualTo(expected.reports());
    assertThat(run.allReports().size()).isGreaterThan(expected.allReports().size());
  }

  @ParameterizedTest
  @CsvSource({"1,hashmap", "3,rocksdb"})
  void aRestoreNeitherLosesNorDoublesARow(int parallelism, String backend) throws Exception {
    StreamExecutionEnvironment environment =
        environment(RuntimeExecutionMode.STREAMING, parallelism);
    environment.enableCheckpointing(10);
    environment.configure(new Configuration().set(StateBackendOptions.STATE_BACKEND, backend));
    FailOnce.FAILURES.set(0);
    DataStream<ScoredRow> predictions =
        predictions(environment, RateLimiterStrategy.perCheckpoint(1_500))
            .map(new FailOnce())
            .returns(new ScoredRowTypeInfo())
            .uid("fail-once");

    Run run = run(environment, predictions);

    Run expected = reference();
    assertThat(FailOnce.FAILURES).hasValue(1);
    assertThat(run.reports()).isEqualTo(expected.reports());
    assertThat(run.alerts()).isEqualTo(expected.alerts());
    assertThat(run.accumulated(JobMetric.DRIFT_IN.id())).isEqualTo(ROWS);
    assertThat(run.accumulated(JobMetric.DRIFT_COUNTED.id())).isEqualTo(ROWS - ROWS / 100);
    assertThat(run.accumulated(JobMetric.DRIFT_DEAD.id())).isEqualTo(ROWS / 100);
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
    DataStream<ScoredRow> predictions = predictions(environment, RateLimiterStrategy.noOp());
    DriftTopology.build(predictions, Predictions.PIPELINE, Predictions.BASELINES)
        .reports()
        .sinkTo(new Collected<>())
        .uid("reports");

    List<StreamNode> nodes =
        environment.getStreamGraph().getStreamNodes().stream()
            .filter(node -> node.getTransformationUID().startsWith("drift-"))
            .toList();

    assertThat(nodes)
        .extracting(StreamNode::getTransformationUID)
        .containsExactlyInAnyOrder(
            DriftTopology.LOCAL_COUNTS,
            DriftTopology.MERGED_COUNTS,
            DriftTopology.DECISIONS,
            DriftTopology.ALERTS);
    assertThat(nodes).allMatch(node -> node.getOperatorName().equals(node.getTransformationUID()));
  }

  @Test
  void refusesAPipelineWithoutDrift() {
    StreamExecutionEnvironment environment = environment(RuntimeExecutionMode.STREAMING, 1);
    DataStream<ScoredRow> predictions = predictions(environment, RateLimiterStrategy.noOp());

    assertThatThrownBy(
            () ->
                DriftTopology.build(predictions, Predictions.pipeline(null), Predictions.BASELINES))
        .hasMessage("pipeline fraud has no drift section; add one, at least `drift: {window: 1h}`");
  }
}
