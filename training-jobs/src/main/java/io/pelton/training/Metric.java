package io.pelton.training;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.IntStream;

/** A measure of how well scores in [0, 1] tell events with label 1 from those with label 0. */
public enum Metric {
  /** Chance that a positive outranks a negative, a tie counting one half; NaN without both. */
  AUC_ROC(Metric::aucRoc),

  /** Step-wise sum Σ (Rᵢ − Rᵢ₋₁) Pᵢ over distinct scores, descending; NaN without positives. */
  AVERAGE_PRECISION(Metric::averagePrecision),

  /** Mean squared difference of score and label. */
  BRIER(Metric::brier),

  /**
   * Mean of −ln of the probability given to what happened, scores clipped to [ε, 1 − ε] of a
   * double.
   */
  LOG_LOSS(Metric::logLoss);

  @FunctionalInterface
  private interface Formula {
    double of(double[] scores, double[] labels);
  }

  @SuppressWarnings("ImmutableEnumChecker") // Formulas are methods: they have no state.
  private final Formula formula;

  Metric(Formula formula) {
    this.formula = formula;
  }

  /**
   * Measures scores.
   *
   * @param labels 0 or 1, one for each score
   * @return the metric, NaN where it is not defined
   */
  public double of(double[] scores, double[] labels) {
    if (scores.length != labels.length) {
      throw new IllegalArgumentException(
          "%s: %d scores for %d labels".formatted(label(), scores.length, labels.length));
    }
    return formula.of(scores, labels);
  }

  /** Name in a manifest, e.g. {@code auc_roc}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  private static double aucRoc(double[] scores, double[] labels) {
    int[] order = descending(scores);
    double positives = 0;
    double negatives = 0;
    double outranked = 0;
    for (int start = 0; start < order.length; ) {
      int end = endOfTies(scores, order, start);
      double tiedPositives = positives(labels, order, start, end);
      double tiedNegatives = end - start - tiedPositives;
      outranked += tiedNegatives * (positives + tiedPositives / 2);
      positives += tiedPositives;
      negatives += tiedNegatives;
      start = end;
    }
    return outranked / (positives * negatives);
  }

  private static double averagePrecision(double[] scores, double[] labels) {
    int[] order = descending(scores);
    double found = 0;
    double sum = 0;
    for (int start = 0; start < order.length; ) {
      int end = endOfTies(scores, order, start);
      double tiedPositives = positives(labels, order, start, end);
      found += tiedPositives;
      sum += tiedPositives * (found / end);
      start = end;
    }
    return sum / found;
  }

  private static double brier(double[] scores, double[] labels) {
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      double difference = scores[i] - labels[i];
      sum += difference * difference;
    }
    return sum / scores.length;
  }

  private static double logLoss(double[] scores, double[] labels) {
    double epsilon = Math.ulp(1.0);
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      double given = labels[i] == 1 ? scores[i] : 1 - scores[i];
      sum -= Math.log(Math.min(Math.max(given, epsilon), 1 - epsilon));
    }
    return sum / scores.length;
  }

  private static int[] descending(double[] scores) {
    for (double score : scores) {
      if (Double.isNaN(score)) {
        throw new IllegalArgumentException("a score is NaN; metrics need a number for each row");
      }
    }
    Integer[] order = IntStream.range(0, scores.length).boxed().toArray(Integer[]::new);
    Arrays.sort(order, Comparator.comparingDouble(row -> -scores[row]));
    return Arrays.stream(order).mapToInt(Integer::intValue).toArray();
  }

  private static int endOfTies(double[] scores, int[] order, int start) {
    int end = start + 1;
    while (end < order.length && scores[order[end]] == scores[order[start]]) {
      end++;
    }
    return end;
  }

  private static double positives(double[] labels, int[] order, int start, int end) {
    double positives = 0;
    for (int i = start; i < end; i++) {
      positives += labels[order[i]];
    }
    return positives;
  }
}
