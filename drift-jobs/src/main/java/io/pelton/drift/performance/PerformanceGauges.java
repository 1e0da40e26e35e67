package io.pelton.drift.performance;

import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.schemas.PerformanceReport;
import io.pelton.schemas.PerformanceValue;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Shows of each variant and metric what the newest window that has it says. */
final class PerformanceGauges {
  private record Name(JobMetric gauge, int version, String variant, String metric) {}

  /** Read by reporters' threads. */
  private static final class Shown {
    volatile double value;
    long window = Long.MIN_VALUE;
  }

  private final FlinkMeters meters;
  private final Map<Name, Shown> shown = new HashMap<>();

  PerformanceGauges(FlinkMeters meters) {
    this.meters = meters;
  }

  void show(PerformanceReport report) {
    for (PerformanceValue metric : report.getMetrics()) {
      show(report, metric, JobMetric.PERFORMANCE_VALUE, metric.getValue());
      show(report, metric, JobMetric.PERFORMANCE_LOW, metric.getLow());
      show(report, metric, JobMetric.PERFORMANCE_HIGH, metric.getHigh());
      show(report, metric, JobMetric.PERFORMANCE_ESTIMATED, metric.getEstimated());
    }
  }

  private void show(
      PerformanceReport report, PerformanceValue metric, JobMetric gauge, @Nullable Double value) {
    if (value == null) {
      return;
    }
    Name name = new Name(gauge, report.getVersion(), report.getVariant(), metric.getName());
    Shown now = shown.computeIfAbsent(name, this::register);
    long window = report.getWindowStart().toEpochMilli();
    if (window >= now.window) {
      now.window = window;
      now.value = value;
    }
  }

  private Shown register(Name name) {
    Shown now = new Shown();
    meters.gauge(
        name.gauge(),
        () -> now.value,
        Integer.toString(name.version()),
        name.variant(),
        name.metric());
    return now;
  }
}
