package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LabelRuleTest {
  private static final long EVENT = 1_000;
  private static final long ALL = Long.MAX_VALUE;

  private static LabelRule.Outcomes outcomes(LabelRule rule, double... timesAndLabels) {
    LabelRule.Outcomes outcomes = rule.of(EVENT);
    for (int i = 0; i < timesAndLabels.length; i += 2) {
      outcomes.add((long) timesAndLabels[i], timesAndLabels[i + 1]);
    }
    return outcomes;
  }

  @Test
  void theNewestOutcomeWithinTheTimeCounts() {
    LabelRule rule = new LabelRule(100, ALL, Double.NaN);
    assertThat(outcomes(rule, 1_050, 1, 1_100, 0, 1_101, 1).label()).isZero();
    assertThat(outcomes(rule, 1_101, 1, 1_100, 0, 1_050, 1).label()).isZero();
    assertThat(outcomes(rule, 1_100, 1).label()).isEqualTo(1);
    assertThat(outcomes(rule, 900, 1).label()).isEqualTo(1);
  }

  @Test
  void anOutcomeThatComesAfterItsTimeIsNone() {
    LabelRule.Outcomes late = outcomes(new LabelRule(100, ALL, Double.NaN), 1_101, 1);
    assertThat(late.found()).isFalse();
    assertThat(late.open()).isFalse();
    assertThat(late.label()).isNaN();
    assertThat(outcomes(new LabelRule(100, ALL, 0), 1_101, 1).label()).isZero();
  }

  @Test
  void nothingAfterTheTimeOfTheTrainingSetIsSeen() {
    LabelRule rule = new LabelRule(100, 1_060, 0);
    assertThat(outcomes(rule, 1_050, 0, 1_061, 1).label()).isZero();
    assertThat(outcomes(rule, 1_060, 1).label()).isEqualTo(1);
  }

  @Test
  void anEventThatMayStillGetAnOutcomeIsNotTakenAsUnlabelled() {
    LabelRule.Outcomes open = outcomes(new LabelRule(100, 1_099, 0), 1_100, 1);
    assertThat(open.open()).isTrue();
    assertThat(open.label()).isNaN();
    LabelRule.Outcomes closed = outcomes(new LabelRule(100, 1_100, 0));
    assertThat(closed.open()).isFalse();
    assertThat(closed.label()).isZero();
  }

  @Test
  void ofOutcomesOfOneTimeTheGreaterCountsInAnyOrder() {
    LabelRule rule = new LabelRule(100, ALL, 0);
    assertThat(outcomes(rule, 1_050, 1, 1_050, 0).label()).isEqualTo(1);
    assertThat(outcomes(rule, 1_050, 0, 1_050, 1).label()).isEqualTo(1);
  }
}
