package io.pelton.drift.performance;

import io.micrometer.core.instrument.Counter;
import io.pelton.drift.Segment;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.performance.CalibrationBin;
import io.pelton.performance.Interval;
import io.pelton.performance.Measured;
import io.pelton.performance.Performance;
import io.pelton.performance.ScoreCounts;
import io.pelton.schemas.CalibrationRange;
import io.pelton.schemas.PerformanceReport;
import io.pelton.schemas.PerformanceValue;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
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
 * Adds up what the subtasks counted of a variant of a version, and reports its windows: when they
 * close, once a width after that when more is known, and when their time for outcomes is over. What
 * comes when its step is closed goes into the next one.
 */
@SuppressWarnings("NullAway.Init") // Flink initializes state and opens before anything else.
final class MergeFindings
    extends KeyedProcessFunction<VariantKey, PartialFindings, PerformanceReport>
    implements CheckpointedFunction {
  private static final long serialVersionUID = 1;
  private static final Logger LOG = LoggerFactory.getLogger(MergeFindings.class);

  // Positions in the ledger.
  private static final int COUNTED = 0;
  private static final int LATE = 1;

  private static final MapStateDescriptor<WindowStep, byte[]> PENDING =
      new MapStateDescriptor<>(
          "pending-findings",
          TypeInformation.of(WindowStep.class),
          PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
  private static final MapStateDescriptor<Long, WindowTotal> TOTALS =
      new MapStateDescriptor<>("window-totals", Types.LONG, TypeInformation.of(WindowTotal.class));
  private static final ValueStateDescriptor<Long> CLOSED =
      new ValueStateDescriptor<>("closed-up-to", Types.LONG);

  private final Windows windows;
  private final Segments segments;
  private final Evaluations source;
  private final String pipeline;

  private transient KnownEvaluations evaluations;
  private transient Ledger ledger;
  private transient Counter reports;
  private transient PerformanceGauges gauges;
  private transient MapState<WindowStep, byte[]> pending;
  private transient MapState<Long, WindowTotal> totals;

  /** What was closed before a restore stays so, though the watermark begins anew. */
  private transient ValueState<Long> closed;

  MergeFindings(Windows windows, Segments segments, Evaluations source, String pipeline) {
    this.windows = windows;
    this.segments = segments;
    this.source = source;
    this.pipeline = pipeline;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    ledger = new Ledger(JobMetric.PERFORMANCE_COUNTED, JobMetric.PERFORMANCE_LATE);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    ledger.snapshot();
  }

  @Override
  public void open(OpenContext context) {
    evaluations = new KnownEvaluations(source);
    FlinkMeters meters = new FlinkMeters(getRuntimeContext().getMetricGroup());
    reports = meters.counter(JobMetric.PERFORMANCE_REPORTS);
    gauges = new PerformanceGauges(meters);
    pending = getRuntimeContext().getMapState(PENDING);
    totals = getRuntimeContext().getMapState(TOTALS);
    closed = getRuntimeContext().getState(CLOSED);
  }

  @Override
  public void processElement(
      PartialFindings partial, Context context, Collector<PerformanceReport> out) throws Exception {
    long start = partial.step().start();
    long passed = context.timerService().currentWatermark();
    Long before = closed.value();
    if (before != null) {
      passed = Math.max(passed, before);
    }
    long step = partial.step().step();
    if (windows.closing(start, step) <= passed) {
      step = windows.step(start, passed + 1);
    }
    ScoreCounts counts = ScoreCounts.of(partial.counts());
    if (step > windows.lastStep()) {
      if (!partial.key().segment().equals(Segment.ALL)) {
        return; // told of with all rows
      }
      ledger.add(COUNTED, -counts.predictions());
      ledger.add(LATE, counts.predictions());
      LOG.warn(
          "{} predictions of {} came from an idle input after their window at {} was reported for the last time; they count as late",
          counts.predictions(),
          partial.key(),
          Instant.ofEpochMilli(start));
      return;
    }
    WindowStep at = new WindowStep(start, step);
    byte[] others = pending.get(at);
    pending.put(
        at, others == null ? partial.counts() : ScoreCounts.of(others).plus(counts).toBytes());
    context.timerService().registerEventTimeTimer(windows.closing(start, step));
    context.timerService().registerEventTimeTimer(windows.closing(start, windows.lastStep()));
  }

  @Override
  public void onTimer(long timestamp, OnTimerContext context, Collector<PerformanceReport> out)
      throws Exception {
    closed.update(timestamp);
    Map<Long, ScoreCounts> changes = new TreeMap<>();
    List<WindowStep> taken = new ArrayList<>();
    for (Map.Entry<WindowStep, byte[]> entry : pending.entries()) {
      WindowStep step = entry.getKey();
      if (windows.closing(step.start(), step.step()) <= timestamp) {
        changes.merge(step.start(), ScoreCounts.of(entry.getValue()), ScoreCounts::plus);
        taken.add(step);
      }
    }
    for (WindowStep step : taken) {
      pending.remove(step);
    }
    long complete = windows.startOfComplete(timestamp);
    if (totals.contains(complete)) {
      changes.putIfAbsent(complete, ScoreCounts.none());
    }
    for (Map.Entry<Long, ScoreCounts> change : changes.entrySet()) {
      long start = change.getKey();
      WindowTotal total = totals.get(start);
      if (change.getValue().isEmpty() && (total == null || start != complete)) {
        continue; // taken back before it was told
      }
      ScoreCounts counts =
          total == null
              ? change.getValue()
              : ScoreCounts.of(total.counts()).plus(change.getValue());
      int revision = total == null ? 0 : total.reports();
      if (start == complete) {
        totals.remove(start);
      } else {
        totals.put(start, new WindowTotal(revision + 1, counts.toBytes()));
      }
      PerformanceReport report =
          report(
              context.getCurrentKey(),
              start,
              revision,
              start == complete,
              counts,
              context.timerService().currentWatermark());
      reports.increment();
      gauges.show(context.getCurrentKey(), report);
      out.collect(report);
    }
  }

  private PerformanceReport report(
      VariantKey key,
      long start,
      int revision,
      boolean complete,
      ScoreCounts counts,
      long watermark) {
    VersionEvaluation evaluation = evaluations.of(key.model(), key.version());
    Performance performance =
        Performance.of(counts, evaluation.metrics(), evaluation.calibration());
    return PerformanceReport.newBuilder()
        .setPipeline(pipeline)
        .setModel(key.model())
        .setVersion(key.version())
        .setVariant(key.variant())
        .setSegment(segments.report(key.segment()))
        .setWindowStart(Instant.ofEpochMilli(start))
        .setWindowEnd(Instant.ofEpochMilli(windows.end(start)))
        .setRevision(revision)
        .setComplete(complete)
        .setWatermark(Instant.ofEpochMilli(watermark))
        .setPredictions(counts.predictions())
        .setMissing(counts.missing())
        .setOutcomes(counts.outcomes())
        .setScoreStep(counts.step() / 1e6)
        .setCalibrated(performance.calibrated())
        .setMetrics(performance.metrics().stream().map(MergeFindings::value).toList())
        .setCalibration(performance.bins().stream().map(MergeFindings::range).toList())
        .build();
  }

  private static PerformanceValue value(Measured measured) {
    Interval interval = measured.interval();
    return new PerformanceValue(
        measured.name(),
        measured.value(),
        interval == null ? null : (Double) interval.low(),
        interval == null ? null : (Double) interval.high(),
        measured.evaluation(),
        measured.estimated(),
        measured.estimateError());
  }

  private static CalibrationRange range(CalibrationBin bin) {
    Interval interval = bin.interval();
    return new CalibrationRange(
        Math.round(bin.rows()), bin.meanScore(), bin.rate(), interval.low(), interval.high());
  }
}
