package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Timer;
import io.pelton.job.JobMetric.Kind;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.groups.AbstractMetricGroup;
import org.apache.flink.runtime.metrics.groups.GenericMetricGroup;
import org.apache.flink.runtime.metrics.groups.UnregisteredMetricGroups;
import org.apache.flink.runtime.metrics.util.TestingMetricRegistry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class FlinkMetersTest {
  /** What a reporter is told: the name with the scope's, and the tags. */
  private final Map<String, Metric> reported = new TreeMap<>();

  private final Map<String, Map<String, String>> variables = new TreeMap<>();
  private final FlinkMeters meters = new FlinkMeters(operator());

  private MetricGroup operator() {
    return new GenericMetricGroup(
        TestingMetricRegistry.builder()
            .setRegisterConsumer(this::register)
            .setUnregisterConsumer((metric, name, group) -> reported.values().remove(metric))
            .build(),
        UnregisteredMetricGroups.createUnregisteredOperatorMetricGroup(),
        "operator");
  }

  private void register(Metric metric, String name, MetricGroup group) {
    String scope = ((AbstractMetricGroup<?>) group).getLogicalScope(text -> text, '.');
    String path = (scope + "." + name).replaceFirst(".*operator\\.", "");
    reported.put(path, metric);
    Map<String, String> tags = new TreeMap<>(group.getAllVariables());
    tags.keySet().removeIf(key -> !JobMetric.INFERENCE_DEVICE.tags().contains(strip(key)));
    variables.put(path, tags);
  }

  private static String strip(String variable) {
    return variable.substring(1, variable.length() - 1);
  }

  @Test
  void counterArrivesUnderItsNameWithItsTags() {
    Counter rows = meters.counter(JobMetric.INFERENCE_ROWS, "3");
    rows.increment();
    rows.increment(4);

    assertThat(reported).containsOnlyKeys("inference.version.rows");
    assertThat(variables.get("inference.version.rows")).isEqualTo(Map.of("<version>", "3"));
    assertThat(
            ((org.apache.flink.metrics.Counter) reported.get("inference.version.rows")).getCount())
        .isEqualTo(5);
    assertThat(rows.count()).isEqualTo(5);
  }

  @Test
  void aGroupIsTakenAwayAndBeginsAnew() {
    Counter rows = meters.counter(JobMetric.INFERENCE_ROWS, "3");
    rows.increment();
    meters.timer(JobMetric.INFERENCE_QUEUE, "3");
    meters.counter(JobMetric.INFERENCE_FLUSHES, "3", "size");
    meters.counter(JobMetric.SHADOW_ROWS, "next", "3");
    meters.removeGroup(JobMetric.INFERENCE_ROWS, "3");

    assertThat(reported).containsOnlyKeys("inference.shadow.version.rows");
    assertThat(meters.getMeters()).hasSize(1);

    assertThat(meters.counter(JobMetric.INFERENCE_ROWS, "3").count()).isZero();
    assertThat(reported)
        .containsOnlyKeys("inference.shadow.version.rows", "inference.version.rows");
  }

  @Test
  void ofOtherTagsNothingIsTakenAway() {
    meters.counter(JobMetric.INFERENCE_ROWS, "3").increment();
    meters.counter(JobMetric.INFERENCE_ROWS, "4").increment();
    meters.removeGroup(JobMetric.INFERENCE_ROWS, "4");

    assertThat(meters.counter(JobMetric.INFERENCE_ROWS, "3").count()).isEqualTo(1);
    assertThat(meters.getMeters()).hasSize(1);
  }

  @Test
  void gaugeIsReadWhenAReporterAsks() {
    AtomicLong value = new AtomicLong(1);
    meters.gauge(JobMetric.INFERENCE_DEVICE, value::get, "3", "prefer-gpu", "cpu");
    value.set(7);

    Gauge<?> gauge = (Gauge<?>) reported.get("inference.version.requested.actual.device");
    assertThat(gauge.getValue()).isEqualTo(7.0);
    assertThat(variables.get("inference.version.requested.actual.device"))
        .isEqualTo(Map.of("<version>", "3", "<requested>", "prefer-gpu", "<actual>", "cpu"));
  }

  /** A reporter reads on for as long as the operator runs. */
  @Test
  void gaugeHoldsWhatItReads() {
    meters.gauge(JobMetric.FEATURE_WAITING, new AtomicLong(7)::get);
    System.gc();

    assertThat(((Gauge<?>) reported.get("feature.waiting")).getValue()).isEqualTo(7.0);
  }

  @Test
  void timerArrivesInMicroseconds() {
    Timer queue = meters.timer(JobMetric.INFERENCE_QUEUE, "3");
    queue.record(2, TimeUnit.MILLISECONDS);
    queue.record(4_000_999, TimeUnit.NANOSECONDS);

    Histogram histogram = (Histogram) reported.get("inference.version.queue_micros");
    assertThat(histogram.getCount()).isEqualTo(2);
    assertThat(histogram.getStatistics().getMin()).isEqualTo(2_000);
    assertThat(histogram.getStatistics().getMax()).isEqualTo(4_000);
    assertThat(queue.count()).isEqualTo(2);
    assertThat(queue.totalTime(TimeUnit.MILLISECONDS)).isEqualTo(6);
    assertThat(queue.max(TimeUnit.MICROSECONDS)).isEqualTo(4_000);
  }

  @Test
  void summaryArrivesAsAHistogram() {
    DistributionSummary size = meters.summary(JobMetric.INFERENCE_BATCH_SIZE, "3");
    size.record(10);
    size.record(20);

    Histogram histogram = (Histogram) reported.get("inference.version.batch_size");
    assertThat(histogram.getCount()).isEqualTo(2);
    assertThat(histogram.getStatistics().getMean()).isEqualTo(15);
    assertThat(size.totalAmount()).isEqualTo(30);
    assertThat(size.max()).isEqualTo(20);
  }

  @Test
  void accountIsACounterThatFollowsTheLedger() {
    AtomicLong counted = new AtomicLong(3);
    meters.account(JobMetric.FEATURE_IN, counted::get);
    counted.set(9);

    assertThat(((org.apache.flink.metrics.Counter) reported.get("feature.in")).getCount())
        .isEqualTo(9);
  }

  @Test
  void sameMeterAgainIsTheSameMetric() {
    Counter broken = meters.counter(JobMetric.FEATURE_RULE_BROKEN, "a");

    assertThat(meters.counter(JobMetric.FEATURE_RULE_BROKEN, "a")).isSameAs(broken);
    assertThat(meters.counter(JobMetric.FEATURE_RULE_BROKEN, "b")).isNotSameAs(broken);
  }

  @Test
  void refusesAMeterThatNobodyNamed() {
    assertThatThrownBy(() -> Counter.builder("inference.surprises").register(meters))
        .hasMessage(
            "metric inference.surprises is not known; name it in JobMetric and in docs/metrics.md");
    assertThatThrownBy(
            () -> Counter.builder("inference.version.rows").tag("model", "a").register(meters))
        .hasMessage("metric inference.version.rows has the tags [version], not [model]");
    assertThatThrownBy(() -> meters.counter(JobMetric.INFERENCE_ROWS))
        .hasMessage("metric inference.version.rows has the tags [version]; 0 values were given");
    assertThatThrownBy(() -> meters.timer(JobMetric.INFERENCE_ROWS, "3"))
        .hasMessage("metric inference.version.rows is of kind COUNTER, not TIMER");
    assertThat(reported).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void everyTagIsASegmentOfTheName(JobMetric metric) {
    assertThat(metric.id()).matches("[a-z]+(\\.[a-z_]+)+");
    assertThat(metric.id().substring(0, metric.id().lastIndexOf('.')).split("\\."))
        .containsAll(metric.tags());
    if (metric.kind() == Kind.ACCOUNT) {
      assertThat(metric.tags()).as("an accumulator has no tags").isEmpty();
    }
  }
}
