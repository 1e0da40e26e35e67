package io.pelton.training;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * How well a model does on rows that it was not trained on.
 *
 * @param rows number of rows
 * @param positives number of rows with label 1
 * @param metrics by name, as a model manifest holds them; a metric that is not defined on these
 *     rows is left out
 */
public record Evaluation(int rows, int positives, Map<String, Double> metrics) {
  /** Name of card precision at 100 among the metrics. */
  public static final String CARD_PRECISION_100 = "card_precision_100";

  private static final int CARDS_A_DAY = 100;

  public Evaluation {
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
  }

  /**
   * Measures scores against a set's labels.
   *
   * @param scores one for each row of the set
   */
  public static Evaluation of(TrainingSet set, double[] scores) {
    if (set.size() == 0) {
      throw new IllegalArgumentException("held-out set: has no rows; take a longer period");
    }
    var metrics = new LinkedHashMap<String, Double>();
    for (Metric metric : Metric.values()) {
      put(metrics, metric.label(), metric.of(scores, set.labels()));
    }
    if (!set.entities().isEmpty()) {
      put(metrics, CARD_PRECISION_100, CardPrecision.at(CARDS_A_DAY, set, scores));
    }
    return new Evaluation(set.size(), set.positives(), metrics);
  }

  private static void put(Map<String, Double> metrics, String name, double value) {
    if (!Double.isNaN(value)) {
      metrics.put(name, value);
    }
  }

  /**
   * One metric.
   *
   * @throws IllegalArgumentException if the metric is not defined on these rows
   */
  public double get(Metric metric) {
    Double value = metrics.get(metric.label());
    if (value == null) {
      throw new IllegalArgumentException(
          "%s: not defined on %d rows with %d positives; there are %s"
              .formatted(metric.label(), rows, positives, metrics.keySet()));
    }
    return value;
  }

  /** A table for a terminal, one metric a line. */
  public String report() {
    var table = new StringBuilder();
    table.append("%-20s %10d%n".formatted("rows", rows));
    table.append("%-20s %10d%n".formatted("positives", positives));
    metrics.forEach(
        (name, value) -> table.append(String.format(Locale.ROOT, "%-20s %10.4f%n", name, value)));
    return table.toString();
  }
}
