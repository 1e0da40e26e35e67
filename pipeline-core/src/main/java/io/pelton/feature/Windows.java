package io.pelton.feature;

import io.pelton.aggregate.Accumulator;
import java.util.Arrays;
import java.util.stream.DoubleStream;

/**
 * Computes the aggregates of windows from where their edges are and what has passed them. What
 * cannot be known from that is looked for among the window's events: the least and greatest values
 * of the one block in which a window begins, and, where edges were moved back for a late event, all
 * that does not move with them.
 */
final class Windows {
  private static final int LOOKED = 3;

  private final EntityPlan plan;
  private final Chain chain;
  private final long[] running;
  private final Edges edges;
  private final Parts parts;

  // Of the window at hand.
  private final Total sums = new Total(false);
  private final Total squares = new Total(true);

  /**
   * Of each least or greatest value of a window, side by side: up to which address the block in
   * which it begins was looked through, where the best was found, Parts.UNKNOWN when there was
   * none, and its bits. Made anew when lost, so it is not kept in state.
   */
  private final long[] looked;

  Windows(EntityPlan plan, Chain chain, Edges edges, Parts parts) {
    this.plan = plan;
    this.chain = chain;
    this.edges = edges;
    this.parts = parts;
    running = edges.running;
    looked = new long[LOOKED * plan.beginnings];
    disturbed();
  }

  /** What was found by looking through events may not hold any more. */
  void disturbed() {
    Arrays.fill(looked, Parts.UNKNOWN);
  }

  /**
   * Fills in features of an event.
   *
   * @param inOrder whether the edges are where the newest event is
   */
  void compute(EntityPlan.Output[] outputs, FeatureRow row, boolean inOrder) {
    for (EntityPlan.Output output : outputs) {
      if (output.map() >= 0) {
        row.maps[output.map()] = accumulator(output, inOrder).map(row.time);
      } else {
        double value = value(output, row, inOrder);
        row.values[output.column()] = Double.isNaN(value) ? output.whenEmpty() : value;
      }
    }
  }

  private double value(EntityPlan.Output output, FeatureRow row, boolean inOrder) {
    int all = plan.series.length;
    int newer = plan.totalAt[output.newer() * all + output.series()];
    int older = plan.totalAt[output.older() * all + output.series()];
    long count = running[newer] - running[older];
    if (count == 0) {
      return Double.NaN;
    }
    if (output.accumulated()) {
      Accumulator accumulator = accumulator(output, inOrder || plan.tile == 0);
      if (accumulator instanceof Quantiles quantiles && quantiles.mustRefill()) {
        quantiles.refill(values(output));
      }
      return accumulator.number(row.time);
    }
    return switch (output.function()) {
      case COUNT -> count;
      case SUM, MEAN, SHARE -> total(output, sums, newer, older, row);
      case VARIANCE, STDDEV, Z_SCORE -> total(output, squares, newer, older, row);
      // One zero, whichever of two came into a block.
      case MIN, MAX -> (inOrder ? extreme(output) : extremeAnew(output)) + 0.0;
      case FIRST -> first(output, inOrder);
      case LAST ->
          inOrder
              ? Double.longBitsToDouble(parts.latest[3 * output.part() + 2])
              : last(output, false);
      case TIME_SINCE_LAST ->
          (row.time - (inOrder ? parts.latest[3 * output.part() + 1] : (long) last(output, true)))
              / 1_000.0;
      case DISTINCT ->
          inOrder
              ? parts.seen[output.part()].counts[output.window()]
              : Arrays.stream(values(output)).map(v -> v + 0.0).distinct().count();
      default -> throw new IllegalStateException(output.function() + " is of an accumulator");
    };
  }

  private double total(
      EntityPlan.Output output, Total total, int newer, int older, FeatureRow row) {
    Unfit rest = edges.unfit(output.series(), output.newer(), output.older());
    total.between(running, newer, older, rest);
    double current = output.current() < 0 ? Double.NaN : row.values[output.current()];
    return Aggregates.of(output.function(), total, current);
  }

  // ---- Least and greatest ----

  private double extreme(EntityPlan.Output output) {
    Extremes known = parts.extremes[output.part()];
    long from = running[output.older()];
    long to = running[output.newer()];
    long block = Addresses.block(from);
    long end = Math.min(to, Addresses.of(block + 1, 0));
    double value = ofFirstBlock(output, known, from, end);
    if (Addresses.block(to) > block) {
      double after = known.after(block);
      if (Double.isNaN(value) || known.beats(after, value)) {
        value = after;
      }
    }
    return value;
  }

  /** The extreme at the addresses [from, end) of one block. */
  private double ofFirstBlock(EntityPlan.Output output, Extremes known, long from, long end) {
    int at = LOOKED * output.window();
    if (looked[at + 1] != Parts.UNKNOWN && looked[at + 1] < from) {
      // The best has left the window.
      looked[at] = from;
      looked[at + 1] = Parts.UNKNOWN;
    }
    double value =
        looked[at + 1] == Parts.UNKNOWN ? Double.NaN : Double.longBitsToDouble(looked[at + 2]);
    return looked[at] >= end ? value : lookOn(output, known, from, end, at, value);
  }

  private double lookOn(
      EntityPlan.Output output, Extremes known, long from, long end, int at, double found) {
    Series series = plan.series[output.series()];
    Block block = edges.at(output.older());
    boolean open = block == chain.open;
    int stop =
        Addresses.sameBlock(from, end) ? Math.min(Addresses.index(end), block.size) : block.size;
    // The newest tile still changes: it is looked at again.
    boolean changes = plan.tile > 0 && open && stop == block.size && stop > 0;
    int last = changes ? stop - 1 : stop;
    long start = Addresses.of(Addresses.block(from), 0);
    double best = found;
    for (int i = Addresses.index(Math.max(looked[at], from)); i < last; i++) {
      if (series.present(block, i)) {
        double value = series.extreme(block, i, known.least);
        if (Double.isNaN(best) || known.beats(value, best)) {
          best = value;
          looked[at + 1] = start + i;
          looked[at + 2] = Double.doubleToLongBits(value);
        }
      }
    }
    looked[at] = Math.max(looked[at], open || stop < block.size ? start + last : end);
    if (changes && start + last >= from && series.present(block, last)) {
      double newest = series.extreme(block, last, known.least);
      return Double.isNaN(best) || known.beats(newest, best) ? newest : best;
    }
    return best;
  }

  private double extremeAnew(EntityPlan.Output output) {
    Series series = plan.series[output.series()];
    Extremes known = parts.extremes[output.part()];
    double[] found = {Double.NaN};
    scan(
        output,
        (block, index) -> {
          double value = series.extreme(block, index, known.least);
          found[0] = Double.isNaN(found[0]) || known.beats(value, found[0]) ? value : found[0];
          return true;
        });
    return found[0];
  }

  // ---- First and last ----

  private double first(EntityPlan.Output output, boolean inOrder) {
    long[] earliest = parts.earliest;
    long from = running[output.older()];
    int slot = 2 * output.part();
    if (inOrder) {
      if (earliest[slot + 1] >= from) {
        from = earliest[slot + 1];
      } else {
        from = Math.max(from, earliest[slot]);
      }
    }
    Series series = plan.series[output.series()];
    double[] value = {Double.NaN};
    long found =
        scan(
            output,
            from,
            (block, index) -> {
              value[0] = series.first(block, index);
              return false;
            });
    if (inOrder) {
      earliest[slot] = found;
      earliest[slot + 1] = found;
    }
    return value[0];
  }

  /** Value, or time, of the last event of a window. */
  private double last(EntityPlan.Output output, boolean time) {
    Series series = plan.series[output.series()];
    double[] last = {Double.NaN};
    scan(
        output,
        (block, index) -> {
          last[0] = time ? series.lastTime(block, index) : series.last(block, index);
          return true;
        });
    return last[0];
  }

  // ---- Accumulators ----

  private Accumulator accumulator(EntityPlan.Output output, boolean inOrder) {
    if (!inOrder) {
      return anew(output);
    }
    if (plan.tile == 0) {
      return parts.accumulators[output.part()];
    }
    return parts.merged[output.part()].whole(
        Addresses.block(running[output.older()]),
        (accumulator, first, last) -> mergeTiles(output, accumulator, first, last));
  }

  /** A window's state from its events in order: those that moved back came in another order. */
  private Accumulator anew(EntityPlan.Output output) {
    EntityPlan.AccumulatorPart part = plan.accumulators[output.part()];
    Accumulator accumulator = part.create(plan.tile > 0);
    if (plan.tile > 0) {
      mergeTiles(output, accumulator, Long.MIN_VALUE, Long.MAX_VALUE);
      return accumulator;
    }
    Series series = plan.series[output.series()];
    scan(
        output,
        (block, index) -> {
          String text = part.text() < 0 ? null : block.texts[part.text()][index];
          if (part.text() < 0 || text != null) {
            accumulator.add(series.value(block, index), text, block.time(index));
          }
          return true;
        });
    return accumulator;
  }

  /** Merges the window's tiles in blocks from {@code first} to {@code last}. */
  private void mergeTiles(
      EntityPlan.Output output, Accumulator accumulator, long first, long last) {
    long from = Math.max(running[output.older()], Addresses.of(Math.max(first, 0), 0));
    long to = running[output.newer()];
    for (long address = from; address < to && Addresses.block(address) <= last; ) {
      long number = Addresses.block(address);
      Block block = chain.block(number);
      for (int index = Addresses.index(address);
          index < block.size && Addresses.of(number, index) < to;
          index++) {
        Accumulator bag = parts.bag(output.part(), block, index);
        if (bag != null) {
          accumulator.merge(bag);
        }
      }
      address = Addresses.of(number + 1, 0);
    }
  }

  /** All values of a window. */
  private double[] values(EntityPlan.Output output) {
    Series series = plan.series[output.series()];
    DoubleStream.Builder values = DoubleStream.builder();
    scan(
        output,
        (block, index) -> {
          values.add(series.value(block, index));
          return true;
        });
    return values.build().toArray();
  }

  private interface Visitor {
    /** Whether to go on. */
    boolean visit(Block block, int index);
  }

  private void scan(EntityPlan.Output output, Visitor visitor) {
    scan(output, running[output.older()], visitor);
  }

  /**
   * Shows the window's events of its series in order, from an address on.
   *
   * @return the address at which the visitor stopped, the window's end when it did not
   */
  private long scan(EntityPlan.Output output, long from, Visitor visitor) {
    Series series = plan.series[output.series()];
    long to = running[output.newer()];
    long address = from;
    while (address < to) {
      long number = Addresses.block(address);
      Block block =
          Addresses.sameBlock(address, running[output.older()])
              ? edges.at(output.older())
              : chain.block(number);
      for (int index = Addresses.index(address);
          index < block.size && Addresses.of(number, index) < to;
          index++) {
        if (series.present(block, index) && !visitor.visit(block, index)) {
          return Addresses.of(number, index);
        }
      }
      address = Addresses.of(number + 1, 0);
    }
    return to;
  }
}
