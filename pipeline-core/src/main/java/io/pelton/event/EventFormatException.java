package io.pelton.event;

/** An event that cannot be read; the message says what is wrong with it. */
public final class EventFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public EventFormatException(String message) {
    super(message, null, false, false);
  }
}
