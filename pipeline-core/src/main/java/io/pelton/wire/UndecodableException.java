package io.pelton.wire;

/** Bytes that are not the record they should be. The message says what is wrong with them. */
public final class UndecodableException extends Exception {
  private static final long serialVersionUID = 1;

  /** Reason code of a dead letter whose bytes cannot be read. */
  public static final String UNDECODABLE = "undecodable";

  /** Reason code of a dead letter whose writer's schema no store knows. */
  public static final String UNKNOWN_SCHEMA = "unknown-schema";

  private final String reason;

  public UndecodableException(String reason, String message) {
    super(message);
    this.reason = reason;
  }

  public UndecodableException(String message, Throwable cause) {
    super(message, cause);
    this.reason = UNDECODABLE;
  }

  /** {@link #UNDECODABLE} or {@link #UNKNOWN_SCHEMA}: the reason on the dead letter. */
  public String reason() {
    return reason;
  }
}
