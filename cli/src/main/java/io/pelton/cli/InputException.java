package io.pelton.cli;

/** A usage or input error: its message tells the user what is wrong and what to do. */
final class InputException extends Exception {
  private static final long serialVersionUID = 1L;

  InputException(String message) {
    super(message);
  }

  InputException(Exception cause) {
    super(cause.getMessage(), cause);
  }
}
