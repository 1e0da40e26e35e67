package io.pelton.drift;

import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How many values fell at and between the edges of a {@link FeatureProfile}. With E edges there are
 * 2E+2 slots: gap 0, edge 0, gap 1, edge 1, ..., gap E, and last the missing values. Integers, so
 * counts merge by addition, in any order.
 */
public final class ValueCounts implements Profile.SlotCounts {
  private final double[] edges;
  private final boolean rounded;
  private final boolean lengths;
  private final long[] slots;

  public ValueCounts(FeatureProfile profile) {
    edges = profile.edges();
    rounded = profile.kind() == FeatureProfile.Kind.OUTPUT;
    lengths = profile.kind() == FeatureProfile.Kind.TEXT;
    slots = new long[2 * edges.length + 2];
  }

  /**
   * Counts one value; NaN is missing. Allocates nothing.
   *
   * @return where it was counted
   */
  public int add(double value) {
    int slot = slot(edges, rounded ? FeatureProfile.rounded(value) : value);
    slots[slot]++;
    return slot;
  }

  /** Counts all values of a feature's sample. */
  public void add(Sample sample) throws IOException {
    for (ValueGroups groups = sample.groups(); groups.next(); ) {
      slots[slot(edges, groups.value())] += groups.count();
    }
    slots[slots.length - 1] += sample.missing();
  }

  /**
   * Slot of a value. The loop has no branch that depends on the value: its trip count is fixed by
   * the number of edges, and the choice compiles to a conditional move.
   */
  static int slot(double[] edges, double value) {
    if (Double.isNaN(value)) {
      return 2 * edges.length + 1;
    }
    if (edges.length == 0) {
      return 0;
    }
    int base = 0;
    int length = edges.length;
    while (length > 1) {
      int half = length >>> 1;
      base += edges[base + half - 1] < value ? half : 0;
      length -= half;
    }
    int below = edges[base] < value ? base + 1 : base;
    return 2 * below + (below < edges.length && edges[below] == value ? 1 : 0);
  }

  /**
   * Adds other counts of the same profile.
   *
   * @throws IllegalArgumentException when the counts are of another layout
   */
  public void add(ValueCounts other) {
    requireSlots(other.slots.length);
    for (int i = 0; i < slots.length; i++) {
      slots[i] += other.slots[i];
    }
  }

  /**
   * Adds other counts of the same profile.
   *
   * @throws IllegalArgumentException when the counts are of another layout
   */
  public void add(SparseCounts other) {
    requireSlots(other.slots());
    for (int i = 0; i < other.slot().length; i++) {
      slots[other.slot()[i]] += other.count()[i];
    }
  }

  private void requireSlots(int others) {
    if (others != slots.length) {
      throw new IllegalArgumentException(
          "counts of %d slots cannot be added to counts of %d; both must be of one baseline profile"
              .formatted(others, slots.length));
    }
  }

  /**
   * Counts a field's value: a number, 1 and 0 for true and false, a text as the number that it
   * writes, or by its length where the profile is of lengths. What is no number is missing.
   */
  @Override
  public int add(@Nullable Object value) {
    return add(lengths ? length(value) : number(value));
  }

  private static double length(@Nullable Object value) {
    if (value == null) {
      return Double.NaN;
    }
    String text = value.toString();
    return text.codePointCount(0, text.length());
  }

  private static double number(@Nullable Object value) {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    if (value instanceof Boolean truth) {
      return truth ? 1 : 0;
    }
    if (value == null) {
      return Double.NaN;
    }
    try {
      return Double.parseDouble(value.toString());
    } catch (NumberFormatException e) {
      return Double.NaN;
    }
  }

  @Override
  public SparseCounts toSparse() {
    return SparseCounts.of(slots);
  }

  @Override
  public @Nullable NewValues newValues() {
    return null;
  }

  /** All slots in order; shared, not to be changed. */
  long[] slots() {
    return slots;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ValueCounts that
        && Arrays.equals(slots, that.slots)
        && Arrays.equals(edges, that.edges);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(slots);
  }

  @Override
  public String toString() {
    return "counts of %d rows in %d slots".formatted(Arrays.stream(slots).sum(), slots.length);
  }
}
