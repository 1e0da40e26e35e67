package io.pelton.benchmarks;

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
    ROLLBACK("rollback");

    private final String words;

    Kind(String words) {
      this.words = words;
    }

    String words() {
      return words;
    }
  }
}
