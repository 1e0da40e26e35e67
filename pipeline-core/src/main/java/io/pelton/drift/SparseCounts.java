package io.pelton.drift;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * {@link ValueCounts} as it travels and rests: only the slots that are not zero. Arrays are never
 * changed.
 *
 * @param slots how many slots the layout has
 * @param slot indexes, rising strictly
 * @param count rows in each of them
 */
public record SparseCounts(int slots, int[] slot, long[] count) {
  public SparseCounts {
    if (slot.length != count.length) {
      throw new IllegalArgumentException(
          "%d slots have %d counts; each must have one".formatted(slot.length, count.length));
    }
  }

  /** The slots that are not zero. */
  static SparseCounts of(long[] dense) {
    int[] slot = IntStream.range(0, dense.length).filter(i -> dense[i] != 0).toArray();
    return new SparseCounts(
        dense.length, slot, Arrays.stream(slot).mapToLong(i -> dense[i]).toArray());
  }

  /**
   * All slots.
   *
   * @throws IllegalArgumentException when there are not so many
   */
  long[] dense(int expected) {
    if (slots != expected) {
      throw new IllegalArgumentException(
          "counts of %d slots cannot be compared with a reference of %d; both must be of one baseline profile"
              .formatted(slots, expected));
    }
    long[] dense = new long[slots];
    for (int i = 0; i < slot.length; i++) {
      dense[slot[i]] = count[i];
    }
    return dense;
  }

  /** Both together. */
  public SparseCounts plus(SparseCounts other) {
    if (slots != other.slots) {
      throw new IllegalArgumentException(
          "counts of %d slots cannot be added to counts of %d; both must be of one baseline profile"
              .formatted(other.slots, slots));
    }
    int[] mergedSlot = new int[slot.length + other.slot.length];
    long[] mergedCount = new long[mergedSlot.length];
    int size = 0;
    int i = 0;
    int j = 0;
    while (i < slot.length || j < other.slot.length) {
      int mine = i < slot.length ? slot[i] : Integer.MAX_VALUE;
      int others = j < other.slot.length ? other.slot[j] : Integer.MAX_VALUE;
      mergedSlot[size] = Math.min(mine, others);
      mergedCount[size++] =
          (mine <= others ? count[i++] : 0) + (others <= mine ? other.count[j++] : 0);
    }
    return new SparseCounts(
        slots, Arrays.copyOf(mergedSlot, size), Arrays.copyOf(mergedCount, size));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SparseCounts that
        && slots == that.slots
        && Arrays.equals(slot, that.slot)
        && Arrays.equals(count, that.count);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(slot) + Arrays.hashCode(count);
  }
}
