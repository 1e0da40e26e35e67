package io.pelton.benchmarks;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * What became of the events of a run in which versions were changed. An event belongs to a command
 * when it was to be sent between the command and the job's word on it, or within the window behind
 * the command; to one of a shadow, when it was to be sent after the job's word and within the
 * window. The others are the steady state.
 */
final class SwapFigures {
  private final OpenLoop.Run run;
  private final List<Swap> swaps;
  private final long window;

  /** For each event the last command before it was to be sent, or -1. */
  private final int[] before;

  /** The same, where the event belongs to it. */
  private final int[] during;

  /**
   * @param swaps in their order
   * @param window nanoseconds
   */
  SwapFigures(OpenLoop.Run run, List<Swap> swaps, long window) {
    this.run = run;
    this.swaps = swaps;
    this.window = window;
    before = new int[run.events()];
    during = new int[run.events()];
    int last = -1;
    for (int number = 0; number < during.length; number++) {
      long due = run.due(number);
      while (last + 1 < swaps.size() && swaps.get(last + 1).asked() <= due) {
        last++;
      }
      before[number] = last;
      during[number] = last >= 0 && belongs(due, swaps.get(last)) ? last : -1;
    }
  }

  private boolean belongs(long due, Swap swap) {
    boolean begun = !swap.kind().lasts() || due > swap.answered();
    return begun && due <= Math.max(swap.answered(), swap.asked() + window);
  }

  /** Latencies between commands of a kind and the job's word on them, in order. */
  long[] until(Swap.Kind kind) {
    return latencies(
        number -> {
          int last = before[number];
          return last >= 0
              && swaps.get(last).kind() == kind
              && run.due(number) <= swaps.get(last).answered();
        });
  }

  /** Latencies without a command, in order. */
  long[] steady() {
    return latencies(number -> during[number] < 0);
  }

  /** Latencies during all commands, in order. */
  long[] during() {
    return latencies(number -> during[number] >= 0);
  }

  /** Latencies during commands of a kind, in order. */
  long[] during(Swap.Kind kind) {
    return latencies(number -> during[number] >= 0 && swaps.get(during[number]).kind() == kind);
  }

  private long[] latencies(IntPredicate which) {
    return IntStream.range(run.warmUp(), run.events())
        .filter(which)
        .mapToLong(run::latency)
        .sorted()
        .toArray();
  }

  /** From the command to the first prediction of the version that it brought, in order. */
  long[] effects(Swap.Kind kind) {
    return swaps.stream()
        .filter(swap -> swap.kind() == kind)
        .mapToLong(swap -> firstBy(swap) - swap.asked())
        .sorted()
        .toArray();
  }

  private long firstBy(Swap swap) {
    return IntStream.range(0, run.events())
        .filter(number -> run.versions()[number] == swap.serves())
        .mapToLong(number -> run.arrivals()[number])
        .filter(arrival -> arrival >= swap.asked())
        .min()
        .orElseThrow(() -> new IllegalStateException("no prediction by version " + swap.serves()));
  }

  /** From the command to the job's word on it, in order. */
  long[] answers(Swap.Kind kind) {
    return swaps.stream()
        .filter(swap -> swap.kind() == kind)
        .mapToLong(swap -> swap.answered() - swap.asked())
        .sorted()
        .toArray();
  }

  /**
   * Numbers of events that were sent after the job's word that a version serves, had their
   * prediction before the next command, and have it from another version.
   */
  int[] wrong() {
    return IntStream.range(0, run.events())
        .filter(
            number -> {
              int last = before[number];
              boolean answered = last < 0 || swaps.get(last).answered() <= run.due(number);
              boolean undisturbed =
                  last + 1 == swaps.size() || run.arrivals()[number] <= swaps.get(last + 1).asked();
              int serves = last < 0 ? SwapCommands.FIRST_VERSION : swaps.get(last).serves();
              return answered && undisturbed && run.versions()[number] != serves;
            })
        .toArray();
  }
}
