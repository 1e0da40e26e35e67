package io.pelton.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
}
