package io.pelton.performance;

import org.jspecify.annotations.Nullable;

/**
 * A confidence interval at the level of 95 %.
 *
 * @param low its lower end
 * @param high its upper end
 */
public record Interval(double low, double high) {
  /** The 97.5th percentile of the standard normal distribution. */
  static final double Z = 1.959963984540054;

  /**
   * Wilson's score interval of a share (Wilson, J. Am. Stat. Assoc. 22, 1927): it stays in [0, 1],
   * and is right where a share is near either, as those of rare events are.
   *
   * @return null when there are no trials
   */
  static @Nullable Interval wilson(double share, double trials) {
    if (!(trials > 0)) {
      return null;
    }
    double spread = Z * Z / trials;
    double centre = (share + spread / 2) / (1 + spread);
    double half = Z * Math.sqrt(share * (1 - share) / trials + spread / trials / 4) / (1 + spread);
    // At the ends both are equal but for rounding.
    return new Interval(
        share == 0 ? 0 : Math.max(0, centre - half), share == 1 ? 1 : Math.min(1, centre + half));
  }

  /**
   * By the normal approximation.
   *
   * @return null when the variance is not known
   */
  static @Nullable Interval normal(double value, double variance, double least) {
    if (Double.isNaN(variance) || Double.isNaN(value)) {
      return null;
    }
    // That of values which are all the same may come out below 0 by rounding.
    double half = Z * Math.sqrt(Math.max(0, variance));
    return new Interval(Math.max(least, value - half), value + half);
  }

  /**
   * By the normal approximation of the log odds, so that it stays in (0, 1): for measures that lie
   * there and are skewed near its ends.
   *
   * @param variance of the value itself
   * @return null when the value is at an end, where the log odds are not finite
   */
  static @Nullable Interval logit(double value, double variance) {
    if (!(value > 0 && value < 1) || !(variance > 0)) {
      return null;
    }
    double odds = Math.log(value / (1 - value));
    double half = Z * Math.sqrt(variance) / (value * (1 - value));
    return new Interval(1 / (1 + Math.exp(half - odds)), 1 / (1 + Math.exp(-half - odds)));
  }
}
