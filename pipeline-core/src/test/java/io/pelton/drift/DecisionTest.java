package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.pelton.drift.AlertHistory.Verdict;
import io.pelton.drift.Decision.Evidence;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class DecisionTest {
  private static Verdict verdict(Evidence evidence) {
    return Decision.of(List.of(evidence), Thresholds.USUAL, 100).get(0).verdict();
  }

  @Test
  void driftTakesAnEffectAndSignificanceAndEnoughRows() {
    assertThat(verdict(new Evidence(100, 0.05, 0.2, 0.0, null))).isEqualTo(Verdict.DRIFTED);
    assertThat(verdict(new Evidence(99, 0.05, 0.2, 0.0, null))).isEqualTo(Verdict.NORMAL);
    assertThat(verdict(new Evidence(100, 0.051, 0.2, 0.0, null))).isEqualTo(Verdict.NORMAL);
    assertThat(verdict(new Evidence(100, 0.05, 0.19, 0.09, null))).isEqualTo(Verdict.NORMAL);
  }

  @Test
  void anyOneEffectIsEnoughAndTwiceItsThresholdIsCritical() {
    assertThat(verdict(new Evidence(100, 0, 0, 0.1, null))).isEqualTo(Verdict.DRIFTED);
    assertThat(verdict(new Evidence(100, 0, 0, null, 0.1))).isEqualTo(Verdict.DRIFTED);
    assertThat(verdict(new Evidence(100, 0, 0, 0.2, null))).isEqualTo(Verdict.CRITICAL);
    assertThat(verdict(new Evidence(100, 0, 0.4, null, 0.1))).isEqualTo(Verdict.CRITICAL);
    assertThat(verdict(new Evidence(99, 0, 0.4, null, 0.1))).isEqualTo(Verdict.NORMAL);
  }

  @Test
  void allThatAWindowLooksAtIsAdjustedTogether() {
    Evidence one = new Evidence(100, 0.02, 1, 0.5, null);
    Evidence small = new Evidence(1, 0.9, 1, 0.5, null);

    List<Decision> decisions = Decision.of(List.of(one, small, small), Thresholds.USUAL, 100);

    assertThat(decisions).extracting(Decision::drifted).containsExactly(false, false, false);
    assertThat(decisions.get(0).qValue()).isCloseTo(0.06, within(1e-15));
  }

  @Test
  void takesNumbersAndCategoriesAsTheyWereMeasured() {
    CategoryMeasures categories =
        CategoryMeasures.of(Map.of("a", 500L, "b", 500L), 0, Map.of("a", 400L, "b", 100L), 10);

    assertThat(Evidence.of(categories))
        .isEqualTo(
            new Evidence(
                510, categories.pValue(), categories.psiAdjusted(), null, categories.cramersV()));
    assertThat(Decision.of(List.of(Evidence.of(categories)), Thresholds.USUAL, 100).get(0).excess())
        .isEqualTo(Thresholds.USUAL.excess(categories));
  }
}
