package io.pelton.drift.job;

import io.micrometer.core.instrument.Counter;
import io.pelton.drift.Decision;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.job.SpecificRecordSerializer;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.pipeline.Drift;
import io.pelton.schemas.DriftReport;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Decides on a window once the reports of all its features, segments and versions are there, for
 * how surprising one is depends on how many were looked at. A report that changes afterwards leaves
 * again as the next revision, and so do those whose q-value it changes. Reports leave in the order
 * of versions, segments and names.
 */
@SuppressWarnings("NullAway.Init") // Flink initializes state and opens before anything else.
final class Decide extends KeyedProcessFunction<WindowKey, DriftReport, DriftReport> {
  private static final long serialVersionUID = 1;
  private static final MapStateDescriptor<AlertKey, DriftReport> REPORTS =
      new MapStateDescriptor<>(
          "reports",
          TypeInformation.of(AlertKey.class),
          new SpecificRecordTypeInfo<>(DriftReport.class));

  private static final Comparator<DriftReport> ORDER =
      Comparator.comparing(
          AlertKey::of,
          Comparator.comparingInt(AlertKey::version)
              .thenComparing(AlertKey::variant)
              .thenComparing(AlertKey::segment)
              .thenComparing(AlertKey::feature));

  private final Drift drift;
  private final Windows windows;

  /** The newest of each; without q-value while undecided. */
  private transient MapState<AlertKey, DriftReport> reports;

  private transient SpecificRecordSerializer<DriftReport> copier;
  private transient Counter windowsReported;
  private transient Counter featuresDrifted;

  Decide(Drift drift) {
    this.drift = drift;
    windows = Windows.of(drift);
  }

  @Override
  public void open(OpenContext context) {
    reports = getRuntimeContext().getMapState(REPORTS);
    copier = new SpecificRecordSerializer<>(DriftReport.class);
    FlinkMeters meters = new FlinkMeters(getRuntimeContext().getMetricGroup());
    windowsReported = meters.counter(JobMetric.DRIFT_WINDOWS_REPORTED);
    featuresDrifted = meters.counter(JobMetric.DRIFT_FEATURES_DRIFTED);
  }

  @Override
  public void processElement(DriftReport report, Context context, Collector<DriftReport> collector)
      throws Exception {
    AlertKey key = AlertKey.of(report);
    DriftReport before = reports.get(key);
    report.setRevision(before == null ? -1 : before.getRevision());
    reports.put(key, report);
    context.timerService().registerEventTimeTimer(context.timestamp());
    context.timerService().registerEventTimeTimer(closing(context.getCurrentKey()));
  }

  private long closing(WindowKey window) {
    return windows.closing(new WindowSpan(window.start(), window.end()));
  }

  @Override
  public void onTimer(long timestamp, OnTimerContext context, Collector<DriftReport> collector)
      throws Exception {
    decide(context.timerService().currentWatermark(), collector);
    if (timestamp >= closing(context.getCurrentKey())) {
      reports.clear();
    }
  }

  private void decide(long watermark, Collector<DriftReport> collector) throws Exception {
    List<DriftReport> all = new ArrayList<>();
    boolean undecided = false;
    for (DriftReport report : reports.values()) {
      all.add(report);
      undecided |= report.getQValue() == null;
    }
    if (!undecided) {
      return;
    }
    all.sort(ORDER);
    List<Decision> decisions =
        Decision.of(
            all.stream().map(Decide::evidence).toList(), drift.thresholds(), drift.minimumCount());
    boolean first = true;
    for (int i = 0; i < all.size(); i++) {
      DriftReport report = all.get(i);
      Decision decision = decisions.get(i);
      first &= report.getRevision() < 0;
      if (report.getQValue() == null || report.getQValue() != decision.qValue()) {
        DriftReport decided = decided(report, decision, watermark);
        reports.put(AlertKey.of(decided), decided);
        collector.collect(decided);
      }
    }
    if (first) {
      windowsReported.increment();
    }
  }

  private static Decision.Evidence evidence(DriftReport report) {
    return new Decision.Evidence(
        report.getCurrentCount(),
        report.getPValue(),
        report.getPsiAdjusted(),
        report.getKs(),
        report.getCramersV());
  }

  private DriftReport decided(DriftReport report, Decision decision, long watermark) {
    if (decision.drifted() && report.getRevision() < 0) {
      featuresDrifted.increment();
    }
    // The one in the state may have left before: whoever has it must not see it change.
    DriftReport decided = copier.copy(report);
    decided.setQValue(decision.qValue());
    decided.setDrifted(decision.drifted());
    decided.setRevision(report.getRevision() + 1);
    decided.setWatermark(Instant.ofEpochMilli(watermark));
    return decided;
  }
}
