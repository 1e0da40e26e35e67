package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.FeatureRow;
import io.pelton.model.FeatureDigest;
import io.pelton.model.ScoredRow;
import java.util.List;
import org.junit.jupiter.api.Test;

final class RowBatchTest {
  private static final double EXACT = 123456789.12; // 123456792 as a float

  @Test
  void keepsValuesUnroundedInThePipelinesOrder() {
    RowBatch batch = new RowBatch(List.of("a", "b"), List.of("a", "b"), 2);
    batch.add(row(EXACT, 0.1), FakeModels.SERVED);
    batch.add(row(Double.NaN, 1e300), FakeModels.SERVED);

    assertThat(batch.features(0)).containsExactly(EXACT, 0.1);
    assertThat(batch.features(1)).containsExactly(Double.NaN, 1e300);
    assertThat(batch.isFull()).isTrue();
  }

  @Test
  void keepsValuesUnroundedInTheModelsOrder() {
    RowBatch batch = new RowBatch(List.of("a", "b", "c"), List.of("c", "a"), 2);
    batch.add(row(EXACT, 0, 0.1), FakeModels.SERVED);

    assertThat(batch.features(0)).containsExactly(0.1, EXACT);
    batch.clear();
    assertThatThrownBy(() -> batch.features(0)).isInstanceOf(IndexOutOfBoundsException.class);
    batch.add(row(1, 2, 3), FakeModels.SERVED);
    assertThat(batch.features(0)).containsExactly(3, 1);
  }

  @Test
  void aScoredRowHasTheDigestOfWhatWasScored() {
    RowBatch batch = new RowBatch(List.of("a", "b", "c"), List.of("c", "a"), 2);
    batch.add(row(1, 2, 3), FakeModels.SERVED);
    batch.add(row(4, 5, 6), FakeModels.SERVED);
    ScoredRow scored = batch.scored(1, new double[] {7, 8, 9, 10}, 2, null);

    assertThat(scored.features).containsExactly(6, 4);
    assertThat(scored.featureDigest).isEqualTo(FeatureDigest.of(new double[] {6, 4}));
    assertThat(scored.outputs).containsExactly(9, 10);
  }

  private static FeatureRow row(double... values) {
    return new FeatureRow("id", 0, new String[0], values, new Object[0]);
  }
}
