package io.pelton.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class FeatureDigestTest {
  // Computed by a few lines of Python from the formula.
  private static final long EMPTY = 3296208192124131520L;
  private static final long THREE = -253850095486922449L;
  private static final long SIX = -7447965708481953782L;

  @Test
  void neverChanges() {
    assertThat(FeatureDigest.of(new double[0])).isEqualTo(EMPTY);
    assertThat(FeatureDigest.of(new double[] {1, 2.5, Double.NaN})).isEqualTo(THREE);
    double[] six = {1, 2.5, Double.NaN, -1e9, 0, Double.MIN_VALUE};
    assertThat(FeatureDigest.of(six)).isEqualTo(SIX);
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
      double[] wide = new double[11]; // over all lanes, and beyond them
      wide[i % 11] = i / 11;
      wide[(i + i / 11) % 11] += 0.5;
      digests.add(FeatureDigest.of(wide));
      rows += 3;
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
