package io.pelton.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class FeatureDigestTest {
  // Computed by a few lines of Python from the formula.
  private static final long EMPTY = 1517985926558674238L;
  private static final long THREE = 5694886369996820853L;

  @Test
  void neverChanges() {
    assertThat(FeatureDigest.of(new double[0])).isEqualTo(EMPTY);
    assertThat(FeatureDigest.of(new double[] {1, 2.5, Double.NaN})).isEqualTo(THREE);
  }

  @Test
  void rowsThatAreEqualAsNumbersAreEqual() {
    double otherNaN = Double.longBitsToDouble(0x7ff8000000000123L);

    assertThat(FeatureDigest.of(new double[] {-0.0, otherNaN}))
        .isEqualTo(FeatureDigest.of(new double[] {0.0, Double.NaN}));
  }

  @Test
  void everythingElseDiffers() {
    Set<Long> digests = new HashSet<>();
    int rows = 0;
    Random random = new Random(1);
    for (int i = 0; i < 200_000; i++) {
      digests.add(FeatureDigest.of(new double[] {i % 1000, i / 1000, 0}));
      digests.add(FeatureDigest.of(new double[] {random.nextDouble()}));
      rows += 2;
    }
    for (int length = 0; length < 100; length++) {
      digests.add(FeatureDigest.of(new double[length + 4]));
      rows++;
    }
    assertThat(digests).hasSize(rows);
    assertThat(FeatureDigest.of(new double[] {1, 2}))
        .isNotEqualTo(FeatureDigest.of(new double[] {2, 1}));
  }
}
