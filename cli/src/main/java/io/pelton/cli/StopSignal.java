package io.pelton.cli;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Ctrl-C and a polite kill, taken as a wish to stop in order. A shutdown hook would come too late:
 * Flink's own hooks run beside it and take away what a savepoint needs.
 */
final class StopSignal {
  private static final Duration TOGETHER = Duration.ofMillis(500);

  /** Signals that are taken, until it is closed. */
  interface Taken extends AutoCloseable {
    @Override
    void close();
  }

  private StopSignal() {}

  /**
   * Runs {@code action} in a thread of its own at the first signal; a later one ends the process at
   * once, but not one that comes with the first, as a process and its group may both get one.
   *
   * @return takes the signals as they were taken before when it is closed
   */
  static Taken onStop(Runnable action) {
    AtomicLong first = new AtomicLong();
    SignalHandler handler =
        signal -> {
          if (first.compareAndSet(0, System.nanoTime())) {
            Thread thread = new Thread(action, "pelton-stop");
            thread.setDaemon(true);
            thread.start();
          } else if (System.nanoTime() - first.get() > TOGETHER.toNanos()) {
            Runtime.getRuntime().halt(128 + signal.getNumber());
          }
        };
    Signal interrupt = new Signal("INT");
    Signal terminate = new Signal("TERM");
    SignalHandler onInterrupt = Signal.handle(interrupt, handler);
    SignalHandler onTerminate = Signal.handle(terminate, handler);
    return () -> {
      Signal.handle(interrupt, onInterrupt);
      Signal.handle(terminate, onTerminate);
    };
  }
}
