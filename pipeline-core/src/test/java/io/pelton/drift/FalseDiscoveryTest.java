package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

final class FalseDiscoveryTest {
  @Test
  void adjustsAsBenjaminiAndHochberg() {
    double[] adjusted =
        FalseDiscovery.adjust(new double[] {0.001, 0.04, 0.03, 0.5, 0.04, 0.9, 0.012});

    // NumPy: p * count / rank, least from the largest rank down.
    assertThat(adjusted)
        .containsExactly(
            new double[] {0.007, 0.056, 0.056, 0.5833333333333334, 0.056, 0.9, 0.042},
            within(1e-15));
    assertThat(FalseDiscovery.adjust(new double[0])).isEmpty();
  }
}
