package io.pelton.cli;

import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How fast events are sent: at a rate, as event time goes by sped up, or as fast as can be. */
final class Pace {
  private static final Pattern TEXT = Pattern.compile("max|(x?)(\\d{1,12}(?:\\.\\d{1,6})?)");

  /** Wake-ups more often than this cost more than they smooth. */
  private static final long SHORTEST_NANOS = 500_000;

  private static final long LONGEST_GAP = 86_400_000;

  private final double perSecond;
  private final double speedUp;
  private long startNanos = -1;
  private long firstTime = Long.MIN_VALUE;
  private long newest;
  private long ahead;

  private Pace(double perSecond, double speedUp) {
    this.perSecond = perSecond;
    this.speedUp = speedUp;
  }

  /**
   * @param text {@code 1000} (events a second), {@code x3600} (times event time) or {@code max}
   * @throws IllegalArgumentException when it is none of these
   */
  static Pace of(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "--rate \"" + text + "\" is no rate; write 1000 (events a second), x3600 or max");
    }
    String number = matcher.group(2);
    if (number == null) {
      return new Pace(0, 0);
    }
    double value = Double.parseDouble(number);
    if (value <= 0) {
      throw new IllegalArgumentException("--rate \"" + text + "\" must be more than 0");
    }
    return matcher.group(1).isEmpty() ? new Pace(value, 0) : new Pace(0, value);
  }

  /**
   * Waits until the next event is due.
   *
   * @param sent events sent before it
   * @param time its event time, epoch milliseconds; 0 when it has none: it is due at once. So is
   *     one more than a day after all before: either its time is wrong, or, when the next lies
   *     there too, nothing happened for long, and nobody wants to wait for that
   */
  void await(long sent, long time) {
    if (startNanos < 0) {
      startNanos = System.nanoTime();
    }
    if (speedUp > 0 && !follows(time)) {
      return;
    }
    double due;
    if (perSecond > 0) {
      due = sent / perSecond * 1e9;
    } else if (speedUp > 0) {
      due = (time - firstTime) / speedUp * 1e6;
    } else {
      return;
    }
    long wait = startNanos + (long) due - System.nanoTime();
    while (wait > SHORTEST_NANOS) {
      LockSupport.parkNanos(wait);
      wait = startNanos + (long) due - System.nanoTime();
    }
  }

  /** Whether a time goes on from those before. */
  private boolean follows(long time) {
    if (time == 0) {
      return false;
    }
    if (firstTime == Long.MIN_VALUE) {
      firstTime = time;
      newest = time;
    }
    if (time - newest > LONGEST_GAP) {
      boolean gap = Math.abs(time - ahead) <= LONGEST_GAP;
      ahead = time;
      if (!gap) {
        return false;
      }
      firstTime += time - newest;
    }
    newest = Math.max(newest, time);
    return true;
  }
}
