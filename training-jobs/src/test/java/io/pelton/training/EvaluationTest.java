package io.pelton.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class EvaluationTest {
  private static final String FIRST_DAY = "2018-08-08T00:00:00Z";
  private static final String SECOND_DAY = "2018-08-09T23:59:59Z";

  private final List<String> cards = new ArrayList<>();
  private final List<Long> times = new ArrayList<>();
  private final List<Double> scores = new ArrayList<>();
  private final List<Double> labels = new ArrayList<>();

  private void payment(String time, String card, double score, int fraud) {
    times.add(Instant.parse(time).toEpochMilli());
    cards.add(card);
    scores.add(score);
    labels.add((double) fraud);
  }

  private TrainingSet set(List<String> entities) {
    var ids = new ArrayList<String>();
    for (int row = 0; row < cards.size(); row++) {
      ids.add("tx-" + row);
    }
    return new TrainingSet(
        List.of("amount"),
        ids,
        times.stream().mapToLong(Long::longValue).toArray(),
        entities,
        new double[cards.size()][1],
        labels.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private double[] scores() {
    return scores.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @Test
  void ranksCardsByTheirHighestScoreOfTheDay() {
    payment(FIRST_DAY, "a", 0.9, 0);
    payment(FIRST_DAY, "a", 0.1, 1);
    payment(FIRST_DAY, "b", 0.5, 0);
    payment(FIRST_DAY, "c", 0.4, 1);

    // a and b are looked at; a did have a fraud, if not the payment that gave it away.
    assertThat(CardPrecision.at(2, set(cards), scores())).isEqualTo(0.5);
  }

  @Test
  void leavesOutCardsCaughtOnAnEarlierDay() {
    payment(FIRST_DAY, "a", 0.9, 1);
    payment(FIRST_DAY, "b", 0.8, 0);
    payment(FIRST_DAY, "c", 0.1, 1);
    payment(SECOND_DAY, "a", 0.99, 1);
    payment(SECOND_DAY, "c", 0.7, 1);
    payment(SECOND_DAY, "d", 0.6, 0);

    // Day one: a of (a, b). Day two: a is blocked; c, which nobody looked at before, of (c, d).
    assertThat(CardPrecision.at(2, set(cards), scores())).isEqualTo(0.5);
  }

  @Test
  void keepsTheDenominatorOnAQuietDay() {
    payment(FIRST_DAY, "a", 0.9, 1);

    assertThat(CardPrecision.at(100, set(cards), scores())).isCloseTo(0.01, within(1e-15));
  }

  @Test
  void aTieAtTheCutGoesToTheFirstKeySoThatTheResultIsDefined() {
    payment(FIRST_DAY, "b", 0.5, 1);
    payment(FIRST_DAY, "a", 0.5, 0);

    assertThat(CardPrecision.at(1, set(cards), scores())).isZero();
  }

  @Test
  void reportsAllMetricsByNameInATable() {
    payment(FIRST_DAY, "a", 0.9, 1);
    payment(FIRST_DAY, "b", 0.2, 0);
    payment(FIRST_DAY, "c", 0.1, 0);

    var evaluation = Evaluation.of(set(cards), scores());

    assertThat(evaluation.metrics().keySet())
        .containsExactly("auc_roc", "average_precision", "brier", "log_loss", "card_precision_100");
    assertThat(evaluation.report())
        .containsPattern("rows +3\\R")
        .containsPattern("positives +1\\R")
        .containsPattern("auc_roc +1\\.0000\\R")
        .containsPattern("card_precision_100 +0\\.0100\\R");
  }

  @Test
  void leavesOutWhatIsNotDefinedAndSaysSoWhenAsked() {
    payment(FIRST_DAY, "a", 0.9, 0);

    var evaluation = Evaluation.of(set(List.of()), scores());

    assertThat(evaluation.metrics().keySet()).containsExactly("brier", "log_loss");
    assertThatThrownBy(() -> evaluation.get(Metric.AUC_ROC))
        .hasMessageStartingWith("auc_roc: not defined on 1 rows with 0 positives");
    assertThatThrownBy(() -> Evaluation.of(set(List.of()).where(row -> false), new double[0]))
        .hasMessage("held-out set: has no rows; take a longer period");
  }
}
