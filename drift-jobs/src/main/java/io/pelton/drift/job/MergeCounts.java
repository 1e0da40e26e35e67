package io.pelton.drift.job;

import io.micrometer.core.instrument.Counter;
import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.KeySums;
import io.pelton.drift.Measures;
import io.pelton.drift.Profile;
import io.pelton.drift.Segment;
import io.pelton.drift.job.Baselines.Baseline;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.pipeline.Drift;
import io.pelton.pipeline.PipelineSummary;
import io.pelton.schemas.DriftBin;
import io.pelton.schemas.DriftBinKind;
import io.pelton.schemas.DriftPoint;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftSegment;
import io.pelton.schemas.DriftType;
import io.pelton.schemas.SegmentKind;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds up what the subtasks counted of a feature, puts windows together from panes, and measures
 * each at its end; again when late rows changed it. Its reports are undecided: without q-value, not
 * drifted.
 */
@SuppressWarnings("NullAway.Init") // Flink initializes state and opens before anything else.
final class MergeCounts extends KeyedProcessFunction<FeatureKey, PartialCounts, DriftReport>
    implements CheckpointedFunction {
  private static final long serialVersionUID = 1;

  // Positions in the ledger.
  private static final int COUNTED = 0;
  private static final int LATE = 1;

  private static final Logger LOG = LoggerFactory.getLogger(MergeCounts.class);
  private static final MapStateDescriptor<Long, PartialCounts> PANES =
      new MapStateDescriptor<>("panes", Types.LONG, TypeInformation.of(PartialCounts.class));
  private static final MapStateDescriptor<WindowSpan, Long> DUE =
      new MapStateDescriptor<>("windows-due", TypeInformation.of(WindowSpan.class), Types.LONG);

  private static final ValueStateDescriptor<Long> REACHED =
      new ValueStateDescriptor<>("newest-timer", Types.LONG);

  private final Windows windows;
  private final BaselineProvider provider;
  private final String pipeline;
  private final Drift drift;
  private final List<String> carry;

  private transient Baselines baselines;
  private transient Ledger ledger;
  private transient Counter withoutReference;
  private transient MapState<Long, PartialCounts> panes;

  /** Windows that changed since they were measured, and the watermark to measure them at. */
  private transient MapState<WindowSpan, Long> due;

  /** Time of the newest timer: a restored operator has no watermark yet. */
  private transient ValueState<Long> reached;

  MergeCounts(
      Windows windows,
      BaselineProvider provider,
      String pipeline,
      Drift drift,
      List<String> carry) {
    this.windows = windows;
    this.provider = provider;
    this.pipeline = pipeline;
    this.drift = drift;
    this.carry = List.copyOf(carry);
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
    baselines = new Baselines(provider, drift.segments(), windows.previous() > 0, carry);
    withoutReference =
        new FlinkMeters(getRuntimeContext().getMetricGroup())
            .counter(JobMetric.DRIFT_WINDOWS_WITHOUT_REFERENCE);
    panes = getRuntimeContext().getMapState(PANES);
    due = getRuntimeContext().getMapState(DUE);
    reached = getRuntimeContext().getState(REACHED);
  }

  @Override
  public void processElement(
      PartialCounts partial, Context context, Collector<DriftReport> collector) throws Exception {
    long start = partial.paneStart();
    Long newest = reached.value();
    if (windows.closing(start) <= context.timerService().currentWatermark()
        || (newest != null && windows.closing(start) <= newest)) {
      correctLedger(partial);
      return;
    }
    PartialCounts known = panes.get(start);
    panes.put(start, known == null ? partial : known.plus(partial));
    for (WindowSpan window : windows.around(start)) {
      long at = Math.max(window.end() - 1, context.timestamp());
      Long before = due.get(window);
      if (before == null || at < before) {
        due.put(window, at);
      }
      context.timerService().registerEventTimeTimer(at);
    }
    context.timerService().registerEventTimeTimer(windows.forgotten(start));
  }

  /**
   * A subtask that was idle does not hold the watermark back. Rows that it finds afterwards may
   * belong to panes that were closed without it: they were counted there, but are late here.
   */
  private void correctLedger(PartialCounts partial) {
    if (partial.first()) {
      ledger.add(COUNTED, -partial.rows());
      ledger.add(LATE, partial.rows());
      LOG.warn(
          "{} rows of {}@{} came from an idle input after the last report of {}; they count as late",
          partial.rows(),
          partial.served().model(),
          partial.served().version(),
          Instant.ofEpochMilli(partial.paneStart()));
    }
  }

  @Override
  public void onTimer(long timestamp, OnTimerContext context, Collector<DriftReport> collector)
      throws Exception {
    reached.update(timestamp);
    List<WindowSpan> ready = new ArrayList<>();
    for (Map.Entry<WindowSpan, Long> window : due.entries()) {
      if (window.getValue() <= timestamp) {
        ready.add(window.getKey());
      }
    }
    ready.sort(Comparator.comparingLong(WindowSpan::end).thenComparingLong(WindowSpan::start));
    for (WindowSpan window : ready) {
      due.remove(window);
      report(window, context.timerService().currentWatermark(), collector);
    }
    List<Long> forgotten = new ArrayList<>();
    for (long start : panes.keys()) {
      if (windows.forgotten(start) <= timestamp) {
        forgotten.add(start);
      }
    }
    for (long start : forgotten) {
      panes.remove(start);
    }
  }

  private void report(WindowSpan window, long watermark, Collector<DriftReport> collector)
      throws Exception {
    PartialCounts merged = merged(window.start(), window.end());
    if (merged == null) {
      throw new IllegalStateException(
          "window %s of %s is due but has no counts"
              .formatted(Instant.ofEpochMilli(window.start()), pipeline));
    }
    Profile reference = profile(merged);
    if (windows.previous() > 0) {
      PartialCounts before = merged(window.start() - windows.previous(), window.start());
      if (before == null || before.rows() < drift.minimumCount()) {
        withoutReference.increment();
        return;
      }
      reference = reference.of(before.counts());
    }
    KeySums keys = merged.keys();
    ColumnMeasures measures =
        reference.measure(merged.counts(), keys == null ? 1 : keys.designEffect());
    DriftReport report = report(merged, window, measures, watermark);
    if (reference instanceof FeatureProfile numbers && numbers.kind() == FeatureProfile.Kind.TEXT) {
      report.setType(DriftType.TEXT);
    }
    collector.collect(report);
  }

  /** Panes added up; null when there are none. */
  private @Nullable PartialCounts merged(long from, long to) throws Exception {
    PartialCounts merged = null;
    for (long start = from; start < to; start += windows.pane()) {
      PartialCounts pane = panes.get(start);
      if (pane != null) {
        merged = merged == null ? pane : merged.plus(pane);
      }
    }
    return merged;
  }

  private Profile profile(PartialCounts counted) {
    Baseline baseline = baselines.get(counted.served(), counted.paneStart());
    if (!baseline.found()) {
      throw new IllegalStateException(
          "pane of %s at %s was counted but cannot be measured: %s"
              .formatted(
                  counted.feature(),
                  Instant.ofEpochMilli(counted.paneStart()),
                  baseline.problem()));
    }
    return baseline.of(counted.segment()).of(counted.feature());
  }

  private @Nullable DriftSegment segment(String segment) {
    if (segment.equals(Segment.ALL)) {
      return null;
    }
    String field = Objects.requireNonNull(drift.segments()).by();
    String value = Segment.value(segment);
    return new DriftSegment(
        field,
        value != null
            ? SegmentKind.VALUE
            : segment.equals(Segment.MISSING) ? SegmentKind.MISSING : SegmentKind.OTHER,
        value);
  }

  private DriftReport report(
      PartialCounts counted, WindowSpan window, ColumnMeasures measures, long watermark) {
    DriftReport.Builder report =
        DriftReport.newBuilder()
            .setPipeline(pipeline)
            .setModel(counted.served().model())
            .setVersion(counted.served().version())
            .setVariant(counted.served().variant())
            .setSegment(segment(counted.segment()))
            .setFeature(counted.feature())
            .setReference(reference())
            .setWindowStart(Instant.ofEpochMilli(window.start()))
            .setWindowEnd(Instant.ofEpochMilli(window.end()))
            .setRevision(0)
            .setWatermark(Instant.ofEpochMilli(watermark))
            .setBaselineCount(measures.baselineCount())
            .setCurrentCount(measures.currentCount())
            .setDesignEffect(measures.designEffect())
            .setMissingBaseline(measures.missingBaseline())
            .setMissingCurrent(measures.missingCurrent())
            .setMissingPValue(measures.missingPValue())
            .setPsi(measures.psi())
            .setPsiAdjusted(measures.psiAdjusted())
            .setPsiPValue(measures.psiPValue())
            .setJensenShannon(measures.jensenShannon())
            .setPValue(measures.pValue())
            .setQValue(null)
            .setDrifted(false)
            .setNewValues(counted.newValues() == null ? Map.of() : counted.newValues().rows());
    return measures instanceof Measures numbers
        ? ofNumbers(report, numbers)
        : ofCategories(report, (CategoryMeasures) measures);
  }

  private static DriftReport ofNumbers(DriftReport.Builder report, Measures measures) {
    return report
        .setType(DriftType.NUMERIC)
        .setOutOfRange(measures.outOfRange())
        .setKs(measures.ks())
        .setKsAt(measures.ksAt())
        .setKsPValue(measures.ksPValue())
        .setKsMethod(measures.ksMethod().text())
        .setRankErrorBound(measures.rankErrorBound())
        .setWasserstein(measures.wasserstein())
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
        .setDistribution(
            measures.distribution().stream()
                .map(point -> new DriftPoint(point.value(), point.baseline(), point.current()))
                .toList())
        .build();
  }

  private static DriftReport ofCategories(DriftReport.Builder report, CategoryMeasures measures) {
    return report
        .setType(DriftType.CATEGORICAL)
        .setOutOfRange(0)
        .setUnseen(measures.unseen())
        .setKs(null)
        .setKsPValue(null)
        .setKsMethod(Measures.KsMethod.NONE.text())
        .setRankErrorBound(0)
        .setWasserstein(null)
        .setChiSquare(measures.chiSquare())
        .setCramersV(measures.cramersV())
        .setBins(
            measures.bins().stream()
                .map(
                    bin ->
                        new DriftBin(
                            DriftBinKind.valueOf(bin.kind().name()),
                            null,
                            bin.value(),
                            bin.baseline(),
                            bin.current()))
                .toList())
        .setDistribution(List.of())
        .build();
  }

  private String reference() {
    return drift.previous() == null
        ? "training"
        : "previous " + PipelineSummary.duration(drift.previous());
  }
}
