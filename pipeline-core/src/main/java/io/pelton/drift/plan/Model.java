package io.pelton.drift.plan;

import io.pelton.drift.plan.ColumnPlan.Change;
import java.util.function.DoubleUnaryOperator;
import org.jspecify.annotations.Nullable;

/** How the decisions on one column come out, by the distributions of what they rest on. */
interface Model {
  int STEPS = 50;

  static Model of(Column column, Request request, int columns) {
    double level = request.thresholds().level() / columns / request.groups();
    return column instanceof Column.Numbers numbers
        ? new NumbersModel(numbers.profile(), request, level)
        : new CategoriesModel((Column.Categories) column, request, level);
  }

  ColumnPlan.Kind kind();

  /** How often a window drifts by chance. */
  double driftRate();

  /** The least distance that is significant where no other column drifted. */
  double leastSignificant();

  /** Whether it has an effect too. */
  boolean significanceBinds();

  /** Probability that a change is seen in a window; grows with its size. */
  double seen(double size);

  /** Of all sizes the largest that is looked at. */
  double largest();

  Change change(double size);

  /** Probability that it is seen when a share of the values goes missing. */
  double seenMissing(double share);

  /** The smallest change that is seen with a probability; null where not even the largest is. */
  static @Nullable Double smallest(DoubleUnaryOperator seen, double largest, double wanted) {
    if (!(seen.applyAsDouble(largest) >= wanted)) {
      return null;
    }
    double low = 0;
    double high = largest;
    for (int step = 0; step < STEPS; step++) {
      double middle = (low + high) / 2;
      if (seen.applyAsDouble(middle) >= wanted) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return high;
  }
}
