package io.pelton.feature;

import io.pelton.expression.Expression;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An expression that fills a place in a row's values.
 *
 * @param field where other expressions read it among the extended event's fields, -1 for nowhere
 * @param otherwise the value when the expression has none; NaN for a missing one
 * @param bounds what holds for it, null when anything may be
 */
record Computed(
    Expression expression,
    int column,
    int field,
    double otherwise,
    @Nullable FeatureBounds bounds) {
  /**
   * @param replaced is told the rule for which a default took the place of the value
   * @throws RejectedEventException when it is out of bounds, and no default mends it
   */
  void compute(
      double[] values,
      @Nullable Object[] fields,
      long time,
      String eventId,
      Consumer<String> replaced)
      throws RejectedEventException {
    double value = expression.number(fields, time);
    values[column] = Double.isNaN(value) ? otherwise : value;
    if (bounds != null) {
      bounds.check(values, eventId, replaced);
    }
    if (field >= 0) {
      fields[field] = Double.isNaN(values[column]) ? null : (Double) values[column];
    }
  }
}
