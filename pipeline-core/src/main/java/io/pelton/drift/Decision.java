package io.pelton.drift;

import io.pelton.drift.AlertHistory.Verdict;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of one feature, of one segment and model version, in a window: all that was looked at
 * in it is decided together.
 *
 * @param qValue p-value, adjusted over the window for the false discovery rate
 * @param excess largest effect as a multiple of its threshold
 */
public record Decision(double qValue, double excess, Verdict verdict) {
  /** A multiple of an effect's threshold from which drift is critical. */
  public static final double CRITICAL = 2;

  /**
   * What a decision rests on.
   *
   * @param count rows of the window, missing ones included
   * @param ks of numbers, null where a side has no values
   * @param cramersV of categories
   */
  public record Evidence(
      long count,
      double pValue,
      double psiAdjusted,
      @Nullable Double ks,
      @Nullable Double cramersV) {
    /** That of what was measured. */
    public static Evidence of(ColumnMeasures measures) {
      return new Evidence(
          measures.currentCount(),
          measures.pValue(),
          measures.psiAdjusted(),
          measures instanceof Measures numbers ? numbers.ks() : null,
          measures instanceof CategoryMeasures categories ? (Double) categories.cramersV() : null);
    }
  }

  /**
   * Decides on a window; decisions are in the order of the evidence.
   *
   * @param window all features, segments and versions of it
   * @param minimumCount what has fewer rows counts among the tests, but never drifts
   */
  public static List<Decision> of(List<Evidence> window, Thresholds thresholds, long minimumCount) {
    double[] qValues =
        FalseDiscovery.adjust(window.stream().mapToDouble(Evidence::pValue).toArray());
    List<Decision> decisions = new ArrayList<>(qValues.length);
    for (int i = 0; i < qValues.length; i++) {
      Evidence evidence = window.get(i);
      double excess = thresholds.excess(evidence.psiAdjusted, evidence.ks, evidence.cramersV);
      boolean drifted =
          evidence.count >= minimumCount && qValues[i] <= thresholds.level() && excess >= 1;
      Verdict verdict = excess >= CRITICAL ? Verdict.CRITICAL : Verdict.DRIFTED;
      decisions.add(new Decision(qValues[i], excess, drifted ? verdict : Verdict.NORMAL));
    }
    return decisions;
  }

  /** Whether it drifted, by however much. */
  public boolean drifted() {
    return verdict != Verdict.NORMAL;
  }
}
