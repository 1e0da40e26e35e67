package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeatureRow;
import java.util.List;
import org.junit.jupiter.api.Test;

final class RowBatchTest {
  private static final double EXACT = 123456789.12; // 123456792 as a float

  @Test
  void keepsValuesUnroundedInThePipelinesOrder() {
    RowBatch batch = new RowBatch(List.of("a", "b"), List.of("a", "b"), 2);
    batch.add(row(EXACT, 0.1), FakeModels.SERVED);
    batch.add(row(Double.NaN, 1e300), FakeModels.SERVED);

    assertThat(batch.values()).containsExactly(EXACT, 0.1, Double.NaN, 1e300);
    assertThat(batch.values(1, 2)).containsExactly(Double.NaN, 1e300);
    assertThat(batch.isFull()).isTrue();
  }

  @Test
  void keepsValuesUnroundedInTheModelsOrder() {
    RowBatch batch = new RowBatch(List.of("a", "b", "c"), List.of("c", "a"), 2);
    batch.add(row(EXACT, 0, 0.1), FakeModels.SERVED);
    double[] values = batch.values();

    assertThat(values).startsWith(0.1, EXACT).hasSize(4);
    assertThat(batch.features(0)).containsExactly(0.1, EXACT);
    batch.clear();
    batch.add(row(1, 2, 3), FakeModels.SERVED);
    assertThat(batch.values()).isSameAs(values).startsWith(3, 1);
  }

  private static FeatureRow row(double... values) {
    return new FeatureRow("id", 0, new String[0], values, new Object[0]);
  }
}
