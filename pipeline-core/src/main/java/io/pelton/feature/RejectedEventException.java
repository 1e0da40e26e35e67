package io.pelton.feature;

import org.jspecify.annotations.Nullable;

/** An event that cannot become a feature row: it belongs in the dead letters. */
public final class RejectedEventException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String reason;
  private final @Nullable String rule;
  private final @Nullable String eventId;

  RejectedEventException(
      String reason, String detail, @Nullable String rule, @Nullable String eventId) {
    super(detail, null, false, false);
    this.reason = reason;
    this.rule = rule;
    this.eventId = eventId;
  }

  /** A short stable code, as in the dead letter's {@code reason}. */
  public String reason() {
    return reason;
  }

  /** What is wrong, in words. */
  public String detail() {
    return String.valueOf(getMessage());
  }

  /** Name of the broken rule, null when it was none. */
  public @Nullable String rule() {
    return rule;
  }

  /** The event's id, null when it has none. */
  public @Nullable String eventId() {
    return eventId;
  }
}
