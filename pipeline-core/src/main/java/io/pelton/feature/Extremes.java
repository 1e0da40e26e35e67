package io.pelton.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/**
 * The least (or greatest) values of the blocks that have passed a newer edge: of each block its
 * least, kept only while no later block has one as small. So from any block on, the first kept is
 * the least of all that follow, whatever the width of the window; a new value drops those that it
 * undercuts, so an event costs constant time on average. This is the monotone queue of the sliding
 * minimum (as in the two-stack and DABA algorithms, Tangwongsan, Hirzel, Schneider: Low-Latency
 * Sliding-Window Aggregation in Worst-Case Constant Time, DEBS 2017, shared by windows of all
 * widths) over blocks instead of events, which bounds it by a 64th of the history.
 */
final class Extremes {
  final boolean least;

  // A queue: those from first to end, blocks ascending, values getting worse.
  private long[] blocks = new long[4];
  private double[] values = new double[4];
  private int first;
  private int end;

  Extremes(boolean least) {
    this.least = least;
  }

  /** Whether a is at least as extreme as b. */
  boolean beats(double a, double b) {
    return least ? a <= b : a >= b;
  }

  /** A value of a block passes the edge, or comes late into a block that has passed. */
  void enter(long block, double value) {
    int at = end;
    while (at > first && blocks[at - 1] > block) {
      at--;
    }
    if (at < end && beats(values[at], value)) {
      return;
    }
    double best = value;
    int keep = at;
    if (keep > first && blocks[keep - 1] == block) {
      keep--;
      best = beats(values[keep], value) ? values[keep] : value;
    }
    while (keep > first && beats(best, values[keep - 1])) {
      keep--;
    }
    int tail = end - at;
    if (keep == at && end == blocks.length) {
      at -= makeRoom();
      keep = at;
    }
    System.arraycopy(blocks, at, blocks, keep + 1, tail);
    System.arraycopy(values, at, values, keep + 1, tail);
    blocks[keep] = block;
    values[keep] = best;
    end = keep + 1 + tail;
  }

  /** How far everything moved to the front. */
  private int makeRoom() {
    int moved = first;
    if (first > blocks.length / 2) {
      System.arraycopy(blocks, first, blocks, 0, end - first);
      System.arraycopy(values, first, values, 0, end - first);
    } else {
      blocks = Arrays.copyOfRange(blocks, first, first + 2 * blocks.length);
      values = Arrays.copyOfRange(values, first, first + 2 * values.length);
    }
    end -= first;
    first = 0;
    return moved;
  }

  /** Forgets blocks before {@code block}. */
  void forget(long block) {
    while (first < end && blocks[first] < block) {
      first++;
    }
  }

  /** The extreme of all blocks after {@code block}, NaN when there is no value. */
  double after(long block) {
    int low = first;
    int high = end;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (blocks[middle] <= block) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low == end ? Double.NaN : values[low];
  }

  Extremes copy() {
    Extremes copy = new Extremes(least);
    copy.blocks = blocks.clone();
    copy.values = values.clone();
    copy.first = first;
    copy.end = end;
    return copy;
  }

  void write(DataOutput out) throws IOException {
    Varint.write(out, end - first);
    for (int i = first; i < end; i++) {
      Varint.write(out, i == first ? blocks[i] : blocks[i] - blocks[i - 1]);
      out.writeDouble(values[i]);
    }
  }

  static Extremes read(boolean least, DataInput in) throws IOException {
    Extremes read = new Extremes(least);
    read.end = (int) Varint.read(in);
    read.blocks = new long[Math.max(4, read.end)];
    read.values = new double[read.blocks.length];
    long block = 0;
    for (int i = 0; i < read.end; i++) {
      block += Varint.read(in);
      read.blocks[i] = block;
      read.values[i] = in.readDouble();
    }
    return read;
  }
}
