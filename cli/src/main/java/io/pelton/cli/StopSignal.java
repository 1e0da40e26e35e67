package io.pelton.cli;

import sun.misc.Signal;

/**
 * Ctrl-C and a polite kill, taken as a wish to stop in order. A shutdown hook would come too late:
 * Flink's own hooks run beside it and take away what a savepoint needs.
 */
final class StopSignal {
  private StopSignal() {}

  /**
   * Runs {@code action} in a thread of its own at the first signal; a second one ends the process
   * at once.
   */
  static void onStop(Runnable action) {
    for (String name : new String[] {"INT", "TERM"}) {
      Signal.handle(
          new Signal(name),
          signal -> {
            Signal.handle(signal, again -> Runtime.getRuntime().halt(128 + again.getNumber()));
            Thread thread = new Thread(action, "pelton-stop");
            thread.setDaemon(true);
            thread.start();
          });
    }
  }
}
