package io.pelton.drift.job;

import io.pelton.drift.Measures;
import io.pelton.drift.job.Baselines.Baseline;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.schemas.DriftBin;
import io.pelton.schemas.DriftBinKind;
import io.pelton.schemas.DriftPoint;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftType;
import java.time.Instant;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds up what the subtasks counted of a feature, and measures each window once it is closed. Its
 * reports are undecided: without q-value, not drifted.
 */
@SuppressWarnings("NullAway.Init") // Flink initializes state and opens before anything else.
final class MergeCounts extends KeyedProcessFunction<FeatureKey, PartialCounts, DriftReport>
    implements CheckpointedFunction {
  private static final long serialVersionUID = 1;

  // Positions in the ledger.
  private static final int COUNTED = 0;
  private static final int LATE = 1;

  private static final Logger LOG = LoggerFactory.getLogger(MergeCounts.class);
  private static final MapStateDescriptor<Long, PartialCounts> OPEN =
      new MapStateDescriptor<>("open-windows", Types.LONG, TypeInformation.of(PartialCounts.class));
  private static final ValueStateDescriptor<Long> REPORTED =
      new ValueStateDescriptor<>("newest-reported-window", Types.LONG);

  private final Windows windows;
  private final BaselineProvider provider;
  private final String pipeline;

  private transient Baselines baselines;
  private transient Ledger ledger;
  private transient MapState<Long, PartialCounts> open;
  private transient ValueState<Long> reported;

  MergeCounts(Windows windows, BaselineProvider provider, String pipeline) {
    this.windows = windows;
    this.provider = provider;
    this.pipeline = pipeline;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    ledger = new Ledger(JobMetric.DRIFT_COUNTED, JobMetric.DRIFT_LATE);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    ledger.snapshot();
  }

  @Override
  public void open(OpenContext context) {
    baselines = new Baselines(provider);
    open = getRuntimeContext().getMapState(OPEN);
    reported = getRuntimeContext().getState(REPORTED);
  }

  @Override
  public void processElement(
      PartialCounts partial, Context context, Collector<DriftReport> collector) throws Exception {
    long start = partial.windowStart();
    Long newest = reported.value();
    if (windows.closing(start) <= context.timerService().currentWatermark()
        || (newest != null && start <= newest)) {
      correctLedger(partial);
      return;
    }
    PartialCounts merged = open.get(start);
    open.put(start, merged == null ? partial : merged.plus(partial));
    context.timerService().registerEventTimeTimer(windows.closing(start));
  }

  /**
   * A subtask that was idle does not hold the watermark back. Rows that it finds afterwards may
   * belong to windows that were closed without it: they were counted there, but are late here.
   */
  private void correctLedger(PartialCounts partial) {
    if (partial.first()) {
      ledger.add(COUNTED, -partial.rows());
      ledger.add(LATE, partial.rows());
      LOG.warn(
          "{} rows of {}@{} came from an idle input after their window at {} was reported; they count as late",
          partial.rows(),
          partial.served().model(),
          partial.served().version(),
          Instant.ofEpochMilli(partial.windowStart()));
    }
  }

  @Override
  public void onTimer(long timestamp, OnTimerContext context, Collector<DriftReport> collector)
      throws Exception {
    long start = windows.startOfClosing(timestamp);
    PartialCounts merged = open.get(start);
    if (merged == null) {
      throw new IllegalStateException(
          "window of %s at %s has a timer but no counts"
              .formatted(context.getCurrentKey(), Instant.ofEpochMilli(start)));
    }
    open.remove(start);
    reported.update(start);
    Baseline baseline = baselines.get(merged.served(), start);
    if (!baseline.found()) {
      throw new IllegalStateException(
          "window of %s at %s was counted but cannot be measured: %s"
              .formatted(context.getCurrentKey(), Instant.ofEpochMilli(start), baseline.problem()));
    }
    Measures measures = Measures.of(baseline.profile(merged.feature()), merged.counts());
    collector.collect(report(merged, measures, context.timerService().currentWatermark()));
  }

  private DriftReport report(PartialCounts merged, Measures measures, long watermark) {
    return DriftReport.newBuilder()
        .setPipeline(pipeline)
        .setModel(merged.served().model())
        .setVersion(merged.served().version())
        .setFeature(merged.feature())
        .setType(DriftType.NUMERIC)
        .setWindowStart(Instant.ofEpochMilli(merged.windowStart()))
        .setWindowEnd(Instant.ofEpochMilli(windows.end(merged.windowStart())))
        .setRevision(0)
        .setWatermark(Instant.ofEpochMilli(watermark))
        .setBaselineCount(measures.baselineCount())
        .setCurrentCount(measures.currentCount())
        .setMissingBaseline(measures.missingBaseline())
        .setMissingCurrent(measures.missingCurrent())
        .setOutOfRange(measures.outOfRange())
        .setKs(measures.ks())
        .setKsPValue(measures.ksPValue())
        .setKsMethod(measures.ksMethod().text())
        .setRankErrorBound(measures.rankErrorBound())
        .setPsi(measures.psi())
        .setPsiAdjusted(measures.psiAdjusted())
        .setPsiPValue(measures.psiPValue())
        .setJensenShannon(measures.jensenShannon())
        .setWasserstein(measures.wasserstein())
        .setPValue(measures.pValue())
        .setDesignEffect(measures.designEffect())
        .setMissingPValue(measures.missingPValue())
        .setKsAt(measures.ksAt())
        .setNewValues(Map.of())
        .setDistribution(
            measures.distribution().stream()
                .map(point -> new DriftPoint(point.value(), point.baseline(), point.current()))
                .toList())
        .setQValue(null)
        .setDrifted(false)
        .setBins(
            measures.bins().stream()
                .map(
                    bin ->
                        new DriftBin(
                            bin.upper() == null ? DriftBinKind.MISSING : DriftBinKind.RANGE,
                            bin.upper(),
                            null,
                            bin.baseline(),
                            bin.current()))
                .toList())
        .build();
  }
}
