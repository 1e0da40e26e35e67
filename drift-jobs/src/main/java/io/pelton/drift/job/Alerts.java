package io.pelton.drift.job;

import io.micrometer.core.instrument.Counter;
import io.pelton.drift.AlertHistory;
import io.pelton.drift.AlertHistory.Verdict;
import io.pelton.drift.Decision;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.pipeline.Drift;
import io.pelton.pipeline.PipelineSummary;
import io.pelton.schemas.AlertSeverity;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftContribution;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftSegment;
import io.pelton.schemas.SegmentKind;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.typeutils.ListTypeInfo;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Follows a feature from window to window, and tells when it has drifted for long enough, by far,
 * and when no more. Windows with too few rows decide nothing.
 */
@SuppressWarnings("NullAway.Init") // Flink initializes state and opens before anything else.
final class Alerts extends KeyedProcessFunction<AlertKey, DriftReport, DriftAlert> {
  private static final long serialVersionUID = 1;

  private static final int MOST_CONTRIBUTIONS = 3;

  private static final ValueStateDescriptor<AlertHistory> HISTORY =
      new ValueStateDescriptor<>("alert-history", TypeInformation.of(AlertHistory.class));
  private static final MapStateDescriptor<Long, List<DriftReport>> WAITING =
      new MapStateDescriptor<>(
          "waiting",
          Types.LONG,
          new ListTypeInfo<>(new SpecificRecordTypeInfo<>(DriftReport.class)));

  private final Drift drift;

  private transient ValueState<AlertHistory> history;

  /** Reports by their time, for those of two windows may come from two subtasks. */
  private transient MapState<Long, List<DriftReport>> waiting;

  private transient FeatureGauges gauges;
  private transient Counter opened;
  private transient Counter updated;
  private transient Counter resolved;

  Alerts(Drift drift) {
    this.drift = drift;
  }

  @Override
  public void open(OpenContext context) {
    history = getRuntimeContext().getState(HISTORY);
    waiting = getRuntimeContext().getMapState(WAITING);
    FlinkMeters meters = new FlinkMeters(getRuntimeContext().getMetricGroup());
    gauges = new FeatureGauges(meters);
    opened = meters.counter(JobMetric.DRIFT_ALERTS_OPENED);
    updated = meters.counter(JobMetric.DRIFT_ALERTS_UPDATED);
    resolved = meters.counter(JobMetric.DRIFT_ALERTS_RESOLVED);
  }

  @Override
  public void processElement(DriftReport report, Context context, Collector<DriftAlert> collector)
      throws Exception {
    List<DriftReport> reports = waiting.get(context.timestamp());
    List<DriftReport> more = reports == null ? new ArrayList<>() : new ArrayList<>(reports);
    more.add(report);
    waiting.put(context.timestamp(), more);
    context.timerService().registerEventTimeTimer(context.timestamp());
  }

  @Override
  public void onTimer(long timestamp, OnTimerContext context, Collector<DriftAlert> collector)
      throws Exception {
    gauges.forget(context.getCurrentKey(), timestamp);
    List<DriftReport> reports = waiting.get(timestamp);
    if (reports == null) {
      return;
    }
    waiting.remove(timestamp);
    reports = new ArrayList<>(reports);
    reports.sort(
        Comparator.comparing(DriftReport::getWindowEnd).thenComparing(DriftReport::getRevision));
    for (DriftReport report : reports) {
      context.timerService().registerEventTimeTimer(gauges.show(context.getCurrentKey(), report));
      if (report.getCurrentCount() >= drift.minimumCount()) {
        update(report, collector);
      }
    }
  }

  private double excess(DriftReport report) {
    return drift.thresholds().excess(report.getPsiAdjusted(), report.getKs(), report.getCramersV());
  }

  private void update(DriftReport report, Collector<DriftAlert> collector) throws Exception {
    AlertHistory before = history.value();
    if (before == null) {
      before = AlertHistory.empty();
    }
    Verdict verdict =
        !report.getDrifted()
            ? Verdict.NORMAL
            : excess(report) >= Decision.CRITICAL ? Verdict.CRITICAL : Verdict.DRIFTED;
    AlertHistory after =
        before.next(
            report.getWindowStart().toEpochMilli(), verdict, drift.persistence(), drift.coolDown());
    history.update(after);
    if (before.open() != after.open()) {
      (after.open() ? opened : resolved).increment();
      collector.collect(
          alert(report, after, after.open() ? AlertState.OPENED : AlertState.RESOLVED));
    } else if (after.open() && before.critical() != after.critical()) {
      updated.increment();
      collector.collect(alert(report, after, AlertState.UPDATED));
    }
  }

  private DriftAlert alert(DriftReport report, AlertHistory after, AlertState state) {
    Instant since = Instant.ofEpochMilli(after.since());
    List<DriftContribution> contributions = Contributions.of(report);
    return DriftAlert.newBuilder()
        .setAlertId(id(report, since))
        .setState(state)
        .setPipeline(report.getPipeline())
        .setModel(report.getModel())
        .setVersion(report.getVersion())
        .setVariant(report.getVariant())
        .setSegment(report.getSegment())
        .setFeature(report.getFeature())
        .setReference(report.getReference())
        .setSeverity(after.critical() ? AlertSeverity.CRITICAL : AlertSeverity.WARNING)
        .setSince(since)
        .setWindowStart(report.getWindowStart())
        .setWindowEnd(report.getWindowEnd())
        .setPsiAdjusted(report.getPsiAdjusted())
        .setKs(report.getKs())
        .setCramersV(report.getCramersV())
        .setQValue(report.getQValue())
        .setMissingBaseline(share(report.getMissingBaseline(), report.getBaselineCount()))
        .setMissingCurrent(share(report.getMissingCurrent(), report.getCurrentCount()))
        .setNewValues(report.getNewValues())
        .setContributions(
            contributions.subList(0, Math.min(MOST_CONTRIBUTIONS, contributions.size())))
        .setMessage(message(report, state, contributions))
        .build();
  }

  private static String id(DriftReport report, Instant since) {
    DriftSegment segment = report.getSegment();
    return String.join(
        "/",
        report.getPipeline(),
        report.getModel(),
        Integer.toString(report.getVersion()),
        report.getVariant(),
        segment == null ? "all" : text(segment),
        report.getFeature(),
        width(report),
        since.toString());
  }

  private static String width(DriftReport report) {
    return PipelineSummary.duration(
        report.getWindowEnd().toEpochMilli() - report.getWindowStart().toEpochMilli());
  }

  private static String text(DriftSegment segment) {
    return segment.getKind() == SegmentKind.VALUE
        ? segment.getField() + "=" + segment.getValue()
        : segment.getField() + " " + segment.getKind().name().toLowerCase(Locale.ROOT);
  }

  private static double share(long part, long of) {
    return of == 0 ? 0 : (double) part / of;
  }

  private String message(
      DriftReport report, AlertState state, List<DriftContribution> contributions) {
    StringBuilder message = new StringBuilder();
    message.append(report.getFeature()).append(" of ").append(report.getModel()).append('@');
    message.append(report.getVersion());
    if (!report.getVariant().equals("champion")) {
      message.append(" (").append(report.getVariant()).append(')');
    }
    if (report.getSegment() != null) {
      message.append(" where ").append(text(report.getSegment()));
    }
    message.append(
        switch (state) {
          case OPENED ->
              " drifted in %d of the last %d windows"
                  .formatted(drift.persistence().k(), drift.persistence().n());
          case UPDATED -> " drifts by far";
          case RESOLVED ->
              " drifted in none of the last %d windows".formatted(drift.persistence().n());
        });
    message.append(
        String.format(
            Locale.ROOT,
            ": adjusted PSI %.4f (threshold %s)",
            report.getPsiAdjusted(),
            drift.thresholds().psi()));
    if (report.getCramersV() == null) {
      message.append(
          String.format(
              Locale.ROOT,
              ", KS %s (threshold %s)",
              report.getKs() == null ? "none" : String.format(Locale.ROOT, "%.4f", report.getKs()),
              drift.thresholds().ks()));
    } else {
      message.append(
          String.format(
              Locale.ROOT,
              ", V %.4f (threshold %s)",
              report.getCramersV(),
              drift.thresholds().cramersV()));
    }
    message.append(
        String.format(
            Locale.ROOT, ", q %.3g (level %s)", report.getQValue(), drift.thresholds().level()));
    if (state != AlertState.RESOLVED && !contributions.isEmpty()) {
      DriftContribution most = contributions.get(0);
      message.append(
          String.format(
              Locale.ROOT,
              "; most of it: %s, %.1f %% of rows, %.1f %% of the reference's",
              most.getBin(),
              100 * most.getCurrent(),
              100 * most.getBaseline()));
    }
    return message.toString();
  }
}
