package io.pelton.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/**
 * How many different values windows hold that share their newer edge: for each value the address of
 * its newest event that has passed the edge, shared by all windows, and for each window a count. A
 * value enters a window's count when its event before lies behind the window's older edge, and
 * leaves it when the older edge passes its newest event; so each event costs one look-up an edge,
 * however wide the windows are. An open-addressing table of longs.
 */
final class LastSeen {
  private static final int SMALLEST = 8;
  private static final long NOWHERE = -1;

  /** Of each window that shares the newer edge. */
  final long[] counts;

  private long[] values = new long[SMALLEST];
  private long[] addresses = new long[SMALLEST];
  private int size;

  LastSeen(int windows) {
    counts = new long[windows];
    Arrays.fill(addresses, NOWHERE);
  }

  private static long bits(double value) {
    // One zero, one NaN.
    return Double.doubleToLongBits(value + 0.0);
  }

  private int slot(long value) {
    long hash = value * 0x9E3779B97F4A7C15L;
    int slot = (int) (hash >>> 32) & (values.length - 1);
    while (addresses[slot] != NOWHERE && values[slot] != value) {
      slot = (slot + 1) & (values.length - 1);
    }
    return slot;
  }

  /**
   * An event passes the newer edge.
   *
   * @param olderEdges of each window the address of its oldest event
   */
  void enter(double value, long address, long[] olderEdges) {
    long bits = bits(value);
    int slot = slot(bits);
    long before = addresses[slot];
    if (before > address) {
      return;
    }
    if (before == NOWHERE) {
      if (++size > values.length / 2) {
        grow();
        slot = slot(bits);
      }
      values[slot] = bits;
    }
    addresses[slot] = address;
    for (int window = 0; window < counts.length; window++) {
      if (before < olderEdges[window] && address >= olderEdges[window]) {
        counts[window]++;
      }
    }
  }

  /**
   * An event passes the older edge of a window.
   *
   * @param last whether it is behind all older edges then
   */
  void leave(double value, long address, int window, boolean last) {
    int slot = slot(bits(value));
    if (addresses[slot] == address) {
      counts[window]--;
      if (last) {
        remove(slot);
      }
    }
  }

  private void remove(int slot) {
    size--;
    int mask = values.length - 1;
    int hole = slot;
    int next = slot;
    while (true) {
      next = (next + 1) & mask;
      if (addresses[next] == NOWHERE) {
        addresses[hole] = NOWHERE;
        return;
      }
      int home = (int) ((values[next] * 0x9E3779B97F4A7C15L) >>> 32) & mask;
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        values[hole] = values[next];
        addresses[hole] = addresses[next];
        hole = next;
      }
    }
  }

  private void grow() {
    long[] oldValues = values;
    long[] oldAddresses = addresses;
    values = new long[oldValues.length * 2];
    addresses = new long[values.length];
    Arrays.fill(addresses, NOWHERE);
    for (int i = 0; i < oldValues.length; i++) {
      if (oldAddresses[i] != NOWHERE) {
        int slot = slot(oldValues[i]);
        values[slot] = oldValues[i];
        addresses[slot] = oldAddresses[i];
      }
    }
  }

  /** An event was put in at an address; those of its block from there on are one further. */
  void shift(long address) {
    for (int i = 0; i < addresses.length; i++) {
      if (addresses[i] >= address && Addresses.sameBlock(addresses[i], address)) {
        addresses[i]++;
      }
    }
  }

  LastSeen copy() {
    LastSeen copy = new LastSeen(counts.length);
    System.arraycopy(counts, 0, copy.counts, 0, counts.length);
    copy.values = values.clone();
    copy.addresses = addresses.clone();
    copy.size = size;
    return copy;
  }

  void write(DataOutput out) throws IOException {
    for (long count : counts) {
      Varint.write(out, count);
    }
    Varint.write(out, size);
    for (int i = 0; i < addresses.length; i++) {
      if (addresses[i] != NOWHERE) {
        out.writeLong(values[i]);
        Varint.write(out, addresses[i]);
      }
    }
  }

  static LastSeen read(int windows, DataInput in) throws IOException {
    LastSeen read = new LastSeen(windows);
    for (int window = 0; window < windows; window++) {
      read.counts[window] = Varint.read(in);
    }
    int size = (int) Varint.read(in);
    read.values = new long[Math.max(SMALLEST, Integer.highestOneBit(Math.max(1, size)) * 4)];
    read.addresses = new long[read.values.length];
    Arrays.fill(read.addresses, NOWHERE);
    for (int i = 0; i < size; i++) {
      long value = in.readLong();
      int slot = read.slot(value);
      read.values[slot] = value;
      read.addresses[slot] = Varint.read(in);
    }
    read.size = size;
    return read;
  }
}
