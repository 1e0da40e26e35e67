package io.pelton.expression;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A compiled expression over one event. */
public interface Expression {
  /** The expression as written. */
  String source();

  /** Names of the event's fields that it reads. */
  Set<String> fields();

  /**
   * Value as a number: booleans are 1 and 0; NaN is missing: a null field made it so.
   *
   * @param fields the event's fields in its schema's order
   * @param time the event's time, epoch milliseconds
   * @throws ExpressionException when it has no value for this event, such as a division by zero
   */
  double number(@Nullable Object[] fields, long time);

  /**
   * Value as a truth; false when a null field leaves it without one.
   *
   * @throws ExpressionException when it has no value for this event
   */
  boolean truth(@Nullable Object[] fields, long time);

  /**
   * Value as it is: Double, Long, Boolean, String or null for a missing one.
   *
   * @throws ExpressionException when it has no value for this event
   */
  @Nullable Object value(@Nullable Object[] fields, long time);
}
