package io.pelton.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TrainingSetTest {
  private static TrainingSet set(double[][] rows, double... labels) {
    return new TrainingSet(
        List.of("amount", "night"),
        List.of("7", "8"),
        new long[] {1_000, 2_000},
        List.of("c1", "c2"),
        rows,
        labels);
  }

  @Test
  void takesRowsOfAPeriodWithoutItsEnd() {
    var set = set(new double[][] {{1, 2}, {3, 4}}, 0, 1);

    var first = set.between(Instant.ofEpochMilli(1_000), Instant.ofEpochMilli(2_000));

    assertThat(first.ids()).containsExactly("7");
    assertThat(first.entities()).containsExactly("c1");
    assertThat(first.rows()).isDeepEqualTo(new double[][] {{1, 2}});
    assertThat(first.labels()).containsExactly(0);
    assertThat(first.positives()).isZero();
    assertThat(set.positives()).isEqualTo(1);
  }

  @Test
  void theDigestFollowsEveryBitOfTheData() {
    String digest = set(new double[][] {{1, Double.NaN}, {3, 4}}, 0, 1).digest();

    assertThat(set(new double[][] {{1, Double.NaN}, {3, 4}}, 0, 1).digest()).isEqualTo(digest);
    assertThat(digest).hasSize(64);
    assertThat(set(new double[][] {{1, 0}, {3, 4}}, 0, 1).digest()).isNotEqualTo(digest);
    assertThat(set(new double[][] {{1, Double.NaN}, {3, Math.nextUp(4.0)}}, 0, 1).digest())
        .isNotEqualTo(digest);
    assertThat(set(new double[][] {{1, Double.NaN}, {3, 4}}, 1, 1).digest()).isNotEqualTo(digest);
  }

  @Test
  void refusesWhatAModelCannotTake() {
    assertThatThrownBy(() -> set(new double[][] {{1, 1e39}, {3, 4}}, 0, 1))
        .hasMessage(
            "training set: row 7: night = 1.0E39 does not fit a 32-bit float,"
                + " which models compute in");
    assertThatThrownBy(() -> set(new double[][] {{1, 2}, {3, 4}}, 0, 0.5))
        .hasMessage("training set: row 8: label 0.5 is neither 0 nor 1");
    assertThatThrownBy(() -> set(new double[][] {{1, 2}, {3}}, 0, 1))
        .hasMessage("training set: row 8 has 1 values; there are 2 features");
    assertThatThrownBy(() -> set(new double[][] {{1, 2}, {3, 4}}, 0))
        .hasMessage("training set: 1 labels for 2 rows");
    assertThatThrownBy(
            () ->
                new TrainingSet(
                    List.of("a", "a"),
                    List.of(),
                    new long[0],
                    List.of(),
                    new double[0][],
                    new double[0]))
        .hasMessage("training set: feature \"a\" is named twice");
  }
}
