package io.pelton.feature;

/** Where an event lies in a history: its block's number and its place there, in one long. */
final class Addresses {
  private static final int BITS = 16;
  private static final long MASK = (1L << BITS) - 1;

  /** Events that a block can hold. */
  static final int MOST = (int) MASK;

  private Addresses() {}

  static long of(long block, int index) {
    return block << BITS | index;
  }

  static long block(long address) {
    return address >> BITS;
  }

  static int index(long address) {
    return (int) (address & MASK);
  }

  static boolean sameBlock(long a, long b) {
    return a >> BITS == b >> BITS;
  }
}
