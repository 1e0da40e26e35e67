package io.pelton.benchmarks.calibration;

import java.util.Locale;

/** How often something happened. */
record Rate(long times, long of) {
  private static final double Z = 1.959963984540054;

  /** What rounding leaves of an interval's end at 0. */
  private static final double NONE = 1e-9;

  double share() {
    return (double) times / of;
  }

  /** In percent, with Wilson's interval of 95 %. */
  @Override
  public String toString() {
    double spread = Z * Z / of;
    double middle = (share() + spread / 2) / (1 + spread);
    double half = Z * Math.sqrt(share() * (1 - share()) / of + spread / 4 / of) / (1 + spread);
    return String.format(
        Locale.ROOT,
        "%s (%s–%s)",
        percent(share()),
        digits(Math.max(0, middle - half)),
        digits(Math.min(1, middle + half)));
  }

  static String percent(double share) {
    return digits(share) + " %";
  }

  private static String digits(double share) {
    if (share < NONE || share == 1) {
      return String.format(Locale.ROOT, "%.0f", 100 * share);
    }
    String format = share < 0.001 ? "%.3f" : share < 0.01 ? "%.2f" : "%.1f";
    return String.format(Locale.ROOT, format, 100 * share);
  }
}
