package io.pelton.model;

/** A model could not score a batch; a smaller one may still work. */
public final class ScoringException extends Exception {
  private static final long serialVersionUID = 1L;

  public ScoringException(String message) {
    super(message);
  }

  public ScoringException(String message, Throwable cause) {
    super(message, cause);
  }
}
