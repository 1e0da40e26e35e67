package io.pelton.table;

/** A reference table that cannot be used as it is: its message says all that is wrong with it. */
public final class InvalidTableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public InvalidTableException(String message) {
    super(message);
  }
}
