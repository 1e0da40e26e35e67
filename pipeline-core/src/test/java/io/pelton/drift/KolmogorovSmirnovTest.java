package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;

final class KolmogorovSmirnovTest {
  @ParameterizedTest
  @CsvFileSource(resources = "kstwo.csv", useHeadersInDisplayName = true)
  void agreesWithSciPyOnOneSample(long n, double d, double expected) {
    double p = KolmogorovSmirnov.finiteSamplePValue(d, n);

    assertThat(p).isCloseTo(expected, within(1e-6));
    assertThat(p).isCloseTo(expected, within(1e-4 * expected));
  }

  @ParameterizedTest
  @CsvFileSource(resources = "ks-two-sample.csv", useHeadersInDisplayName = true)
  void agreesWithSciPyOnTwoSamples(int n, int m, long steps, double expected) {
    assertThat(KolmogorovSmirnov.exactPValue(n, m, steps))
        .isCloseTo(expected, within(1e-9 * expected));
    assertThat(KolmogorovSmirnov.exactPValue(m, n, steps))
        .isCloseTo(expected, within(1e-9 * expected));
  }

  @Test
  void everyDistanceHasAPValueAndALargerOneASmaller() {
    for (long n : new long[] {1, 2, 7, 140, 141, 500, 7_000, 100_000, 999_983, 50_000_000}) {
      double before = 1;
      for (double z = 0; z <= 3; z += 0.01) {
        double p = KolmogorovSmirnov.finiteSamplePValue(z / Math.sqrt(n), n);
        assertThat(p).as("n %d, z %s", n, z).isBetween(0.0, before + 1e-9);
        before = p;
      }
    }
  }
}
