package io.pelton.drift.job;

import static io.pelton.drift.job.Predictions.HOUR;
import static io.pelton.drift.job.Reports.report;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Gauge;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.schemas.DriftReport;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

final class FeatureGaugesTest {
  private final FlinkMeters meters = new FlinkMeters(new UnregisteredMetricsGroup());
  private final FeatureGauges gauges = new FeatureGauges(meters);

  private long show(int window, double psi) {
    DriftReport report = report(window, "a", 200, psi, null, 0.5);
    report.setQValue(0.7);
    report.setMissingCurrent(50);
    return gauges.show(AlertKey.of(report), report);
  }

  private double value(JobMetric metric) {
    Gauge gauge = meters.get(metric.id()).tag("feature", "a").tag("segment", "all").gauge();
    return gauge.value();
  }

  @Test
  void showTheNewestWindowOfAFeature() {
    show(3, 0.4);
    show(5, 0.1);
    show(4, 0.3);
    assertThat(value(JobMetric.DRIFT_FEATURE_PSI)).isEqualTo(0.1);
    assertThat(value(JobMetric.DRIFT_FEATURE_Q_VALUE)).isEqualTo(0.7);
    assertThat(value(JobMetric.DRIFT_FEATURE_MISSING_SHARE)).isEqualTo(0.25);
    assertThat(value(JobMetric.DRIFT_FEATURE_KS)).isNaN();
  }

  @Test
  void areTakenAwayWhenNoWindowCameForThreeWidths() {
    AlertKey key = AlertKey.of(report(0, "a", 200, 0, null, 1));
    long first = show(0, 0.4);
    assertThat(first).isEqualTo(4 * HOUR);
    long second = show(1, 0.4);
    gauges.forget(key, first);
    assertThat(meters.getMeters()).hasSize(14);
    gauges.forget(key, second);
    assertThat(meters.getMeters()).isEmpty();
    show(9, 0.2);
    assertThat(value(JobMetric.DRIFT_FEATURE_PSI)).isEqualTo(0.2);
  }
}
