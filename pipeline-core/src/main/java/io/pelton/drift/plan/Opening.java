package io.pelton.drift.plan;

import io.pelton.drift.Persistence;
import org.apache.commons.math3.distribution.BinomialDistribution;

/** What becomes of windows that drift by chance once k of the last n have to. */
final class Opening {
  /** Steps of the integral over references, to six deviations on both sides. */
  private static final int STEPS = 1_200;

  private static final double WIDEST = 6;

  private Opening() {}

  /**
   * At most how many alerts open a window. An alert opens in a window that drifted, when k-1 or
   * more of the n-1 before it did. Windows are independent of each other, but their reference is
   * the same: it is off by chance too, by the share m/(n+m) of the variance of a difference, in all
   * of them alike. So the mean is over references, of differences that are normal with this
   * correlation, each two-sided test at {@code rate} (a one-factor model, Vasicek 2002).
   *
   * @param rate at which a window drifts by chance
   * @param shared the variance's share that is the reference's
   */
  static double rate(double rate, double shared, Persistence persistence) {
    if (rate <= 0 || persistence.k() == 1) {
      return Math.max(0, rate);
    }
    double limit = Sampling.quantile(1 - Math.min(rate, 1 - 1e-12) / 2);
    double sum = 0;
    double weights = 0;
    for (int step = 0; step <= STEPS; step++) {
      double off = WIDEST * (2.0 * step / STEPS - 1);
      double weight = Math.exp(-off * off / 2);
      double mean = Math.sqrt(shared) * off;
      double spread = Math.sqrt(1 - shared);
      double drifts =
          Sampling.below((-limit - mean) / spread) + Sampling.below((-limit + mean) / spread);
      sum += weight * drifts * atLeast(persistence.k() - 1, persistence.n() - 1, drifts);
      weights += weight;
    }
    return sum / weights;
  }

  /** Probability that so many of n windows drift. */
  static double atLeast(int k, int n, double each) {
    return k <= 0
        ? 1
        : 1 - new BinomialDistribution(null, n, Math.min(1, each)).cumulativeProbability(k - 1);
  }

  /** What a window must drift with, so that k of n do with probability {@code wanted}. */
  static double each(double wanted, Persistence persistence) {
    double low = 0;
    double high = 1;
    for (int step = 0; step < 60; step++) {
      double middle = (low + high) / 2;
      if (atLeast(persistence.k(), persistence.n(), middle) >= wanted) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return high;
  }
}
