package io.pelton.cli;

import java.io.IOException;

/** The user gave something that cannot be used; the message says what, why, and what would do. */
final class InputException extends IOException {
  private static final long serialVersionUID = 1L;

  InputException(String message) {
    super(message);
  }

  InputException(Exception cause) {
    super(cause.getMessage(), cause);
  }
}
