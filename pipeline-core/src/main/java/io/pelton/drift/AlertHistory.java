package io.pelton.drift;

import io.pelton.pipeline.Persistence;
import java.util.Arrays;

/**
 * The last windows of one feature that decided something, and the alert that follows from them: it
 * opens when k of the last n windows drifted and resolves when none of them did.
 *
 * @param starts of the windows, oldest first, epoch milliseconds
 * @param drifted which of them drifted
 * @param since start of the first drifted window of the newest alert; 0 before there was one
 */
public record AlertHistory(long[] starts, boolean[] drifted, boolean open, long since) {
  public AlertHistory {
    if (starts.length != drifted.length) {
      throw new IllegalArgumentException(
          "%d windows have %d decisions; each must have one"
              .formatted(starts.length, drifted.length));
    }
  }

  /** Before the first window. */
  public static AlertHistory empty() {
    return new AlertHistory(new long[0], new boolean[0], false, 0);
  }

  /** The history after one more window; an alert changed state when {@code open} did. */
  public AlertHistory next(long windowStart, boolean windowDrifted, Persistence persistence) {
    int kept = Math.min(starts.length, persistence.n() - 1);
    long[] nextStarts = Arrays.copyOfRange(starts, starts.length - kept, starts.length + 1);
    boolean[] nextDrifted = Arrays.copyOfRange(drifted, drifted.length - kept, drifted.length + 1);
    nextStarts[kept] = windowStart;
    nextDrifted[kept] = windowDrifted;

    int count = 0;
    long first = 0;
    for (int i = kept; i >= 0; i--) {
      if (nextDrifted[i]) {
        count++;
        first = nextStarts[i];
      }
    }
    if (open) {
      return new AlertHistory(nextStarts, nextDrifted, count > 0, since);
    }
    return count >= persistence.k()
        ? new AlertHistory(nextStarts, nextDrifted, true, first)
        : new AlertHistory(nextStarts, nextDrifted, false, since);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof AlertHistory that
        && Arrays.equals(starts, that.starts)
        && Arrays.equals(drifted, that.drifted)
        && open == that.open
        && since == that.since;
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(starts);
  }
}
