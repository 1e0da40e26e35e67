package io.pelton.feature.job;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/**
 * Two counters a rule: how often it was broken, and how often a default took a value's place. They
 * are there from the start, so that an alert can tell a rule that holds from one that is not there.
 */
final class RuleCounters {
  private final Map<String, Counter> broken = new HashMap<>();
  private final Map<String, Counter> defaulted = new HashMap<>();
  private final MetricGroup metrics;

  RuleCounters(Collection<String> rules, MetricGroup metrics) {
    this.metrics = metrics;
    rules.forEach(this::register);
  }

  private void register(String rule) {
    MetricGroup group = metrics.addGroup(FeatureMetrics.RULE, rule);
    broken.put(rule, group.counter(FeatureMetrics.RULE_BROKEN));
    defaulted.put(rule, group.counter(FeatureMetrics.RULE_DEFAULTED));
  }

  void broken(String rule) {
    counter(broken, rule).inc();
  }

  void defaulted(String rule) {
    counter(defaulted, rule).inc();
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
