package io.pelton.benchmarks;

import java.io.IOException;

/** The user gave data or options that cannot be measured; the message says which, and why. */
final class InputException extends IOException {
  private static final long serialVersionUID = 1L;

  InputException(Exception cause) {
    super(cause.getMessage(), cause);
  }

  InputException(String message) {
    super(message);
  }
}
