package io.pelton.performance;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * How well predictions did, and how well they are expected to do where outcomes are not known yet.
 *
 * <p>The estimate (CBPE, confidence-based performance estimation) takes each calibrated score for
 * the chance of outcome 1 and gives the metrics of what is then expected. It sees what a change in
 * the features does to them, as far as the scores stay calibrated; a change in what follows from
 * the features it cannot see.
 *
 * @param metrics by outcomes 0 and 1 those of {@link PerformanceMetric}; else {@code mae}, {@code
 *     rmse} and {@code bias}
 * @param calibrated whether estimates are from scores that were calibrated on the evaluation set;
 *     else from the scores as they are
 * @param bins calibration curve, empty without outcomes 0 and 1
 */
public record Performance(List<Measured> metrics, boolean calibrated, List<CalibrationBin> bins) {
  private static final String MAE = "mae";
  private static final String RMSE = "rmse";
  private static final String BIAS = "bias";

  public Performance {
    metrics = List.copyOf(metrics);
    bins = List.copyOf(bins);
  }

  /**
   * @param evaluation the version's, by metric; it also tells, before any outcome does, whether
   *     outcomes are 0 and 1
   * @param calibration null when the version has none
   */
  public static Performance of(
      ScoreCounts counts, Map<String, Double> evaluation, @Nullable Calibration calibration) {
    return isRegression(counts, evaluation)
        ? new Performance(errors(counts, evaluation), false, List.of())
        : classified(counts, evaluation, calibration);
  }

  /**
   * The metrics of held-out rows, as a version's evaluation has them; those that are not defined on
   * these rows are left out.
   *
   * @param labels one for each score
   */
  public static Map<String, Double> evaluation(double[] scores, double[] labels) {
    ScoreTally tally = new ScoreTally();
    for (int i = 0; i < scores.length; i++) {
      tally.happened(ScoreCounts.millionths(scores[i]), labels[i], 1);
    }
    Map<String, Double> evaluation = new LinkedHashMap<>();
    for (Measured measured : of(tally.counts(), Map.of(), null).metrics()) {
      if (measured.value() != null) {
        evaluation.put(measured.name(), measured.value());
      }
    }
    return evaluation;
  }

  /** Outcomes other than 0 and 1 tell; before there are any, the evaluation or the scores. */
  private static boolean isRegression(ScoreCounts counts, Map<String, Double> evaluation) {
    if (counts.errors().count() > 0 || evaluation.containsKey(MAE)) {
      return true;
    }
    int groups = counts.scores().length;
    return !evaluation.containsKey(PerformanceMetric.AUC_ROC.label())
        && groups > 0
        && (counts.scores()[0] < 0 || counts.score(groups - 1) > 1);
  }

  private static Performance classified(
      ScoreCounts counts, Map<String, Double> evaluation, @Nullable Calibration calibration) {
    Calibration chances = calibration == null ? Calibration.NONE : calibration;
    long[] labelled = new long[counts.scores().length];
    for (int i = 0; i < labelled.length; i++) {
      labelled[i] = counts.positives()[i] + counts.negatives()[i];
    }
    Ranked happened = Ranked.happened(counts);
    Ranked expected = Ranked.expected(counts, counts.rows(), chances);
    Ranked expectedOfLabelled = Ranked.expected(counts, labelled, chances);
    List<Measured> metrics = new ArrayList<>();
    for (PerformanceMetric metric : PerformanceMetric.all()) {
      ToDoubleFunction<Ranked> formula =
          ranked -> ranked.size() > 0 ? metric.of(ranked) : Double.NaN;
      double value = formula.applyAsDouble(happened);
      metrics.add(
          new Measured(
              metric.label(),
              orNull(value),
              Double.isNaN(value) ? null : metric.interval(happened, value),
              evaluation.get(metric.label()),
              orNull(formula.applyAsDouble(expected)),
              orNull(formula.applyAsDouble(expectedOfLabelled) - value)));
    }
    return new Performance(
        metrics,
        calibration != null,
        happened.size() > 0 ? happened.bins(PerformanceMetric.BINS) : List.of());
  }

  /**
   * Of outcomes of any value. The sums are exact whole numbers; those of outcomes that happen to be
   * 0 or 1 come from their counts.
   */
  private static List<Measured> errors(ScoreCounts counts, Map<String, Double> evaluation) {
    ScoreCounts.Errors sums = counts.errors();
    for (int i = 0; i < counts.scores().length; i++) {
      long score = Math.round(counts.score(i) * ScoreCounts.MILLION);
      sums = sums.plus(score - ScoreCounts.MILLION, counts.positives()[i]);
      sums = sums.plus(score, counts.negatives()[i]);
    }
    double n = sums.count();
    double mae = mean(sums.absolute(), n, 1);
    double squares = mean(sums.squares(), n, 2);
    double bias = mean(sums.sum(), n, 1);
    double fourths = mean(sums.fourths(), n, 4);
    double rmse = Math.sqrt(squares);
    List<Measured> metrics = new ArrayList<>();
    metrics.add(
        measured(MAE, mae, Interval.normal(mae, (squares - mae * mae) / (n - 1), 0), evaluation));
    Interval ofSquares = Interval.normal(squares, (fourths - squares * squares) / (n - 1), 0);
    metrics.add(
        measured(
            RMSE,
            rmse,
            ofSquares == null
                ? null
                : new Interval(Math.sqrt(ofSquares.low()), Math.sqrt(ofSquares.high())),
            evaluation));
    metrics.add(
        measured(
            BIAS,
            bias,
            Interval.normal(bias, (squares - bias * bias) / (n - 1), Double.NEGATIVE_INFINITY),
            evaluation));
    return metrics;
  }

  private static Measured measured(
      String name, double value, @Nullable Interval interval, Map<String, Double> evaluation) {
    return new Measured(name, orNull(value), interval, evaluation.get(name), null, null);
  }

  private static double mean(BigInteger sum, double n, int power) {
    return n == 0 ? Double.NaN : new BigDecimal(sum, 6 * power).doubleValue() / n;
  }

  private static @Nullable Double orNull(double value) {
    return Double.isNaN(value) ? null : value;
  }
}
