package io.pelton.drift.compare;

import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.Thresholds;
import java.util.Locale;

/**
 * A column of two data sets.
 *
 * @param measures of a text, of its length in code points
 * @param qValue the p-value, adjusted over all columns
 * @param drifted whether an effect is over its threshold, and {@code qValue} at or below the level
 */
public record ColumnComparison(
    String name, Type type, ColumnMeasures measures, double qValue, boolean drifted) {
  /** What its values are taken for. */
  public enum Type {
    /** Every value that is there parses as a number. */
    NUMERIC,
    CATEGORICAL,
    /** Too many different values to be categories. */
    TEXT;

    /** Word in reports. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  ColumnComparison decided(double adjusted, Thresholds thresholds) {
    return new ColumnComparison(
        name, type, measures, adjusted, thresholds.drifted(measures, adjusted));
  }
}
