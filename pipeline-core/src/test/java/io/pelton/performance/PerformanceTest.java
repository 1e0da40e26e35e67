package io.pelton.performance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class PerformanceTest {
  private static final double EXACT = 1e-12;

  private static ScoreCounts counts(double[] scores, double[] labels) {
    ScoreTally tally = new ScoreTally();
    for (int i = 0; i < scores.length; i++) {
      long score = ScoreCounts.millionths(scores[i]);
      tally.predicted(score, false, 1);
      if (!Double.isNaN(labels[i])) {
        tally.happened(score, labels[i], 1);
      }
    }
    return tally.counts();
  }

  private static Performance of(double[] scores, double[] labels) {
    return Performance.of(counts(scores, labels), Map.of(), null);
  }

  private static Measured measured(Performance performance, String name) {
    return performance.metrics().stream()
        .filter(metric -> metric.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static double value(Performance performance, PerformanceMetric metric) {
    return measured(performance, metric.label()).value();
  }

  /** Ties, and scores that say how likely the label is. */
  private static double[][] generated(long seed, int rows) {
    Random random = new Random(seed);
    double[] scores = new double[rows];
    double[] labels = new double[rows];
    for (int i = 0; i < rows; i++) {
      scores[i] = Math.rint(1_000 * Math.pow(random.nextDouble(), 3)) / 1_000;
      labels[i] = random.nextDouble() < scores[i] ? 1 : 0;
    }
    return new double[][] {scores, labels};
  }

  @Test
  void measuresByHand() {
    // Sorted: 0.9+ 0.8- 0.7+ 0.7- 0.4- 0.2- : of 2 x 4 pairs 4 + 2.5 are in order.
    Performance performance =
        of(new double[] {0.9, 0.8, 0.7, 0.7, 0.4, 0.2}, new double[] {1, 0, 1, 0, 0, 0});

    assertThat(value(performance, PerformanceMetric.AUC_ROC)).isCloseTo(6.5 / 8, within(EXACT));
    assertThat(value(performance, PerformanceMetric.AVERAGE_PRECISION))
        .isCloseTo((1.0 + 2.0 / 4) / 2, within(EXACT));
    assertThat(value(performance, PerformanceMetric.BRIER))
        .isCloseTo((0.01 + 0.64 + 0.09 + 0.49 + 0.16 + 0.04) / 6, within(EXACT));
    assertThat(value(performance, PerformanceMetric.LOG_LOSS))
        .isCloseTo(
            -(Math.log(0.9)
                    + Math.log(0.2)
                    + Math.log(0.7)
                    + Math.log(0.3)
                    + Math.log(0.6)
                    + Math.log(0.8))
                / 6,
            within(EXACT));
    assertThat(value(performance, PerformanceMetric.ACCURACY)).isCloseTo(4.0 / 6, within(EXACT));
    assertThat(value(performance, PerformanceMetric.PRECISION)).isCloseTo(0.5, within(EXACT));
    assertThat(value(performance, PerformanceMetric.RECALL)).isOne();
    assertThat(value(performance, PerformanceMetric.F1)).isCloseTo(2.0 / 3, within(EXACT));
    assertThat(value(performance, PerformanceMetric.PRECISION_TOP_1_PERCENT)).isOne();
    assertThat(value(performance, PerformanceMetric.POSITIVE_RATE))
        .isCloseTo(1.0 / 3, within(EXACT));
  }

  @Test
  void rankMeasuresAreThoseOfAllPairs() {
    double[][] rows = generated(1, 700);
    double[] positives = with(rows, 1);
    double[] negatives = with(rows, 0);
    // Structural components, pair by pair.
    double[] v10 = new double[positives.length];
    double[] v01 = new double[negatives.length];
    for (int i = 0; i < positives.length; i++) {
      for (int j = 0; j < negatives.length; j++) {
        double order = positives[i] > negatives[j] ? 1 : positives[i] == negatives[j] ? 0.5 : 0;
        v10[i] += order / negatives.length;
        v01[j] += order / positives.length;
      }
    }
    double auc = Arrays.stream(v10).average().orElseThrow();
    double variance = variance(v10, auc) / v10.length + variance(v01, auc) / v01.length;

    Measured measured = measured(of(rows[0], rows[1]), "auc_roc");

    assertThat(measured.value()).isCloseTo(auc, within(EXACT));
    Interval expected = Interval.logit(auc, variance);
    assertThat(measured.interval().low()).isCloseTo(expected.low(), within(EXACT));
    assertThat(measured.interval().high()).isCloseTo(expected.high(), within(EXACT));
    assertThat(measured.interval().low()).isLessThan(auc).isGreaterThan(0.5);
  }

  private static double[] with(double[][] rows, double label) {
    return java.util.stream.IntStream.range(0, rows[0].length)
        .filter(i -> rows[1][i] == label)
        .mapToDouble(i -> rows[0][i])
        .toArray();
  }

  private static double variance(double[] values, double mean) {
    return Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum() / (values.length - 1);
  }

  @Test
  void tiesAtTheTopCountByHowManyAreExpectedAmongThem() {
    double[] scores = new double[300];
    double[] labels = new double[300];
    Arrays.fill(scores, 0.1);
    // Room for 3: one at 0.9, then two of four that are tied at 0.8, one of these a positive.
    scores[0] = 0.9;
    labels[0] = 1;
    Arrays.fill(scores, 1, 5, 0.8);
    labels[1] = 1;

    Measured top = measured(of(scores, labels), "precision_top_1_percent");

    assertThat(top.value()).isCloseTo((1 + 2 * 0.25) / 3, within(EXACT));
    assertThat(top.interval()).isEqualTo(Interval.wilson(0.5, 3));
  }

  @Test
  void wilsonsIntervalIsTheKnownOne() {
    // 10 of 100: R, prop.test(10, 100, correct = FALSE).
    Interval interval = Interval.wilson(0.1, 100);

    assertThat(interval.low()).isCloseTo(0.05522914, within(1e-8));
    assertThat(interval.high()).isCloseTo(0.17436566, within(1e-8));
    assertThat(Interval.wilson(0, 50).low()).isZero();
  }

  @Test
  void intervalsHoldTheTruthAboutAsOftenAsTheySay() {
    // Scores are uniform, labels follow them: AUC 5/6, Brier 1/6, log loss 1/2.
    Map<String, Double> truth = Map.of("auc_roc", 5 / 6.0, "brier", 1 / 6.0, "log_loss", 0.5);
    int runs = 600;
    Map<String, Integer> held = new java.util.HashMap<>();
    Random random = new Random(11);
    for (int run = 0; run < runs; run++) {
      double[] scores = random.doubles(200).toArray();
      double[] labels =
          Arrays.stream(scores).map(score -> random.nextDouble() < score ? 1 : 0).toArray();
      Performance performance = of(scores, labels);
      truth.forEach(
          (name, value) -> {
            Interval interval = measured(performance, name).interval();
            boolean holds = interval.low() <= value && value <= interval.high();
            held.merge(name, holds ? 1 : 0, Integer::sum);
          });
    }
    // 95 % of 600 is 570, give or take 4 of its deviations of 5.3.
    truth.keySet().forEach(name -> assertThat(held.get(name)).as(name).isBetween(548, 592));
  }

  @Test
  void theCurveHasRangesOfAboutAsManyRows() {
    double[] scores = new double[1_000];
    double[] labels = new double[1_000];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = i / 1_000.0;
      labels[i] = i % 10 < i / 100 ? 1 : 0;
    }

    Performance performance = of(scores, labels);

    assertThat(performance.bins()).hasSize(10);
    for (int i = 0; i < 10; i++) {
      assertThat(performance.bins().get(i).rows()).isEqualTo(100);
      assertThat(performance.bins().get(i).rate()).isCloseTo(i / 10.0, within(EXACT));
      assertThat(performance.bins().get(i).meanScore()).isCloseTo(i / 10.0 + 0.0495, within(EXACT));
    }
    assertThat(value(performance, PerformanceMetric.CALIBRATION_ERROR))
        .isCloseTo(0.0495, within(EXACT));
    assertThat(of(new double[] {0.5, 0.5, 0.5}, new double[] {1, 0, 0}).bins()).hasSize(1);
  }

  @Test
  void estimatesWithoutOutcomesWhatOutcomesThenSay() {
    double[][] rows = generated(5, 40_000);
    double[] unknown = new double[rows[0].length];
    Arrays.fill(unknown, Double.NaN);

    Performance before = of(rows[0], unknown);
    Performance after = of(rows[0], rows[1]);

    for (PerformanceMetric metric : PerformanceMetric.all()) {
      Measured estimate = measured(before, metric.label());
      Measured known = measured(after, metric.label());
      assertThat(estimate.value()).isNull();
      assertThat(estimate.estimateError()).isNull();
      assertThat(estimate.estimated()).isEqualTo(known.estimated());
      assertThat(estimate.estimated())
          .as(metric.label())
          .isCloseTo(
              known.value(),
              within(metric == PerformanceMetric.PRECISION_TOP_1_PERCENT ? 0.05 : 0.02));
      assertThat(known.estimateError()).isCloseTo(known.estimated() - known.value(), within(EXACT));
    }
    assertThat(before.bins()).isEmpty();
  }

  @Test
  void sharesOfWrongScoresAreEstimatedThroughTheirCalibration() {
    double[][] rows = generated(6, 40_000);
    double[][] others = generated(7, 40_000);
    double[] tooSure = Arrays.stream(rows[0]).map(Math::sqrt).toArray();
    double[] tooSureToo = Arrays.stream(others[0]).map(Math::sqrt).toArray();
    Calibration calibration = Calibration.of(tooSureToo, others[1]);

    Performance plain = of(tooSure, rows[1]);
    Performance calibrated = Performance.of(counts(tooSure, rows[1]), Map.of(), calibration);

    assertThat(calibrated.calibrated()).isTrue();
    for (String name : new String[] {"auc_roc", "brier", "log_loss", "positive_rate"}) {
      assertThat(Math.abs(measured(calibrated, name).estimateError())).as(name).isLessThan(0.006);
      assertThat(Math.abs(measured(plain, name).estimateError())).as(name).isGreaterThan(0.012);
    }
  }

  @Test
  void calibrationIsTheNearestRisingSteps() {
    double[][] rows = generated(8, 500);
    double[] wrong = Arrays.stream(rows[0]).map(s -> Math.rint(20 * s) / 20).toArray();
    Calibration calibration = Calibration.of(wrong, rows[1]);
    double[] distinct = Arrays.stream(wrong).distinct().sorted().toArray();
    for (int i = 0; i < distinct.length; i++) {
      double best = 0;
      // Isotonic regression at i: the largest over starts of the least over ends of a mean.
      for (int start = 0; start <= i; start++) {
        double least = 1;
        for (int end = i; end < distinct.length; end++) {
          double sum = 0;
          double count = 0;
          for (int row = 0; row < wrong.length; row++) {
            if (wrong[row] >= distinct[start] && wrong[row] <= distinct[end]) {
              sum += rows[1][row];
              count++;
            }
          }
          least = Math.min(least, sum / count);
        }
        best = Math.max(best, least);
      }
      assertThat(calibration.chance(distinct[i])).isCloseTo(best, within(EXACT));
    }
    assertThat(Calibration.fromJson(calibration.toJson())).isEqualTo(calibration);
    assertThat(calibration.chance(-1)).isEqualTo(calibration.chance()[0]);
    assertThat(calibration.chance(2)).isEqualTo(calibration.chance(distinct[distinct.length - 1]));
  }

  @Test
  void outcomesOfAnyValueAreMeasuredByTheirErrors() {
    double[] scores = {10, 12.5, 7, 1};
    double[] labels = {11, 12, 7.25, 1};
    double[] errors = {-1, 0.5, -0.25, 0};

    Performance performance = of(scores, labels);

    Measured bias = measured(performance, "bias");
    double mean = Arrays.stream(errors).average().orElseThrow();
    assertThat(bias.value()).isCloseTo(mean, within(EXACT));
    double half = Interval.Z * Math.sqrt(variance(errors, mean) / 4);
    assertThat(bias.interval().low()).isCloseTo(mean - half, within(EXACT));
    assertThat(bias.interval().high()).isCloseTo(mean + half, within(EXACT));
    assertThat(measured(performance, "mae").value()).isCloseTo(1.75 / 4, within(EXACT));
    assertThat(measured(performance, "rmse").value())
        .isCloseTo(Math.sqrt((1 + 0.25 + 0.0625) / 4), within(EXACT));
    assertThat(performance.metrics()).hasSize(3);
    assertThat(measured(performance, "mae").estimated()).isNull();
  }

  @Test
  void saysNothingWhereNothingIsDefined() {
    Performance none = Performance.of(ScoreCounts.none(), Map.of("auc_roc", 0.9), null);
    Performance positives = of(new double[] {0.2, 0.8}, new double[] {1, 1});
    Performance perfect = of(new double[] {0.1, 0.2, 0.8, 0.9}, new double[] {0, 0, 1, 1});

    assertThat(measured(none, "auc_roc"))
        .isEqualTo(new Measured("auc_roc", null, null, 0.9, null, null));
    assertThat(measured(positives, "auc_roc").value()).isNull();
    assertThat(measured(positives, "recall").value()).isEqualTo(0.5);
    assertThat(measured(perfect, "auc_roc").value()).isOne();
    assertThat(measured(perfect, "auc_roc").interval()).isNull();
  }
}
