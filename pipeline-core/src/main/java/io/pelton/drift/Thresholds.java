package io.pelton.drift;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * What makes a feature drifted: one effect, and significance.
 *
 * @param psi least bias-adjusted PSI
 * @param ks least Kolmogorov-Smirnov distance of numbers
 * @param cramersV least effect of categories
 * @param level of the false discovery rate, over all that is looked at together
 */
public record Thresholds(double psi, double ks, double cramersV, double level)
    implements Serializable {
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

  /**
   * The largest effect as a multiple of its threshold: an effect from 1 on.
   *
   * @param distance KS of numbers, null where a side has no values
   * @param v Cramér's V of categories
   */
  public double excess(double psiAdjusted, @Nullable Double distance, @Nullable Double v) {
    double excess = psiAdjusted / psi;
    excess = distance == null ? excess : Math.max(excess, distance / ks);
    return v == null ? excess : Math.max(excess, v / cramersV);
  }

  /** The same of what was measured. */
  public double excess(ColumnMeasures measures) {
    return measures instanceof Measures numbers
        ? excess(numbers.psiAdjusted(), numbers.ks(), null)
        : excess(measures.psiAdjusted(), null, ((CategoryMeasures) measures).cramersV());
  }

  /** Whether there is an effect, and it is significant. */
  public boolean drifted(ColumnMeasures measures, double qValue) {
    return qValue <= level && excess(measures) >= 1;
  }
}
