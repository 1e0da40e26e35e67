package io.pelton.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Where the edges of windows are, and the exact totals of what has passed each (see {@link
 * EntityPlan}). They move on with the newest event; for one that came late they move back to its
 * time and on again.
 */
final class Edges {
  static final long NEVER = Long.MAX_VALUE;

  private final EntityPlan plan;
  private final Chain chain;
  private final Parts parts;
  private final int count;

  /** The time up to which the edges have moved. */
  long now = Long.MIN_VALUE;

  /**
   * In one array, for it is read as a whole: of each edge the address of the next event to pass it;
   * of each edge that event's time, NEVER when there is none; the totals, as the plan lays them
   * out.
   */
  final long[] running;

  /** Of each edge its block, once looked up. */
  private final @Nullable Block[] at;

  private @Nullable Unfit @Nullable [] unfit;
  private final long[] tileTotal = new long[ExactSum.SQUARES];

  /**
   * @param running of the length that the plan wants; empty edges
   * @param parts what else takes part when an event passes an edge
   */
  Edges(EntityPlan plan, Chain chain, long[] running, Parts parts) {
    this.plan = plan;
    this.chain = chain;
    this.running = running;
    this.parts = parts;
    count = plan.edges.length;
    at = new @Nullable Block[count];
  }

  /** Puts all edges before the oldest event and moves them on to the newest. */
  void start() {
    long first = chain.first();
    // Of the newest tile only the start is sure to have passed.
    now = chain.size() == 0 ? Long.MIN_VALUE : chain.newest() - Math.max(0, plan.tile - 1);
    Arrays.fill(running, 0, count, Addresses.of(first, 0));
    Arrays.fill(running, count, 2 * count, chain.size() == 0 ? NEVER : chain.block(first).time(0));
    if (chain.size() > 0) {
      advance(now, Long.MAX_VALUE, true);
    }
  }

  Block at(int edge) {
    Block block = at[edge];
    if (block == null) {
      block = chain.block(Addresses.block(running[edge]));
      at[edge] = block;
    }
    return block;
  }

  /** A block was replaced by another, changed one. */
  void replaced(long number, Block block) {
    for (int edge = 0; edge < count; edge++) {
      at[edge] = Addresses.block(running[edge]) == number ? block : at[edge];
    }
  }

  /** Whether all of a time has passed an edge by time. */
  boolean passed(int edge, long time) {
    return time <= now - plan.edges[edge].offset();
  }

  /** An event was put at the end. */
  void appended(long address, long time) {
    for (int edge = 0; edge < count; edge++) {
      if (running[count + edge] == NEVER) {
        // What has come up to now is totalled event by event, not tile by tile.
        boolean passed = plan.tile > 0 && plan.edges[edge].offset() == 0;
        running[edge] = passed ? address + 1 : address;
        running[count + edge] = passed ? NEVER : time;
        at[edge] = chain.open;
      }
    }
  }

  /**
   * An event was put in among others.
   *
   * @param passed whether it lies behind the edge
   */
  void inserted(int edge, boolean passed, long address, long time, Block block) {
    if (passed) {
      running[edge] += Addresses.sameBlock(running[edge], address) ? 1 : 0;
    } else if (address <= running[edge]) {
      running[edge] = address;
      running[count + edge] = time;
    }
    if (Addresses.sameBlock(running[edge], address)) {
      at[edge] = block;
    }
  }

  /** Number of the oldest block that an edge stands in, at most the open one's. */
  long oldest() {
    long oldest = chain.last();
    for (int edge = 0; edge < count; edge++) {
      oldest = Math.min(oldest, Addresses.block(running[edge]));
    }
    return oldest;
  }

  // ---- Totals ----

  /** Adds an event or tile to the totals of an edge, or takes it away. */
  void total(int edge, Block block, int index, int sign) {
    int[] work = plan.work[edge];
    for (int i = 0; i < work.length; i += EntityPlan.WORK) {
      int total = work[i + 2];
      int series = work[i + 4];
      if (plan.tile > 0) {
        totalTile(edge, series, total, block, index, sign);
        continue;
      }
      int truth = work[i + 1];
      if (truth >= 0 && !block.truth(truth, index)) {
        continue;
      }
      double value = 1;
      if (work[i] >= 0) {
        value = block.number(work[i], index);
        if (Double.isNaN(value)) {
          continue;
        }
      }
      total(edge, series, total, work[i + 3], value, sign);
    }
  }

  /** Adds a value of a series to the total of an edge, if that keeps one. */
  void total(int edge, int series, double value) {
    int total = plan.totalAt[edge * plan.series.length + series];
    if (total >= 0) {
      total(edge, series, total, plan.series[series].kind(), value, 1);
    }
  }

  private void total(int edge, int series, int total, int kind, double value, int sign) {
    running[total] += sign;
    if (kind == EntityPlan.COUNTS) {
      return;
    }
    if (!ExactSum.accumulateIfFits(running, total + 1, value, sign)) {
      unfit(edge, series, Unfit.NONE.with(value, 1), sign);
    } else if (kind == EntityPlan.SQUARES) {
      if (sign > 0) {
        ExactSum.addSquare(running, total + 1 + ExactSum.SUM, value);
      } else {
        ExactSum.subtractSquare(running, total + 1 + ExactSum.SUM, value);
      }
    }
  }

  private void totalTile(int edge, int number, int total, Block block, int index, int sign) {
    Series series = plan.series[number];
    int column = series.column();
    running[total] += sign * block.totals[column][index];
    if (series.sum()) {
      totalTile(total + 1, ExactSum.SUM, block, column + 1, index, sign);
      if (series.squares()) {
        int behind = 1 + ExactSum.SUM;
        totalTile(total + behind, ExactSum.SQUARES, block, column + behind, index, sign);
      }
      Unfit values = block.unfit(index, number);
      if (values != null) {
        unfit(edge, number, values, sign);
      }
    }
  }

  private void totalTile(int total, int length, Block block, int column, int index, int sign) {
    for (int i = 0; i < length; i++) {
      tileTotal[i] = block.totals[column + i][index];
    }
    if (sign > 0) {
      ExactSum.addAll(running, total, tileTotal, 0, length);
    } else {
      ExactSum.subtractAll(running, total, tileTotal, 0, length);
    }
  }

  private void unfit(int edge, int series, Unfit values, int sign) {
    if (unfit == null) {
      unfit = new @Nullable Unfit[count * plan.series.length];
    }
    int slot = edge * plan.series.length + series;
    unfit[slot] = Unfit.of(unfit[slot]).plus(values, sign);
  }

  /** What the totals between two edges do not hold. */
  Unfit unfit(int series, int newer, int older) {
    if (unfit == null) {
      return Unfit.NONE;
    }
    int all = plan.series.length;
    Unfit to = unfit[newer * all + series];
    Unfit from = unfit[older * all + series];
    return to == null && from == null ? Unfit.NONE : Unfit.of(to).plus(Unfit.of(from), -1);
  }

  // ---- Movement ----

  /**
   * The next event passes an edge.
   *
   * @param all whether what cannot be moved back takes part
   */
  void pass(int edge, boolean all) {
    Block block = at(edge);
    long address = running[edge];
    int index = Addresses.index(address);
    total(edge, block, index, 1);
    if (!plan.plain[edge]) {
      parts.pass(edge, block, address, all);
    }
    running[edge] = address + 1;
    if (index + 1 < block.size) {
      running[count + edge] = block.time(index + 1);
    } else if (block == chain.open) {
      running[count + edge] = NEVER;
    } else {
      running[edge] = Addresses.of(Addresses.block(address) + 1, 0);
      at[edge] = null;
      running[count + edge] = at(edge).time(0);
    }
  }

  /** The event that passed an edge last goes back. */
  private void unpass(int edge) {
    int index = Addresses.index(running[edge]);
    if (index == 0) {
      at[edge] = null;
      running[edge] = Addresses.of(Addresses.block(running[edge]) - 1, 0);
      index = at(edge).size;
    }
    index--;
    Block block = at(edge);
    running[edge] = Addresses.of(Addresses.block(running[edge]), index);
    running[count + edge] = block.time(index);
    total(edge, block, index, -1);
    if (!plan.plain[edge]) {
      parts.unpass(edge, block, index);
    }
  }

  /**
   * Moves the edges on to where they are for an event at {@code time}.
   *
   * @param before the newest edge stops before this address
   */
  void advance(long time, long before, boolean all) {
    for (int edge = 0; edge < plan.edgesByTime; edge++) {
      long until = plan.edges[edge].offset() == 0 ? NEVER - 1 : time - plan.edges[edge].offset();
      while (running[count + edge] <= until
          && running[count + edge] != NEVER
          && running[edge] < before) {
        pass(edge, all);
      }
    }
    settle(time, all);
  }

  /** Moves the edges by events on behind their newer edges. */
  void settle(long time, boolean all) {
    for (int edge = plan.edgesByTime; edge < count; edge++) {
      EntityPlan.Edge what = plan.edges[edge];
      long until = time - what.offset();
      while (running[edge] < running[what.newer()]
          && (running[count + edge] <= until || between(edge) > what.events())) {
        pass(edge, all);
      }
    }
  }

  /** Events of its series between an edge by events and its newer edge. */
  private long between(int edge) {
    EntityPlan.Edge what = plan.edges[edge];
    int all = plan.series.length;
    return running[plan.totalAt[what.newer() * all + what.series()]]
        - running[plan.totalAt[edge * all + what.series()]];
  }

  /**
   * Moves the edges back to where they were before an event at an address, of {@code time}: the
   * older ones first, for no window may ever hold less than nothing.
   */
  void retreat(long time, long address) {
    long start = Addresses.of(chain.first(), 0);
    for (int edge = plan.edgesByTime - 1; edge >= 0; edge--) {
      long offset = plan.edges[edge].offset();
      boolean newest = offset == 0 && plan.tile == 0;
      long until = offset == 0 && plan.tile > 0 ? plan.tileEnd(time) : time - offset;
      while (running[edge] > start
          && (newest ? running[edge] > address : timeBefore(edge) > until)) {
        for (int other = plan.edgesByTime; other < count; other++) {
          if (plan.edges[other].newer() == edge && running[other] == running[edge]) {
            unpass(other);
          }
        }
        unpass(edge);
      }
    }
    for (int edge = plan.edgesByTime; edge < count; edge++) {
      EntityPlan.Edge what = plan.edges[edge];
      while (running[edge] > start
          && timeBefore(edge) > time - what.offset()
          && (between(edge) < what.events() || !presentBefore(what.series(), edge))) {
        unpass(edge);
      }
    }
  }

  private long timeBefore(int edge) {
    int index = Addresses.index(running[edge]);
    return index > 0
        ? at(edge).time(index - 1)
        : chain.block(Addresses.block(running[edge]) - 1).last();
  }

  private boolean presentBefore(int series, int edge) {
    int index = Addresses.index(running[edge]);
    if (index > 0) {
      return plan.series[series].present(at(edge), index - 1);
    }
    Block block = chain.block(Addresses.block(running[edge]) - 1);
    return plan.series[series].present(block, block.size - 1);
  }

  // ---- State ----

  /** Takes the state of another, over the same plan. */
  void become(Edges other) {
    now = other.now;
    System.arraycopy(other.running, 0, running, 0, running.length);
    unfit = other.unfit == null ? null : other.unfit.clone();
  }

  void write(DataOutput out) throws IOException {
    Varint.write(out, now);
    for (long value : running) {
      Varint.write(out, value);
    }
    out.writeBoolean(unfit != null);
    if (unfit != null) {
      for (Unfit values : unfit) {
        out.writeBoolean(values != null);
        if (values != null) {
          values.write(out);
        }
      }
    }
  }

  void read(DataInput in) throws IOException {
    now = Varint.read(in);
    for (int i = 0; i < running.length; i++) {
      running[i] = Varint.read(in);
    }
    if (in.readBoolean()) {
      @Nullable Unfit[] values = new @Nullable Unfit[count * plan.series.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = in.readBoolean() ? Unfit.read(in) : null;
      }
      unfit = values;
    }
  }
}
