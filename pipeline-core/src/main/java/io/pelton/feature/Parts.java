package io.pelton.feature;

import io.pelton.aggregate.Accumulator;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What windows know beside totals: least and greatest values, different, first and last ones, and
 * accumulators. All but the accumulators of an exact history stay where they are while edges move
 * back and on again.
 */
final class Parts {
  static final long UNKNOWN = -1;

  private final EntityPlan plan;
  private final Chain chain;
  private final long[] running;

  final Extremes[] extremes;
  final LastSeen[] seen;

  /** Of each latest part the address, time and value of its event; UNKNOWN when there was none. */
  final long[] latest;

  /** Of each earliest part up to where none was found, and where one was. */
  final long[] earliest;

  /** Of windows over events. */
  final Accumulator[] accumulators;

  /** Of windows over tiles. */
  final Merged[] merged;

  Parts(EntityPlan plan, Chain chain, long[] running) {
    this.plan = plan;
    this.chain = chain;
    this.running = running;
    extremes =
        Arrays.stream(plan.extremes)
            .map(part -> new Extremes(part.least()))
            .toArray(Extremes[]::new);
    seen =
        Arrays.stream(plan.seen)
            .map(part -> new LastSeen(part.older().length))
            .toArray(LastSeen[]::new);
    latest = new long[plan.latest.length * 3];
    Arrays.fill(latest, UNKNOWN);
    earliest = new long[plan.earliest.length * 2];
    Arrays.fill(earliest, UNKNOWN);
    boolean tiles = plan.tile > 0;
    accumulators =
        Arrays.stream(plan.accumulators)
            .filter(part -> !tiles)
            .map(part -> part.create(false))
            .toArray(Accumulator[]::new);
    merged =
        Arrays.stream(plan.accumulators)
            .filter(part -> tiles)
            .map(part -> new Merged(() -> part.create(true), chain.first()))
            .toArray(Merged[]::new);
  }

  // ---- Passing ----

  /**
   * An event or tile passes an edge that still stands before it.
   *
   * @param all whether what cannot be moved back takes part
   */
  void pass(int edge, Block block, long address, boolean all) {
    int index = Addresses.index(address);
    if (plan.tile == 0) {
      accumulateAt(edge, block, index, true);
    } else if (all) {
      merge(edge, block, address);
    }
    if (!all) {
      return;
    }
    for (int part : plan.extremesAt[edge]) {
      Series series = plan.series[plan.extremes[part].series()];
      if (series.present(block, index)) {
        extremes[part].enter(
            Addresses.block(address), series.extreme(block, index, plan.extremes[part].least()));
      }
    }
    for (int part : plan.latestAt[edge]) {
      Series series = plan.series[plan.latest[part].series()];
      if (series.present(block, index)) {
        latest(part, address, series.lastTime(block, index), series.last(block, index));
      }
    }
    for (int part : plan.seenEnter[edge]) {
      EntityPlan.SeenPart what = plan.seen[part];
      Series series = plan.series[what.series()];
      if (series.present(block, index)) {
        seen[part].enter(series.value(block, index), address, olderEdges(what));
      }
    }
    int[] leaving = plan.seenLeave[edge];
    for (int i = 0; i < leaving.length; i += 2) {
      leave(leaving[i], leaving[i + 1], block, address);
    }
  }

  /** The event that passed an edge last goes back. */
  void unpass(int edge, Block block, int index) {
    if (plan.tile == 0) {
      accumulateAt(edge, block, index, false);
    }
  }

  private void accumulateAt(int edge, Block block, int index, boolean forth) {
    for (int part : plan.enterAt[edge]) {
      accumulate(part, block, index, forth);
    }
    for (int part : plan.leaveAt[edge]) {
      accumulate(part, block, index, !forth);
    }
  }

  /** An event enters the window of an accumulator or leaves it. */
  private void accumulate(int part, Block block, int index, boolean enter) {
    EntityPlan.AccumulatorPart what = plan.accumulators[part];
    Series series = plan.series[what.series()];
    if (!series.present(block, index)) {
      return;
    }
    String text = what.text() < 0 ? null : block.texts[what.text()][index];
    if (what.text() >= 0 && text == null) {
      return;
    }
    double value = series.value(block, index);
    if (enter) {
      accumulators[part].add(value, text, block.time(index));
    } else {
      accumulators[part].remove(value, text, block.time(index));
    }
  }

  private void merge(int edge, Block block, long address) {
    for (int part : plan.enterAt[edge]) {
      Accumulator bag = bag(part, block, Addresses.index(address));
      if (bag != null) {
        merged[part].merge(bag, Addresses.block(address));
      }
    }
    for (int part : plan.leaveAt[edge]) {
      merged[part].left();
    }
  }

  /** What a tile holds for a window, null when it holds nothing. */
  @Nullable Accumulator bag(int part, Block block, int index) {
    int bag = plan.accumulators[part].bag();
    return block.bag(bag, index, plan.bags[bag]);
  }

  private void latest(int part, long address, long time, double value) {
    latest[3 * part] = address;
    latest[3 * part + 1] = time;
    latest[3 * part + 2] = Double.doubleToLongBits(value);
  }

  private long[] olderEdges(EntityPlan.SeenPart part) {
    long[] addresses = new long[part.older().length];
    for (int i = 0; i < addresses.length; i++) {
      addresses[i] = running[part.older()[i]];
    }
    return addresses;
  }

  private void leave(int part, int window, Block block, long address) {
    EntityPlan.SeenPart what = plan.seen[part];
    Series series = plan.series[what.series()];
    int index = Addresses.index(address);
    if (!series.present(block, index)) {
      return;
    }
    boolean last = true;
    for (int i = 0; i < what.older().length; i++) {
      last &= i == window || running[what.older()[i]] > address;
    }
    seen[part].leave(series.value(block, index), address, window, last);
  }

  // ---- Late ----

  /**
   * An event or tile was put in at an address; those of its block from there on are one further.
   */
  void shift(long address) {
    for (LastSeen values : seen) {
      values.shift(address);
    }
    for (int part = 0; part < latest.length; part += 3) {
      latest[part] += latest[part] >= address && Addresses.sameBlock(latest[part], address) ? 1 : 0;
    }
    disturbed();
  }

  /** What was found by looking through events may not hold any more. */
  void disturbed() {
    Arrays.fill(earliest, UNKNOWN);
  }

  /**
   * Accounts for an event that was put in behind edges.
   *
   * @param passed by edge, whether it lies behind it
   */
  void enterLate(Block block, long address, boolean[] passed) {
    int index = Addresses.index(address);
    for (int part = 0; part < accumulators.length; part++) {
      EntityPlan.AccumulatorPart what = plan.accumulators[part];
      if (passed[what.newer()] && !passed[what.older()]) {
        accumulate(part, block, index, true);
      }
    }
    for (int part = 0; part < extremes.length; part++) {
      EntityPlan.ExtremesPart what = plan.extremes[part];
      Series series = plan.series[what.series()];
      if (passed[what.newer()] && series.present(block, index)) {
        extremes[part].enter(Addresses.block(address), series.value(block, index));
      }
    }
    for (int part = 0; part < seen.length; part++) {
      EntityPlan.SeenPart what = plan.seen[part];
      Series series = plan.series[what.series()];
      long[] older = olderEdges(what);
      boolean inside = Arrays.stream(older).anyMatch(edge -> edge <= address);
      if (passed[what.newer()] && inside && series.present(block, index)) {
        seen[part].enter(series.value(block, index), address, older);
      }
    }
    for (int part = 0; part < plan.latest.length; part++) {
      EntityPlan.LatestPart what = plan.latest[part];
      Series series = plan.series[what.series()];
      if (passed[what.newer()] && latest[3 * part] < address && series.present(block, index)) {
        latest(part, address, block.time(index), series.value(block, index));
      }
    }
  }

  /**
   * Accounts for a value of a series that came into a tile behind edges.
   *
   * @param passed by edge, whether the tile lies behind it
   */
  void enterTile(int series, double value, long time, long address, boolean[] passed) {
    for (int part = 0; part < extremes.length; part++) {
      EntityPlan.ExtremesPart what = plan.extremes[part];
      if (what.series() == series && passed[what.newer()]) {
        extremes[part].enter(Addresses.block(address), value);
      }
    }
    for (int part = 0; part < plan.latest.length; part++) {
      EntityPlan.LatestPart what = plan.latest[part];
      if (what.series() == series
          && passed[what.newer()]
          && (latest[3 * part] == UNKNOWN || latest[3 * part + 1] <= time)) {
        latest(part, address, time, value);
      }
    }
  }

  /** Accounts for a value that came into a bag of a tile behind edges. */
  void enterBag(
      int bag, double value, @Nullable String text, long time, long address, boolean[] passed) {
    for (int part = 0; part < merged.length; part++) {
      EntityPlan.AccumulatorPart what = plan.accumulators[part];
      if (what.bag() == bag && passed[what.newer()] && !passed[what.older()]) {
        merged[part].add(value, text, time, Addresses.block(address));
      }
    }
  }

  // ---- State ----

  /** Takes the state of another, over the same plan. */
  void become(Parts other) {
    Arrays.setAll(extremes, i -> other.extremes[i].copy());
    Arrays.setAll(seen, i -> other.seen[i].copy());
    System.arraycopy(other.latest, 0, latest, 0, latest.length);
    System.arraycopy(other.earliest, 0, earliest, 0, earliest.length);
    Arrays.setAll(accumulators, i -> other.accumulators[i].copy());
    Arrays.setAll(merged, i -> other.merged[i].copy());
  }

  /** Forgets blocks before a number. */
  void forget(long first) {
    for (Extremes values : extremes) {
      values.forget(first);
    }
  }

  void write(DataOutput out) throws IOException {
    for (Extremes values : extremes) {
      values.write(out);
    }
    for (LastSeen values : seen) {
      values.write(out);
    }
    for (long value : latest) {
      Varint.write(out, value);
    }
    for (long address : earliest) {
      Varint.write(out, address);
    }
    for (Accumulator accumulator : accumulators) {
      accumulator.write(out);
    }
    for (Merged window : merged) {
      window.write(out);
    }
  }

  void read(DataInput in) throws IOException {
    for (int i = 0; i < extremes.length; i++) {
      extremes[i] = Extremes.read(plan.extremes[i].least(), in);
    }
    for (int i = 0; i < seen.length; i++) {
      seen[i] = LastSeen.read(plan.seen[i].older().length, in);
    }
    for (int i = 0; i < latest.length; i++) {
      latest[i] = Varint.read(in);
    }
    for (int i = 0; i < earliest.length; i++) {
      earliest[i] = Varint.read(in);
    }
    for (Accumulator accumulator : accumulators) {
      accumulator.read(in);
    }
    for (Merged window : merged) {
      window.read(in);
    }
  }
}
