package io.pelton.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of one key's history, ordered by (time, id). All but the newest, the open one, are
 * sealed and lie in a {@link BlockStore}; none is empty but the open one of an empty history. Not
 * thread-safe.
 */
final class Chain {
  /** How many bytes of tiles' accumulators an open block may hold before it is sealed. */
  private static final int HEAVY = 1 << 14;

  Block open;

  /** Id of the newest event, empty when it was an outcome. */
  String lastId = "";

  private long first;
  private long last;
  private long size;
  private @Nullable BlockStore store;

  Chain(Layout layout) {
    open = new Block(layout);
  }

  /** Where the sealed blocks lie from now on. */
  void in(BlockStore where) {
    store = where;
  }

  /** What is kept of each event from now on. */
  void in(Layout layout) {
    open = open.in(layout);
  }

  private BlockStore store() {
    if (store == null) {
      throw new IllegalStateException("a history was asked for a block before it had a store");
    }
    return store;
  }

  /** Events or tiles held. */
  long size() {
    return size;
  }

  /** Number of the oldest block. */
  long first() {
    return first;
  }

  /** Number of the open block. */
  long last() {
    return last;
  }

  Block block(long number) {
    if (number == last) {
      return open;
    }
    Block block = store().get(number);
    if (block == null) {
      throw new IllegalStateException(
          "block %d of a history that has %d to %d is missing".formatted(number, first, last));
    }
    return block.in(open.layout);
  }

  /** Time of the newest event, {@code Long.MIN_VALUE} when there is none. */
  long newest() {
    if (open.size > 0) {
      return open.last();
    }
    return size == 0 ? Long.MIN_VALUE : block(last - 1).last();
  }

  /** Makes room at the end; returns the address. */
  long append(long time) {
    if (open.size >= Block.FULL || open.frozenBytes() > HEAVY) {
      open.freeze();
      store().put(last, open);
      last++;
      open = new Block(open.layout);
    }
    int index = open.size;
    open.open(index);
    open.time(index, time);
    size++;
    return Addresses.of(last, index);
  }

  /** Number of the block that an event of {@code time} belongs into. */
  long blockFor(long time) {
    long number = last;
    while (number > first && block(number).time(0) > time) {
      number--;
    }
    return number;
  }

  /** A block to change; {@link #changed} takes it back. */
  Block toChange(long number) {
    return number == last ? open : block(number).copy();
  }

  void changed(long number, Block block) {
    if (number != last) {
      block.freeze();
      store().put(number, block);
    }
  }

  /** An event was put into a block. */
  void grew() {
    size++;
  }

  /** How many events held are after {@code time}. */
  int after(long time) {
    int count = 0;
    for (long number = last; number >= first; number--) {
      Block block = block(number);
      int index = block.after(time);
      count += block.size - index;
      if (index > 0) {
        break;
      }
    }
    return count;
  }

  /** Drops blocks before number {@code keep} that hold nothing after {@code cutoff}. */
  void forget(long cutoff, long keep) {
    while (first < keep) {
      Block block = block(first);
      if (block.last() > cutoff) {
        break;
      }
      store().remove(first);
      size -= block.size;
      first++;
    }
  }

  /** Removes the sealed blocks. */
  void clear() {
    for (; first < last; first++) {
      store().remove(first);
    }
  }

  Chain copy() {
    Chain copy = new Chain(open.layout);
    copy.open = open.copy();
    copy.lastId = lastId;
    copy.first = first;
    copy.last = last;
    copy.size = size;
    return copy;
  }

  /** Writes all but the sealed blocks. The layout is the reader's to know. */
  void write(DataOutput out) throws IOException {
    Texts.write(out, lastId);
    Varint.write(out, first);
    Varint.write(out, last);
    Varint.write(out, size);
    open.write(out);
  }

  static Chain read(Layout layout, DataInput in) throws IOException {
    Chain chain = new Chain(layout);
    chain.lastId = Texts.read(in);
    chain.first = Varint.read(in);
    chain.last = Varint.read(in);
    chain.size = Varint.read(in);
    chain.open = Block.read(layout, in);
    return chain;
  }
}
