package io.pelton.drift.job;

import io.pelton.drift.Segment;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineSummary;
import io.pelton.schemas.DriftReport;
import java.util.HashMap;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** The newest window of each feature as gauges, for reporters to alert on. */
final class FeatureGauges {
  /** Windows after which a feature without another is no longer shown. */
  private static final int SHOWN = 3;

  private final FlinkMeters meters;
  private final Map<AlertKey, DriftReport> newest = new HashMap<>();

  FeatureGauges(FlinkMeters meters) {
    this.meters = meters;
  }

  /**
   * Shows a report, unless a newer window is shown.
   *
   * @return when to ask whether to {@link #forget} it
   */
  long show(AlertKey key, DriftReport report) {
    DriftReport shown = newest.get(key);
    if (shown == null || !report.getWindowEnd().isBefore(shown.getWindowEnd())) {
      newest.put(key, report);
    }
    if (shown == null) {
      add(key, JobMetric.DRIFT_FEATURE_ROWS, DriftReport::getCurrentCount);
      add(key, JobMetric.DRIFT_FEATURE_DRIFTED, one -> one.getDrifted() ? 1 : 0);
      add(key, JobMetric.DRIFT_FEATURE_PSI, DriftReport::getPsi);
      add(key, JobMetric.DRIFT_FEATURE_PSI_ADJUSTED, DriftReport::getPsiAdjusted);
      add(key, JobMetric.DRIFT_FEATURE_KS, one -> orNan(one.getKs()));
      add(key, JobMetric.DRIFT_FEATURE_CRAMERS_V, one -> orNan(one.getCramersV()));
      add(key, JobMetric.DRIFT_FEATURE_JENSEN_SHANNON, DriftReport::getJensenShannon);
      add(key, JobMetric.DRIFT_FEATURE_WASSERSTEIN, one -> orNan(one.getWasserstein()));
      add(key, JobMetric.DRIFT_FEATURE_P_VALUE, DriftReport::getPValue);
      add(key, JobMetric.DRIFT_FEATURE_Q_VALUE, one -> orNan(one.getQValue()));
      add(key, JobMetric.DRIFT_FEATURE_DESIGN_EFFECT, DriftReport::getDesignEffect);
      add(
          key,
          JobMetric.DRIFT_FEATURE_MISSING_SHARE,
          one -> (double) one.getMissingCurrent() / one.getCurrentCount());
      add(
          key,
          JobMetric.DRIFT_FEATURE_OUT_OF_RANGE_SHARE,
          one -> (double) one.getOutOfRange() / one.getCurrentCount());
      add(
          key,
          JobMetric.DRIFT_FEATURE_UNSEEN_SHARE,
          one -> (double) one.getUnseen() / one.getCurrentCount());
    }
    return forgotten(key, report);
  }

  private static long forgotten(AlertKey key, DriftReport report) {
    return report.getWindowEnd().toEpochMilli() + SHOWN * key.width();
  }

  /** Takes away the gauges of a feature that has had no window since. */
  void forget(AlertKey key, long time) {
    DriftReport shown = newest.get(key);
    if (shown != null && forgotten(key, shown) == time) {
      newest.remove(key);
      meters.removeGroup(JobMetric.DRIFT_FEATURE_ROWS, tags(key));
    }
  }

  private void add(AlertKey key, JobMetric metric, ToDoubleFunction<DriftReport> value) {
    meters.gauge(
        metric,
        () -> {
          DriftReport report = newest.get(key);
          return report == null ? Double.NaN : value.applyAsDouble(report);
        },
        tags(key));
  }

  private static String[] tags(AlertKey key) {
    return new String[] {
      Integer.toString(key.version()),
      key.variant(),
      key.segment().equals(Segment.ALL) ? "all" : key.segment(),
      key.feature(),
      PipelineSummary.duration(key.width())
    };
  }

  private static double orNan(@Nullable Double value) {
    return value == null ? Double.NaN : value;
  }
}
