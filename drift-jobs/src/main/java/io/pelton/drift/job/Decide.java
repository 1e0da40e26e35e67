package io.pelton.drift.job;

import io.micrometer.core.instrument.Counter;
import io.pelton.drift.AlertHistory;
import io.pelton.drift.FalseDiscovery;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.pipeline.Drift;
import io.pelton.schemas.AlertSeverity;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftReport;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.typeutils.ListTypeInfo;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/**
 * Decides on a window once the reports of all its features are there, for how surprising one is
 * depends on how many were looked at. Reports leave in the order of their features' names.
 */
@SuppressWarnings("NullAway.Init") // Flink initializes state and opens before anything else.
final class Decide extends KeyedProcessFunction<VersionKey, DriftReport, DriftReport> {
  static final OutputTag<DriftAlert> ALERTS =
      new OutputTag<>("alerts", new SpecificRecordTypeInfo<>(DriftAlert.class));

  private static final long serialVersionUID = 1;
  private static final MapStateDescriptor<Long, List<DriftReport>> UNDECIDED =
      new MapStateDescriptor<>(
          "undecided-windows",
          Types.LONG,
          new ListTypeInfo<>(new SpecificRecordTypeInfo<>(DriftReport.class)));
  private static final MapStateDescriptor<String, AlertHistory> HISTORIES =
      new MapStateDescriptor<>(
          "alert-histories", Types.STRING, TypeInformation.of(AlertHistory.class));

  private final Drift drift;
  private final Windows windows;

  private transient MapState<Long, List<DriftReport>> undecided;
  private transient MapState<String, AlertHistory> histories;
  private transient Counter windowsReported;
  private transient Counter featuresDrifted;
  private transient Counter alertsOpened;
  private transient Counter alertsResolved;

  Decide(Drift drift) {
    this.drift = drift;
    windows = Windows.of(drift);
  }

  @Override
  public void open(OpenContext context) {
    undecided = getRuntimeContext().getMapState(UNDECIDED);
    histories = getRuntimeContext().getMapState(HISTORIES);
    FlinkMeters meters = new FlinkMeters(getRuntimeContext().getMetricGroup());
    windowsReported = meters.counter(JobMetric.DRIFT_WINDOWS_REPORTED);
    featuresDrifted = meters.counter(JobMetric.DRIFT_FEATURES_DRIFTED);
    alertsOpened = meters.counter(JobMetric.DRIFT_ALERTS_OPENED);
    alertsResolved = meters.counter(JobMetric.DRIFT_ALERTS_RESOLVED);
  }

  @Override
  public void processElement(DriftReport report, Context context, Collector<DriftReport> collector)
      throws Exception {
    long start = report.getWindowStart().toEpochMilli();
    List<DriftReport> reports = undecided.get(start);
    if (reports == null) {
      reports = new ArrayList<>();
    }
    reports.add(report);
    undecided.put(start, reports);
    context.timerService().registerEventTimeTimer(windows.closing(start));
  }

  @Override
  public void onTimer(long timestamp, OnTimerContext context, Collector<DriftReport> collector)
      throws Exception {
    long start = windows.startOfClosing(timestamp);
    List<DriftReport> reports = new ArrayList<>(undecided.get(start));
    undecided.remove(start);
    reports.sort(Comparator.comparing(DriftReport::getFeature));
    double[] qValues =
        FalseDiscovery.adjust(reports.stream().mapToDouble(DriftReport::getPValue).toArray());
    for (int i = 0; i < qValues.length; i++) {
      DriftReport report = decided(reports.get(i), qValues[i]);
      collector.collect(report);
      if (report.getCurrentCount() >= drift.minimumCount()) {
        updateAlert(report, context);
      }
    }
    windowsReported.increment();
  }

  private DriftReport decided(DriftReport report, double qValue) {
    boolean effect =
        report.getPsiAdjusted() >= drift.psi()
            || (report.getKs() != null && report.getKs() >= drift.ks());
    boolean drifted =
        effect
            && qValue <= drift.falseDiscoveryRate()
            && report.getCurrentCount() >= drift.minimumCount();
    if (drifted) {
      featuresDrifted.increment();
    }
    // Taken out of the state before, so nobody else has it; a builder's copy would need Avro's
    // JVM-wide list of trusted classes.
    report.setQValue(qValue);
    report.setDrifted(drifted);
    return report;
  }

  private void updateAlert(DriftReport report, Context context) throws Exception {
    AlertHistory before = histories.get(report.getFeature());
    if (before == null) {
      before = AlertHistory.empty();
    }
    AlertHistory after =
        before.next(
            report.getWindowStart().toEpochMilli(),
            report.getDrifted() ? AlertHistory.Verdict.DRIFTED : AlertHistory.Verdict.NORMAL,
            drift.persistence(),
            0);
    histories.put(report.getFeature(), after);
    if (before.open() != after.open()) {
      (after.open() ? alertsOpened : alertsResolved).increment();
      context.output(ALERTS, alert(report, after));
    }
  }

  private DriftAlert alert(DriftReport report, AlertHistory history) {
    Instant since = Instant.ofEpochMilli(history.since());
    String happened =
        history.open()
            ? "drifted in %d of the last %d windows"
                .formatted(drift.persistence().k(), drift.persistence().n())
            : "drifted in none of the last %d windows".formatted(drift.persistence().n());
    String message =
        String.format(
            Locale.ROOT,
            "%s of %s@%d %s: adjusted PSI %.4f (threshold %s), KS %s (threshold %s), q %.3g (level %s)",
            report.getFeature(),
            report.getModel(),
            report.getVersion(),
            happened,
            report.getPsiAdjusted(),
            drift.psi(),
            report.getKs() == null ? "none" : String.format(Locale.ROOT, "%.4f", report.getKs()),
            drift.ks(),
            report.getQValue(),
            drift.falseDiscoveryRate());
    return DriftAlert.newBuilder()
        .setAlertId(
            String.join(
                "/",
                report.getPipeline(),
                report.getModel(),
                Integer.toString(report.getVersion()),
                report.getFeature(),
                since.toString()))
        .setState(history.open() ? AlertState.OPENED : AlertState.RESOLVED)
        .setPipeline(report.getPipeline())
        .setModel(report.getModel())
        .setVersion(report.getVersion())
        .setFeature(report.getFeature())
        .setSeverity(AlertSeverity.WARNING)
        .setSince(since)
        .setWindowEnd(report.getWindowEnd())
        .setPsiAdjusted(report.getPsiAdjusted())
        .setKs(report.getKs())
        .setQValue(report.getQValue())
        .setNewValues(report.getNewValues())
        .setContributions(List.of())
        .setMessage(message)
        .build();
  }
}
