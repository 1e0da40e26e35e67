package io.pelton.it;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/** Waits on a condition, not on time. */
final class Await {
  private static final Duration POLL = Duration.ofMillis(100);

  private Await() {}

  /**
   * @throws AssertionError when the condition did not hold within the time
   */
  static void until(String what, Duration within, Callable<Boolean> condition) {
    long deadline = System.nanoTime() + within.toNanos();
    Exception last = null;
    do {
      try {
        if (condition.call()) {
          return;
        }
        last = null;
      } catch (Exception e) {
        last = e;
      }
      LockSupport.parkNanos(POLL.toNanos());
    } while (System.nanoTime() < deadline);
    throw new AssertionError(what + ": not within " + within.toSeconds() + " s", last);
  }
}
