package io.pelton.drift;

import org.apache.commons.math3.distribution.BinomialDistribution;
import org.apache.commons.math3.stat.inference.KolmogorovSmirnovTest;

/** Distributions of the Kolmogorov-Smirnov distance under no drift. */
public final class KolmogorovSmirnov {
  private static final KolmogorovSmirnovTest TEST = new KolmogorovSmirnovTest();

  /**
   * From here on (as n d squared) both one-sided tails never meet but for less than one part in a
   * million million, so that the two-sided p-value is twice the one-sided one (Miller 1956; Simard
   * and L'Ecuyer 2011 use it from the same point).
   */
  private static final double TAILS_APART = 2.2;

  /** The same for small samples, where the exact distribution is cheap. */
  private static final double TAILS_APART_SMALL = 4;

  private static final long SMALL = 140;

  /** Above it the asymptotic form is exact enough; SciPy takes it from there on, too. */
  private static final long LONGEST_SUM = 1_000_000;

  /** Terms of a sum that are enough for its every digit. */
  private static final int TERMS = 2_048;

  /** Beyond it p is below 1e-300. */
  private static final double VANISHING = 370;

  /**
   * Below it 1 - p is less than 1e-12 (its leading term is √(2π/z²) exp(-π²/(8 z²)) with z² this
   * product), and the series that would sum it do not converge.
   */
  private static final double NEAR = 0.04;

  private KolmogorovSmirnov() {}

  /**
   * Probability that two samples of one continuous distribution lie {@code steps} or farther apart,
   * by walking all orders in which their values can come. Sums only what exceeds, so that a small p
   * keeps its digits.
   *
   * @param steps the distance times the least common multiple of n and m
   */
  static double exactPValue(int n, int m, long steps) {
    if (steps <= 0) {
      return 1;
    }
    int divisor = gcd(n, m);
    long stepX = m / divisor;
    long stepY = n / divisor;
    double[] inside = new double[m + 1];
    inside[0] = 1;
    double outside = 0;
    for (int i = 0; i <= n; i++) {
      for (int j = 0; j <= m; j++) {
        double reached = 0;
        if (i == 0 && j == 0) {
          reached = 1;
        }
        if (i > 0) {
          reached += inside[j] * (n - i + 1) / (n - i + 1 + m - j);
        }
        if (j > 0) {
          reached += inside[j - 1] * (m - j + 1) / (n - i + m - j + 1);
        }
        if (Math.abs(i * stepX - j * stepY) >= steps) {
          outside += reached;
          reached = 0;
        }
        inside[j] = reached;
      }
    }
    return Math.min(1, outside);
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  /**
   * Probability that a sample of n lies {@code d} or farther from its own continuous distribution:
   * SciPy's {@code kstwo.sf(d, n)}.
   */
  public static double finiteSamplePValue(double d, long n) {
    if (d >= 1) {
      return 0;
    }
    double spread = n * d * d;
    if (spread <= NEAR) {
      return 1;
    }
    if (spread >= VANISHING) {
      return 0;
    }
    if (spread >= (n <= SMALL ? TAILS_APART_SMALL : TAILS_APART)) {
      return Math.min(1, 2 * oneSided(d, n));
    }
    int size = (int) Math.min(n, Integer.MAX_VALUE);
    return Math.min(1, Math.max(0, 1 - TEST.cdf(d, size)));
  }

  /**
   * Birnbaum and Tingey's sum, its terms written as binomial probabilities so that they neither
   * overflow nor lose digits. Of a long one each so many-th term is taken for those around it:
   * terms are values of a smooth function that vanishes with all its derivatives at both ends, so
   * that such a sum (a trapezoidal rule) is off by less than rounding.
   */
  private static double oneSided(double d, long n) {
    if (n > LONGEST_SUM) {
      return Math.exp(-Math.pow(6 * n * d + 1, 2) / (18.0 * n));
    }
    int size = (int) n;
    int step = Math.max(1, size / TERMS);
    double sum = 0;
    for (int j = step / 2; j <= (int) Math.floor(size * (1 - d)); j += step) {
      double p = d + (double) j / size;
      if (p < 1) {
        sum += new BinomialDistribution(null, size, p).probability(j) / p;
      }
    }
    return d * sum * step;
  }
}
