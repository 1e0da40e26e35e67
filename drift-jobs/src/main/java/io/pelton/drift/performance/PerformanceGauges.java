package io.pelton.drift.performance;

import io.pelton.drift.Segment;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.schemas.PerformanceReport;
import io.pelton.schemas.PerformanceValue;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Shows of each variant, segment and metric what the newest window that has it says, until that is
 * complete and there is no newer one.
 */
final class PerformanceGauges {
  private record Name(VariantKey key, String metric) {}

  /** Read by reporters' threads; NaN until a window has it. */
  private static final class Shown {
    volatile double value = Double.NaN;
    volatile double low = Double.NaN;
    volatile double high = Double.NaN;
    volatile double estimated = Double.NaN;
    long valued = Long.MIN_VALUE;
    long newest = Long.MIN_VALUE;
  }

  private final FlinkMeters meters;
  private final Map<Name, Shown> shown = new HashMap<>();

  PerformanceGauges(FlinkMeters meters) {
    this.meters = meters;
  }

  void show(VariantKey key, PerformanceReport report) {
    long window = report.getWindowStart().toEpochMilli();
    for (PerformanceValue metric : report.getMetrics()) {
      Name name = new Name(key, metric.getName());
      Shown now = shown.get(name);
      if (now == null) {
        now = register(name);
        shown.put(name, now);
      }
      if (window >= now.newest) {
        now.newest = window;
        now.estimated = orNan(metric.getEstimated());
      }
      if (metric.getValue() != null && window >= now.valued) {
        now.valued = window;
        now.value = metric.getValue();
        now.low = orNan(metric.getLow());
        now.high = orNan(metric.getHigh());
      }
      if (report.getComplete() && window == now.newest) {
        shown.remove(name);
        meters.removeGroup(JobMetric.PERFORMANCE_VALUE, tags(name));
      }
    }
  }

  private Shown register(Name name) {
    Shown now = new Shown();
    meters.gauge(JobMetric.PERFORMANCE_VALUE, () -> now.value, tags(name));
    meters.gauge(JobMetric.PERFORMANCE_LOW, () -> now.low, tags(name));
    meters.gauge(JobMetric.PERFORMANCE_HIGH, () -> now.high, tags(name));
    meters.gauge(JobMetric.PERFORMANCE_ESTIMATED, () -> now.estimated, tags(name));
    return now;
  }

  private static String[] tags(Name name) {
    String segment = name.key().segment();
    return new String[] {
      Integer.toString(name.key().version()),
      name.key().variant(),
      segment.equals(Segment.ALL) ? "all" : segment,
      name.metric()
    };
  }

  private static double orNan(@Nullable Double value) {
    return value == null ? Double.NaN : value;
  }
}
