package io.pelton.model;

import java.io.IOException;

/** A model version cannot serve; the message says which, why, and what would mend it. */
public final class ModelLoadException extends IOException {
  private static final long serialVersionUID = 1L;

  public ModelLoadException(String message) {
    super(message);
  }

  public ModelLoadException(String message, Throwable cause) {
    super(message, cause);
  }
}
