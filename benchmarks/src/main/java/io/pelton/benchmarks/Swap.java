package io.pelton.benchmarks;

import java.util.List;

/**
 * A command that was given while events were sent. Times are those of {@link System#nanoTime}.
 *
 * @param serves version that is to score from then on
 * @param asked before it was written
 * @param answered when the job's status of it was read
 */
record Swap(Kind kind, int serves, long asked, long answered) {
  /** What is asked for, and must become of it. */
  enum Kind {
    DEPLOY("deploy"),
    REFUSED("refused deploy"),
    ROLLBACK("rollback"),
    SLOW_SHADOW("slow shadow"),
    FAILING_SHADOW("failing shadow"),
    NO_SHADOW("end of the shadow");

    /** A good version, one that is refused, and back. */
    static final List<Kind> SWAPS = List.of(DEPLOY, REFUSED, ROLLBACK);

    /** Shadows, and none. */
    static final List<Kind> SHADOWS = List.of(SLOW_SHADOW, NO_SHADOW, FAILING_SHADOW, NO_SHADOW);

    private final String words;

    /** Whether what is asked for is from the job's word on, and not the change to it. */
    boolean lasts() {
      return this == SLOW_SHADOW || this == FAILING_SHADOW || this == NO_SHADOW;
    }

    Kind(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }
  }
}
