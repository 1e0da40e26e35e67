package io.pelton.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class MetricTest {
  @Test
  void agreesWithFiguresByHand() {
    double[] labels = {0, 0, 1, 1};
    double[] scores = {0.1, 0.4, 0.35, 0.8};

    // Of four pairs, 0.35 before 0.4 is the one in wrong order.
    assertThat(Metric.AUC_ROC.of(scores, labels)).isEqualTo(0.75);
    // Half the positives at precision 1, the other half at precision 2/3.
    assertThat(Metric.AVERAGE_PRECISION.of(scores, labels)).isCloseTo(5.0 / 6, within(1e-15));
    assertThat(Metric.BRIER.of(scores, labels))
        .isCloseTo((0.01 + 0.16 + 0.4225 + 0.04) / 4, within(1e-15));
    assertThat(Metric.LOG_LOSS.of(scores, labels))
        .isCloseTo(
            -(Math.log(0.9) + Math.log(0.6) + Math.log(0.35) + Math.log(0.8)) / 4, within(1e-15));
  }

  @Test
  void agreesWithScikitLearnWhereScoresTie() {
    double[] uniform = uniform(600, 42);
    double[] scores =
        Arrays.stream(uniform, 0, 300).map(value -> Math.rint(value * 100) / 100).toArray();
    var labels = new double[300];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = uniform[300 + i] < scores[i] * scores[i] * 0.6 ? 1 : 0;
    }

    // scikit-learn 1.2.1: 300 rows, 59 positives, 97 distinct scores.
    assertThat(Arrays.stream(labels).sum()).isEqualTo(59);
    assertThat(Arrays.stream(scores).distinct().count()).isEqualTo(97);
    assertThat(Metric.AUC_ROC.of(scores, labels)).isCloseTo(0.8080385399817146, within(1e-13));
    assertThat(Metric.AVERAGE_PRECISION.of(scores, labels))
        .isCloseTo(0.49369226518421644, within(1e-13));
    assertThat(Metric.BRIER.of(scores, labels)).isCloseTo(0.25353200000000004, within(1e-13));
    assertThat(Metric.LOG_LOSS.of(scores, labels)).isCloseTo(0.9638726010161408, within(1e-13));
  }

  /** A linear congruential generator that NumPy repeats in one line. */
  private static double[] uniform(int size, long seed) {
    var values = new double[size];
    long state = seed;
    for (int i = 0; i < size; i++) {
      state = (state * 1103515245L + 12345) % (1L << 31);
      values[i] = state / (double) (1L << 31);
    }
    return values;
  }

  @Test
  void certaintyThatIsWrongCostsMuchButNotInfinity() {
    assertThat(Metric.LOG_LOSS.of(new double[] {1, 0, 0}, new double[] {1, 0, 1}))
        .isCloseTo(12.014551129705717, within(1e-12));
  }

  @Test
  void oneScoreForAllIsAChance() {
    double[] scores = {0.3, 0.3, 0.3, 0.3};
    double[] labels = {1, 0, 0, 0};

    assertThat(Metric.AUC_ROC.of(scores, labels)).isEqualTo(0.5);
    assertThat(Metric.AVERAGE_PRECISION.of(scores, labels)).isEqualTo(0.25);
  }

  @Test
  void isNotDefinedWithoutPositives() {
    double[] scores = {0.3, 0.2};
    double[] labels = {0, 0};

    assertThat(Metric.AUC_ROC.of(scores, labels)).isNaN();
    assertThat(Metric.AVERAGE_PRECISION.of(scores, labels)).isNaN();
  }

  @Test
  void refusesScoresThatCannotBeRankedOrMatched() {
    assertThatThrownBy(() -> Metric.AUC_ROC.of(new double[] {Double.NaN}, new double[] {1}))
        .hasMessageContaining("NaN");
    assertThatThrownBy(() -> Metric.BRIER.of(new double[] {0.1}, new double[] {1, 0}))
        .hasMessage("brier: 1 scores for 2 labels");
  }
}
