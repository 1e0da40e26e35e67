package io.pelton.drift.compare;

/**
 * What makes a column drifted: one effect, and significance.
 *
 * @param psi least bias-adjusted PSI
 * @param ks least Kolmogorov-Smirnov distance of numbers
 * @param cramersV least effect of categories
 * @param level of the false discovery rate, over all columns
 */
public record Thresholds(double psi, double ks, double cramersV, double level) {
  /** As streams have them where the pipeline file says nothing. */
  public static final Thresholds USUAL = new Thresholds(0.2, 0.1, 0.1, 0.05);

  /**
   * @throws IllegalArgumentException that names the one that cannot be
   */
  public Thresholds {
    require("psi", psi, psi > 0, "above 0");
    require("ks", ks, ks > 0 && ks < 1, "above 0 and below 1");
    require("cramers-v", cramersV, cramersV > 0 && cramersV < 1, "above 0 and below 1");
    require("level", level, level > 0 && level < 1, "above 0 and below 1");
  }

  private static void require(String name, double value, boolean holds, String rule) {
    if (!holds) {
      throw new IllegalArgumentException("%s is %s; it must be %s".formatted(name, value, rule));
    }
  }
}
