package io.pelton.job;

import io.micrometer.core.instrument.AbstractDistributionSummary;
import io.micrometer.core.instrument.AbstractMeter;
import io.micrometer.core.instrument.AbstractTimer;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Measurement;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.cumulative.CumulativeFunctionCounter;
import io.micrometer.core.instrument.distribution.DistributionStatisticConfig;
import io.micrometer.core.instrument.distribution.pause.NoPauseDetector;
import io.micrometer.core.instrument.distribution.pause.PauseDetector;
import io.micrometer.core.instrument.internal.DefaultGauge;
import io.pelton.job.JobMetric.Kind;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;
import org.apache.flink.runtime.metrics.groups.AbstractMetricGroup;
import org.jspecify.annotations.Nullable;

/**
 * Micrometer's meters as metrics of one Flink operator, and so of whatever reporter Flink has. Keep
 * a meter in a field: to record with it costs what Flink's own metric costs. Meters are recorded
 * with by one thread, and read by any.
 */
public final class FlinkMeters extends MeterRegistry {
  /** How many values the quantiles of a distribution are of. */
  private static final int WINDOW = 1_000;

  private final MetricGroup operator;

  public FlinkMeters(MetricGroup operator) {
    super(Clock.SYSTEM);
    this.operator = operator;
  }

  /**
   * @param tagValues in the order of the metric's tags
   */
  public Counter counter(JobMetric metric, String... tagValues) {
    return Counter.builder(require(metric, Kind.COUNTER))
        .tags(tags(metric, tagValues))
        .baseUnit(metric.unit())
        .description(metric.description())
        .register(this);
  }

  /** A gauge that is read when a reporter asks. */
  public Gauge gauge(JobMetric metric, Supplier<Number> value, String... tagValues) {
    return Gauge.builder(require(metric, Kind.GAUGE), value)
        .tags(tags(metric, tagValues))
        .baseUnit(metric.unit())
        .description(metric.description())
        .register(this);
  }

  public DistributionSummary summary(JobMetric metric, String... tagValues) {
    return DistributionSummary.builder(require(metric, Kind.SUMMARY))
        .tags(tags(metric, tagValues))
        .baseUnit(metric.unit())
        .description(metric.description())
        .register(this);
  }

  /** A timer that reports microseconds. */
  public Timer timer(JobMetric metric, String... tagValues) {
    return Timer.builder(require(metric, Kind.TIMER))
        .tags(tags(metric, tagValues))
        .description(metric.description())
        .register(this);
  }

  /**
   * Takes away a metric with all others of its group: of a version for example, when there will be
   * no more of it. Its meters do nothing from then on; asked for again, they begin anew.
   *
   * @param tagValues in the order of the metric's tags
   */
  public void removeGroup(JobMetric metric, String... tagValues) {
    Meter.Id one = new Meter.Id(metric.id(), tags(metric, tagValues), null, null, Meter.Type.OTHER);
    String prefix = metric.id().substring(0, metric.id().lastIndexOf('.') + 1);
    for (Meter meter : getMeters()) {
      Meter.Id id = meter.getId();
      if (id.getName().startsWith(prefix) && id.getTags().containsAll(one.getTags())) {
        remove(id);
      }
    }
    // Flink's interface has no way to take a metric away; its groups do.
    if (group(one) instanceof AbstractMetricGroup<?> group) {
      group.close();
    }
  }

  /** A counter of what is counted elsewhere. */
  void account(JobMetric metric, LongSupplier count) {
    FunctionCounter.builder(
            require(metric, Kind.ACCOUNT), count, counted -> (double) counted.getAsLong())
        .baseUnit(metric.unit())
        .description(metric.description())
        .register(this);
  }

  private static String require(JobMetric metric, Kind kind) {
    if (metric.kind() != kind) {
      throw new IllegalArgumentException(
          "metric %s is of kind %s, not %s".formatted(metric.id(), metric.kind(), kind));
    }
    return metric.id();
  }

  private static Tags tags(JobMetric metric, String... values) {
    List<String> keys = metric.tags();
    if (values.length != keys.size()) {
      throw new IllegalArgumentException(
          "metric %s has the tags %s; %d values were given"
              .formatted(metric.id(), keys, values.length));
    }
    Tags tags = Tags.empty();
    for (int i = 0; i < values.length; i++) {
      tags = tags.and(keys.get(i), values[i]);
    }
    return tags;
  }

  @Override
  protected Counter newCounter(Meter.Id id) {
    return new FlinkCounter(id, group(id).counter(leaf(id)));
  }

  @Override
  protected <T> Gauge newGauge(Meter.Id id, @Nullable T source, ToDoubleFunction<T> value) {
    Gauge gauge = new DefaultGauge<>(id, source, value);
    group(id).gauge(leaf(id), gauge::value);
    return gauge;
  }

  @Override
  protected Timer newTimer(
      Meter.Id id, DistributionStatisticConfig config, PauseDetector pauseDetector) {
    return new FlinkTimer(id, clock, histogram(id));
  }

  @Override
  protected DistributionSummary newDistributionSummary(
      Meter.Id id, DistributionStatisticConfig config, double scale) {
    return new FlinkSummary(id, clock, histogram(id));
  }

  @Override
  protected <T> FunctionCounter newFunctionCounter(
      Meter.Id id, T source, ToDoubleFunction<T> count) {
    // Micrometer would hold the source weakly.
    group(id).counter(leaf(id), new Counted(() -> (long) count.applyAsDouble(source)));
    return new CumulativeFunctionCounter<>(id, source, count);
  }

  @Override
  protected <T> FunctionTimer newFunctionTimer(
      Meter.Id id,
      T source,
      ToLongFunction<T> count,
      ToDoubleFunction<T> totalTime,
      TimeUnit unit) {
    throw new UnsupportedOperationException("Flink has no metric for a function timer: " + id);
  }

  @Override
  protected Meter newMeter(Meter.Id id, Meter.Type type, Iterable<Measurement> measurements) {
    throw new UnsupportedOperationException("Flink has no metric for a meter of any kind: " + id);
  }

  @Override
  protected TimeUnit getBaseTimeUnit() {
    return TimeUnit.MICROSECONDS;
  }

  @Override
  protected DistributionStatisticConfig defaultHistogramConfig() {
    return DistributionStatisticConfig.NONE.merge(DistributionStatisticConfig.DEFAULT);
  }

  private Histogram histogram(Meter.Id id) {
    return group(id).histogram(leaf(id), new DescriptiveStatisticsHistogram(WINDOW));
  }

  private MetricGroup group(Meter.Id id) {
    JobMetric metric = JobMetric.of(id.getName());
    if (metric == null) {
      throw new IllegalArgumentException(
          "metric %s is not known; name it in JobMetric and in docs/metrics.md"
              .formatted(id.getName()));
    }
    List<String> keys = id.getTags().stream().map(Tag::getKey).sorted().toList();
    if (!keys.equals(metric.tags().stream().sorted().toList())) {
      throw new IllegalArgumentException(
          "metric %s has the tags %s, not %s".formatted(id.getName(), metric.tags(), keys));
    }
    MetricGroup group = operator;
    String[] segments = id.getName().split("\\.");
    for (int i = 0; i < segments.length - 1; i++) {
      String value = id.getTag(segments[i]);
      group = value == null ? group.addGroup(segments[i]) : group.addGroup(segments[i], value);
    }
    return group;
  }

  private static String leaf(Meter.Id id) {
    return id.getName().substring(id.getName().lastIndexOf('.') + 1);
  }

  private static final class FlinkCounter extends AbstractMeter implements Counter {
    private final org.apache.flink.metrics.Counter counter;

    FlinkCounter(Meter.Id id, org.apache.flink.metrics.Counter counter) {
      super(id);
      this.counter = counter;
    }

    @Override
    public void increment(double amount) {
      counter.inc((long) amount);
    }

    @Override
    public double count() {
      return counter.getCount();
    }
  }

  private static final class FlinkTimer extends AbstractTimer {
    private final Histogram histogram;
    private long totalNanos;

    FlinkTimer(Meter.Id id, Clock clock, Histogram histogram) {
      super(
          id,
          clock,
          DistributionStatisticConfig.NONE,
          new NoPauseDetector(),
          TimeUnit.MICROSECONDS,
          false);
      this.histogram = histogram;
    }

    @Override
    protected void recordNonNegative(long amount, TimeUnit unit) {
      histogram.update(unit.toMicros(amount));
      totalNanos += unit.toNanos(amount);
    }

    @Override
    public long count() {
      return histogram.getCount();
    }

    @Override
    public double totalTime(TimeUnit unit) {
      return unit.convert(totalNanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public double max(TimeUnit unit) {
      return unit.convert(histogram.getStatistics().getMax(), TimeUnit.MICROSECONDS);
    }
  }

  private static final class FlinkSummary extends AbstractDistributionSummary {
    private final Histogram histogram;
    private double total;

    FlinkSummary(Meter.Id id, Clock clock, Histogram histogram) {
      super(id, clock, DistributionStatisticConfig.NONE, 1, false);
      this.histogram = histogram;
    }

    @Override
    protected void recordNonNegative(double amount) {
      histogram.update((long) amount);
      total += amount;
    }

    @Override
    public long count() {
      return histogram.getCount();
    }

    @Override
    public double totalAmount() {
      return total;
    }

    @Override
    public double max() {
      return histogram.getStatistics().getMax();
    }
  }

  /** A counter for reporters only. */
  private record Counted(LongSupplier count) implements org.apache.flink.metrics.Counter {
    @Override
    public long getCount() {
      return count.getAsLong();
    }

    @Override
    public void inc() {
      throw onlyRead();
    }

    @Override
    public void inc(long n) {
      throw onlyRead();
    }

    @Override
    public void dec() {
      throw onlyRead();
    }

    @Override
    public void dec(long n) {
      throw onlyRead();
    }

    private static UnsupportedOperationException onlyRead() {
      return new UnsupportedOperationException("it counts what a ledger counts");
    }
  }
}
