package io.pelton.feature;

import io.pelton.aggregate.Accumulator;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A window over tiles of an aggregate that only merges: values cannot be taken away again. It holds
 * the whole window, and what lies in blocks after the one in which the window begins. When the
 * older edge moves, the whole is merged anew of the latter and the rest of that one block; only
 * when the edge comes to another block, all tiles of the window are looked at. That is the two
 * stacks of Tangwongsan, Hirzel, Schneider, Wu (General Incremental Sliding-Window Aggregation,
 * VLDB 2015) with the front stack read from the tiles, so a tile costs two dozen merges on average
 * and an event two additions.
 */
final class Merged {
  private final Supplier<Accumulator> empty;
  private Accumulator whole;
  private Accumulator ahead;

  /** The block that {@link #ahead} comes after. */
  private long block;

  private boolean stale;

  /** The tiles of a window. */
  interface Tiles {
    /** Merges those in blocks from {@code first} to {@code last} that the window holds. */
    void into(Accumulator accumulator, long first, long last);
  }

  /**
   * @param block number of the history's oldest block
   */
  Merged(Supplier<Accumulator> empty, long block) {
    this.empty = empty;
    this.block = block;
    whole = empty.get();
    ahead = empty.get();
  }

  /** A tile comes into the window. */
  void merge(Accumulator tile, long itsBlock) {
    whole.merge(tile);
    if (itsBlock > block) {
      ahead.merge(tile);
    }
  }

  /** A value comes into one of the window's tiles. */
  void add(double number, @Nullable String text, long time, long itsBlock) {
    whole.add(number, text, time);
    if (itsBlock > block) {
      ahead.add(number, text, time);
    }
  }

  /** A tile has left the window. */
  void left() {
    stale = true;
  }

  /**
   * The aggregate of the window.
   *
   * @param begins number of the block in which the window begins
   */
  Accumulator whole(long begins, Tiles tiles) {
    if (stale) {
      if (begins != block) {
        ahead = empty.get();
        tiles.into(ahead, begins + 1, Long.MAX_VALUE);
        block = begins;
      }
      whole = ahead.copy();
      tiles.into(whole, begins, begins);
      stale = false;
    }
    return whole;
  }

  Merged copy() {
    Merged copy = new Merged(empty, block);
    copy.whole = whole.copy();
    copy.ahead = ahead.copy();
    copy.stale = stale;
    return copy;
  }

  void write(DataOutput out) throws IOException {
    Varint.write(out, block);
    out.writeBoolean(stale);
    ahead.write(out);
    if (!stale) {
      whole.write(out);
    }
  }

  void read(DataInput in) throws IOException {
    block = Varint.read(in);
    stale = in.readBoolean();
    ahead.read(in);
    if (!stale) {
      whole.read(in);
    }
  }
}
