package io.pelton.drift;

import java.util.Arrays;

/**
 * The last windows of one feature that decided something, and the alert that follows from them: it
 * opens when k of the last n windows drifted, and resolves when none of them did.
 *
 * @param starts of the windows, oldest first, epoch milliseconds
 * @param drifted which of them drifted
 * @param since start of the first drifted window of the newest alert; 0 before there was one
 * @param critical whether any window of the newest alert was
 * @param resolved start of the window that resolved the newest alert; {@link Long#MIN_VALUE} before
 *     there was one
 */
public record AlertHistory(
    long[] starts, boolean[] drifted, boolean open, long since, boolean critical, long resolved) {
  public AlertHistory {
    if (starts.length != drifted.length) {
      throw new IllegalArgumentException(
          "%d windows have %d decisions; each must have one"
              .formatted(starts.length, drifted.length));
    }
  }

  /** What became of a window. */
  public enum Verdict {
    NORMAL,
    DRIFTED,
    /** Drifted by far. */
    CRITICAL
  }

  /** Before the first window. */
  public static AlertHistory empty() {
    return new AlertHistory(new long[0], new boolean[0], false, 0, false, Long.MIN_VALUE);
  }

  /**
   * The history after one more window, or after a later revision of one of them; an alert changed
   * state when {@code open} did, and severity when {@code critical} did while it is open.
   *
   * @param coolDown milliseconds from the window that resolved an alert to the first that may open
   *     another
   */
  public AlertHistory next(
      long windowStart, Verdict verdict, Persistence persistence, long coolDown) {
    int at = Arrays.binarySearch(starts, windowStart);
    long[] nextStarts = starts;
    boolean[] nextDrifted = drifted.clone();
    if (at < 0) {
      at = -at - 1;
      nextStarts = inserted(at, windowStart);
      nextDrifted = new boolean[nextStarts.length];
      System.arraycopy(drifted, 0, nextDrifted, 0, at);
      System.arraycopy(drifted, at, nextDrifted, at + 1, drifted.length - at);
    }
    nextDrifted[at] = verdict != Verdict.NORMAL;
    int dropped = Math.max(0, nextStarts.length - persistence.n());
    nextStarts = Arrays.copyOfRange(nextStarts, dropped, nextStarts.length);
    nextDrifted = Arrays.copyOfRange(nextDrifted, dropped, nextDrifted.length);

    int count = 0;
    long first = 0;
    for (int i = nextStarts.length - 1; i >= 0; i--) {
      if (nextDrifted[i]) {
        count++;
        first = nextStarts[i];
      }
    }
    boolean nowCritical = verdict == Verdict.CRITICAL;
    if (open) {
      return new AlertHistory(
          nextStarts,
          nextDrifted,
          count > 0,
          since,
          critical || nowCritical,
          count > 0 ? resolved : windowStart);
    }
    boolean mayOpen = resolved == Long.MIN_VALUE || windowStart - resolved >= coolDown;
    return count >= persistence.k() && mayOpen
        ? new AlertHistory(nextStarts, nextDrifted, true, first, nowCritical, resolved)
        : new AlertHistory(nextStarts, nextDrifted, false, since, critical, resolved);
  }

  private long[] inserted(int at, long windowStart) {
    long[] inserted = new long[starts.length + 1];
    System.arraycopy(starts, 0, inserted, 0, at);
    inserted[at] = windowStart;
    System.arraycopy(starts, at, inserted, at + 1, starts.length - at);
    return inserted;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof AlertHistory that
        && Arrays.equals(starts, that.starts)
        && Arrays.equals(drifted, that.drifted)
        && open == that.open
        && since == that.since
        && critical == that.critical
        && resolved == that.resolved;
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(starts);
  }
}
