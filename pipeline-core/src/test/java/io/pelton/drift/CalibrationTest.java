package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.drift.Decision.Evidence;
import io.pelton.drift.FeatureProfile.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/**
 * How often the whole decision is wrong, and right; {@code benchmarks/run calibration} says more.
 */
final class CalibrationTest {
  private static final int EDGES = 2048;
  private static final int FEATURES = 50;

  /** That every difference has an effect. */
  private static final Thresholds SIGNIFICANCE_ALONE = new Thresholds(1e-9, 1e-9, 1e-9, 0.05);

  private static Measures measure(double[] reference, double[] window, double designEffect) {
    FeatureProfile profile = FeatureProfile.of("x", Kind.FEATURE, reference, EDGES);
    ValueCounts counts = new ValueCounts(profile);
    for (double value : window) {
      counts.add(value);
    }
    return Measures.of(profile, counts, designEffect);
  }

  /** Windows of 50 features, of 300, in which anything drifts. */
  private static int falseAlarms(
      Thresholds thresholds, BiFunction<Random, Integer, double[]> sample) {
    Random random = new Random(31);
    int alarms = 0;
    for (int window = 0; window < 300; window++) {
      List<Evidence> evidence = new ArrayList<>();
      for (int feature = 0; feature < FEATURES; feature++) {
        evidence.add(Evidence.of(measure(sample.apply(random, 400), sample.apply(random, 300), 1)));
      }
      alarms += Decision.of(evidence, thresholds, 100).stream().anyMatch(Decision::drifted) ? 1 : 0;
    }
    return alarms;
  }

  @Test
  void aWindowWithoutDriftAlarmsNoOftenerThanItsLevel() {
    // 5 % of 300 are 15; 26 or more come of that once in a hundred times.
    assertThat(falseAlarms(SIGNIFICANCE_ALONE, (random, size) -> Samples.normal(random, size, 0)))
        .isBetween(3, 25);
    assertThat(falseAlarms(SIGNIFICANCE_ALONE, (random, size) -> Samples.messy(random, size, 0)))
        .isLessThan(26);
    assertThat(falseAlarms(Thresholds.USUAL, (random, size) -> Samples.messy(random, size, 0)))
        .isLessThan(26);
  }

  @Test
  void aTenthOfADeviationIsSignificantAtTenThousandRows() {
    Random random = new Random(32);
    int seen = 0;
    for (int round = 0; round < 200; round++) {
      double[] reference = Samples.normal(random, 10_000, 0);
      double[] window = Samples.normal(random, 10_000, 0.1);
      seen += measure(reference, window, 1).pValue() <= 0.05 / FEATURES ? 1 : 0;
    }
    assertThat(seen).as("of 200, even as the only one of 50 features").isGreaterThanOrEqualTo(198);
  }

  @Test
  void halfADeviationDriftsAndATwentiethDoesNot() {
    Random random = new Random(33);
    double[] reference = Samples.normal(random, 10_000, 0);
    for (int round = 0; round < 50; round++) {
      assertThat(
              Decision.of(
                      List.of(
                          Evidence.of(measure(reference, Samples.normal(random, 1_000, 0.5), 1)),
                          Evidence.of(measure(reference, Samples.normal(random, 1_000, 0.05), 1))),
                      Thresholds.USUAL,
                      100)
                  .stream()
                  .map(Decision::drifted))
          .containsExactly(true, false);
    }
  }

  @Test
  void rowsThatRepeatTheirUsersNeedTheDesignEffect() {
    Random random = new Random(34);
    int asIfIndependent = 0;
    int treated = 0;
    for (int round = 0; round < 400; round++) {
      double[] reference = tenTimesEach(Samples.normal(random, 100, 0));
      double[] window = tenTimesEach(Samples.normal(random, 100, 0));
      asIfIndependent += measure(reference, window, 1).pValue() <= 0.05 ? 1 : 0;
      treated += measure(reference, window, 10).pValue() <= 0.05 ? 1 : 0;
    }
    assertThat(asIfIndependent / 400.0).isGreaterThan(0.95);
    assertThat(treated / 400.0).isLessThan(0.08);
  }

  private static double[] tenTimesEach(double[] values) {
    double[] repeated = new double[10 * values.length];
    for (int i = 0; i < repeated.length; i++) {
      repeated[i] = values[i / 10];
    }
    return repeated;
  }

  @Test
  void aFixedCutOffOfPsiIsNotCalibratedButItsPValueIs() {
    Random random = new Random(35);
    int overCutOff = 0;
    int significant = 0;
    int adjustedOverCutOff = 0;
    int rounds = 3_000;
    for (int round = 0; round < rounds; round++) {
      double[] reference = Samples.normal(random, 500, 0);
      double[] window = Samples.normal(random, 500, 0);
      Arrays.sort(reference);
      Map<String, Long> before = new HashMap<>();
      Map<String, Long> now = new HashMap<>();
      for (int bin = 0; bin < 20; bin++) {
        before.put("bin" + bin, 25L);
        now.put("bin" + bin, 0L);
      }
      for (double value : window) {
        int bin = 0;
        while (bin < 19 && value > reference[25 * (bin + 1) - 1]) {
          bin++;
        }
        now.merge("bin" + bin, 1L, Long::sum);
      }
      CategoryMeasures measures = CategoryMeasures.of(before, 0, now, 0);
      overCutOff += measures.psi() > 0.1 ? 1 : 0;
      adjustedOverCutOff += measures.psiAdjusted() > 0.1 ? 1 : 0;
      significant += measures.psiPValue() <= 0.05 ? 1 : 0;
    }
    assertThat(overCutOff / (double) rounds).isBetween(0.13, 0.17);
    assertThat(significant / (double) rounds).isBetween(0.03, 0.06);
    assertThat(adjustedOverCutOff / (double) rounds).isLessThan(0.005);
  }

  @Test
  void aFiniteReferenceOfCategoriesIsASampleToo() {
    Random random = new Random(36);
    int alarms = 0;
    for (int round = 0; round < 1_000; round++) {
      alarms +=
          CategoryMeasures.of(categories(random), 0, categories(random), 0).pValue() <= 0.05
              ? 1
              : 0;
    }
    assertThat(alarms / 1_000.0).as("a one-sample test has 0.5").isBetween(0.03, 0.07);
  }

  private static Map<String, Long> categories(Random random) {
    Map<String, Long> counts = new HashMap<>();
    for (int row = 0; row < 1_000; row++) {
      counts.merge("c" + random.nextInt(10), 1L, Long::sum);
    }
    return counts;
  }

  @Test
  void manyRowsAgainstAThinnedReferenceAreNoDriftByThemselves() {
    Random random = new Random(37);
    double smallest = 1;
    for (int round = 0; round < 5; round++) {
      Measures measures =
          measure(Samples.normal(random, 500_000, 0), Samples.normal(random, 500_000, 0), 1);
      assertThat(measures.rankErrorBound()).isBetween(1e-4, 1e-3);
      smallest = Math.min(smallest, measures.pValue());
    }
    assertThat(smallest).isGreaterThan(0.001);
  }

  @Test
  void manyRowsAgainstAThinnedReferenceShowASmallShift() {
    Random random = new Random(38);

    Measures measures =
        measure(Samples.normal(random, 1_000_000, 0), Samples.normal(random, 1_000_000, 0.2), 1);

    // The distance of two normal distributions so far apart is 2Φ(0.1) - 1.
    assertThat(measures.ks()).isBetween(0.0797 - 0.004, 0.0797 + 0.004);
    assertThat(measures.pValue()).isZero();
  }

  @Test
  void tiesOnAThinnedReferenceAreNoDrift() {
    Random random = new Random(39);
    double[] reference = tied(random, 50_000);

    Measures measures = measure(reference, tied(random, 50_000), 1);

    assertThat(measures.rankErrorBound()).as("thinned").isPositive();
    assertThat(measures.pValue()).isGreaterThan(0.01);
    assertThat(measure(reference, reference, 1).ks()).isZero();
  }

  /** Half of them one of two values. */
  private static double[] tied(Random random, int size) {
    double[] values = new double[size];
    for (int i = 0; i < size; i++) {
      values[i] = random.nextBoolean() ? random.nextInt(2) : random.nextGaussian();
    }
    return values;
  }

  @Test
  void binsHoldEqualSharesOfASkewedReference() {
    Random random = new Random(40);
    double[] reference = Samples.normal(random, 10_000, 0);
    for (int i = 0; i < reference.length; i++) {
      reference[i] = Math.exp(3 * reference[i]);
    }

    assertThat(measure(reference, reference, 1).bins())
        .hasSize(10)
        .allSatisfy(bin -> assertThat(bin.baseline()).isEqualTo(1_000));
  }
}
