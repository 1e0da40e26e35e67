package io.pelton.drift.plan;

import org.jspecify.annotations.Nullable;

/**
 * What becomes of one column.
 *
 * @param driftRate how often a window drifts by chance
 * @param alertRate how many alerts open a window by chance, at most
 * @param binding what an alarm takes more of
 * @param leastSignificant distance (KS of numbers, Cramér's V of categories) from which a window is
 *     significant, as the only column that drifted
 * @param ownMinimum rows from which an effect at its threshold is significant; null where the
 *     reference has too few for any
 * @param oneWindow change that one window shows; null where none is seen
 * @param persisting change that opens an alert within n windows
 */
public record ColumnPlan(
    String name,
    Kind kind,
    long rows,
    double driftRate,
    double alertRate,
    Binding binding,
    double leastSignificant,
    @Nullable Long ownMinimum,
    @Nullable Change oneWindow,
    @Nullable Change persisting,
    @Nullable Double missingInOneWindow,
    @Nullable Double missingPersisting) {
  /** What a column's values are. */
  public enum Kind {
    NUMERIC,
    CATEGORICAL
  }

  /** Which of the two conditions asks for more. */
  public enum Binding {
    EFFECT,
    SIGNIFICANCE
  }

  /**
   * The smallest change that is seen with the probability that was asked for.
   *
   * @param size of numbers the shift in standard deviations, of categories the share of rows that
   *     get a value that was not there
   * @param distance true KS, or Cramér's V
   * @param psi true one
   */
  public record Change(double size, double distance, double psi) {}
}
