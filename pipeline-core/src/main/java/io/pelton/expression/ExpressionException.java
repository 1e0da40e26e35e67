package io.pelton.expression;

/** An expression that does not compile, or has no value for an event. */
public final class ExpressionException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ExpressionException(String message) {
    super(message, null, false, false);
  }
}
