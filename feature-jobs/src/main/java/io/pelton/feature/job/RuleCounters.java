package io.pelton.feature.job;

import io.micrometer.core.instrument.Counter;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.metrics.MetricGroup;

/**
 * Two counters a rule: how often it was broken, and how often a default took a value's place. They
 * are there from the start, so that an alert can tell a rule that holds from one that is not there.
 */
final class RuleCounters {
  private final Map<String, Counter> broken = new HashMap<>();
  private final Map<String, Counter> defaulted = new HashMap<>();
  private final FlinkMeters meters;

  RuleCounters(Collection<String> rules, MetricGroup metrics) {
    meters = new FlinkMeters(metrics);
    rules.forEach(this::register);
  }

  private void register(String rule) {
    broken.put(rule, meters.counter(JobMetric.FEATURE_RULE_BROKEN, rule));
    defaulted.put(rule, meters.counter(JobMetric.FEATURE_RULE_DEFAULTED, rule));
  }

  void broken(String rule) {
    counter(broken, rule).increment();
  }

  void defaulted(String rule) {
    counter(defaulted, rule).increment();
  }

  /** A rule that the event schema makes alone is counted from the first event that breaks it on. */
  private Counter counter(Map<String, Counter> counters, String rule) {
    Counter counter = counters.get(rule);
    if (counter == null) {
      register(rule);
      counter = counters.get(rule);
    }
    if (counter == null) {
      throw new IllegalStateException("no counter for rule " + rule);
    }
    return counter;
  }
}
