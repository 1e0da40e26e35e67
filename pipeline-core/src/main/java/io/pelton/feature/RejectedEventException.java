package io.pelton.feature;

import io.pelton.pipeline.Otherwise;
import org.jspecify.annotations.Nullable;

/**
 * An event that cannot become a feature row: it belongs in the dead letters, or stops the job when
 * the rule that it breaks says so.
 */
public final class RejectedEventException extends Exception {
  private static final long serialVersionUID = 1L;

  /** The reason of an event or row that breaks a rule, a constraint or a bound. */
  public static final String RULE = "rule";

  private final String reason;
  private final @Nullable String rule;
  private final @Nullable String eventId;
  private final boolean fatal;

  RejectedEventException(
      String reason, String detail, @Nullable String rule, @Nullable String eventId) {
    this(reason, detail, rule, eventId, false);
  }

  private RejectedEventException(
      String reason,
      String detail,
      @Nullable String rule,
      @Nullable String eventId,
      boolean fatal) {
    super(detail, null, false, false);
    this.reason = reason;
    this.rule = rule;
    this.eventId = eventId;
    this.fatal = fatal;
  }

  /** An event that breaks a rule whose policy is {@code dead-letter} or {@code fail}. */
  static RejectedEventException brokenRule(
      String rule, String detail, @Nullable String eventId, Otherwise otherwise) {
    return new RejectedEventException(RULE, detail, rule, eventId, otherwise == Otherwise.FAIL);
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

  /** Whether the job has to stop: the broken rule's policy is {@code fail}. */
  public boolean fatal() {
    return fatal;
  }
}
