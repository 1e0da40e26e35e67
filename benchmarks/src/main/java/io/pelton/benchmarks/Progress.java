package io.pelton.benchmarks;

import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.apache.flink.metrics.reporter.MetricReporterFactory;

/**
 * How many records each operator has taken, read from Flink's own counters in this process: the job
 * under measurement is not changed for it.
 */
public final class Progress implements MetricReporter, MetricReporterFactory {
  private static final String TAKEN = "numRecordsIn";
  private static final String OPERATOR = "<operator_name>";
  private static final String SUBTASK = "<subtask_index>";
  private static final Map<String, Counter> COUNTERS = new ConcurrentHashMap<>();

  /** Records that all subtasks of an operator have taken. */
  static long taken(String operator) {
    long sum = 0;
    for (Map.Entry<String, Counter> counter : COUNTERS.entrySet()) {
      if (counter.getKey().startsWith(operator + "#")) {
        sum += counter.getValue().getCount();
      }
    }
    return sum;
  }

  /** All operators and what they have taken. */
  static String describe() {
    StringBuilder text = new StringBuilder();
    COUNTERS.forEach((name, count) -> text.append(name + ": " + count.getCount() + "\n"));
    return text.toString();
  }

  @Override
  public MetricReporter createMetricReporter(Properties properties) {
    return this;
  }

  @Override
  public void open(MetricConfig config) {}

  @Override
  public void close() {}

  @Override
  public void notifyOfAddedMetric(Metric metric, String name, MetricGroup group) {
    String operator = group.getAllVariables().get(OPERATOR);
    if (operator != null && name.equals(TAKEN) && metric instanceof Counter counter) {
      COUNTERS.put(operator + "#" + group.getAllVariables().get(SUBTASK), counter);
    }
  }

  @Override
  public void notifyOfRemovedMetric(Metric metric, String name, MetricGroup group) {}
}
