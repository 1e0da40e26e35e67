package io.pelton.expression;

import java.util.List;
import java.util.ServiceLoader;

/**
 * A function of the user's own, for every expression of a pipeline file. It is found by {@link
 * ServiceLoader}: a class on the class path that is named in {@code
 * META-INF/services/io.pelton.expression.ExpressionFunction}.
 *
 * <p>Its result may depend on its arguments alone: expressions are computed in streams, batches and
 * replays, which must agree. It may be called by several threads, and more than once for an event.
 */
public interface ExpressionFunction {
  /** As expressions write it: letters, digits and underscores, no digit first. */
  String name();

  /**
   * Types of the arguments, each {@code Double.class}, {@code Long.class}, {@code Boolean.class} or
   * {@code String.class}: CEL's double, int, bool and string.
   */
  List<Class<?>> parameters();

  /** Type of the result, one of the same. */
  Class<?> result();

  /**
   * Computes the function; never called with a null: an expression with a null argument has no
   * value.
   *
   * @return never null; a {@code Double} that is NaN is a missing value
   * @throws RuntimeException when it has no value; the event becomes a dead letter with its message
   */
  Object apply(Object[] arguments);
}
