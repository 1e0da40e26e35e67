package io.pelton.feature;

import io.pelton.expression.Expression;
import org.jspecify.annotations.Nullable;

/**
 * An expression that fills a place in a row's values.
 *
 * @param field where other expressions read it among the extended event's fields, -1 for nowhere
 * @param otherwise the value when the expression has none; NaN for a missing one
 */
record Computed(Expression expression, int column, int field, double otherwise) {
  void compute(double[] values, @Nullable Object[] fields, long time) {
    double value = expression.number(fields, time);
    if (Double.isNaN(value)) {
      value = otherwise;
    }
    values[column] = value;
    if (field >= 0) {
      fields[field] = Double.isNaN(value) ? null : (Double) value;
    }
  }
}
