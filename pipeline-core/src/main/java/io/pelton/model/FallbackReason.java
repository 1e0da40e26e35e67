package io.pelton.model;

import java.util.Locale;

/** Why a version did not score the rows that were meant for it. */
public enum FallbackReason {
  /** Its inference took too long. */
  TIMEOUT,
  /** It was left alone, for it had kept failing or a call had not ended. */
  BREAKER_OPEN,
  /** It could score none of the rows, nor one of zeros. */
  FAILED;

  private final String label = name().toLowerCase(Locale.ROOT).replace('_', '-');

  /** As predictions carry it. */
  public String label() {
    return label;
  }

  /**
   * @throws IllegalArgumentException when there is no such reason
   */
  public static FallbackReason of(String label) {
    for (FallbackReason reason : values()) {
      if (reason.label.equals(label)) {
        return reason;
      }
    }
    throw new IllegalArgumentException(
        "fallback is \"" + label + "\"; it must be timeout, breaker-open or failed");
  }
}
