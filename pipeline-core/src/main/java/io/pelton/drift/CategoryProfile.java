package io.pelton.drift;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The reference sample of a field with categories, frozen as counts. Slots are those of its
 * commonest values, then of its other values together, of values that it does not have, and of
 * missing ones. Arrays are shared, never changed.
 *
 * @param values the commonest, the most frequent first
 * @param counts reference rows a slot
 * @param others hashes of its other values, rising: what tells them from new ones
 */
public record CategoryProfile(String name, List<String> values, long[] counts, long[] others)
    implements Profile {
  /** Different values that categories have at most; a text with more is counted by its length. */
  public static final int MOST_VALUES = 100_000;

  private static final double WHOLE_UP_TO = 1e15;
  private static final Hasher64 HASH = Hashing.wyhashFinal4();

  /**
   * @throws IllegalArgumentException when values and counts cannot belong together
   */
  public CategoryProfile {
    values = List.copyOf(values);
    if (counts.length != values.size() + 3) {
      throw new IllegalArgumentException(
          "profile of %s has %d counts for %d values; it must have one a value and three more"
              .formatted(name, counts.length, values.size()));
    }
    if (Arrays.stream(counts).anyMatch(count -> count < 0) || Arrays.stream(counts).sum() == 0) {
      throw new IllegalArgumentException(
          "profile of %s has no rows, or a negative count; a reference sample must have one or more"
              .formatted(name));
    }
  }

  /**
   * Freezes a reference sample.
   *
   * @param sample values of the reference rows; null is missing
   * @param most values that have a slot of their own
   * @throws IllegalArgumentException when the sample is empty, or has more than {@link
   *     #MOST_VALUES} different values
   */
  public static CategoryProfile of(String name, List<@Nullable String> sample, int most) {
    Map<String, Long> rows = new HashMap<>();
    long missing = 0;
    for (String value : sample) {
      if (value == null) {
        missing++;
      } else {
        rows.merge(value, 1L, Long::sum);
      }
    }
    if (rows.size() > MOST_VALUES) {
      throw new IllegalArgumentException(
          "profile of %s has %,d different values; categories have at most %,d"
              .formatted(name, rows.size(), MOST_VALUES));
    }
    List<Map.Entry<String, Long>> sorted =
        rows.entrySet().stream()
            .sorted(
                Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                    .thenComparing(Map.Entry.comparingByKey()))
            .toList();
    int own = Math.min(most, sorted.size());
    long[] counts = new long[own + 3];
    for (int i = 0; i < own; i++) {
      counts[i] = sorted.get(i).getValue();
    }
    List<Map.Entry<String, Long>> rest = sorted.subList(own, sorted.size());
    counts[own] = rest.stream().mapToLong(Map.Entry::getValue).sum();
    counts[own + 2] = missing;
    return new CategoryProfile(
        name,
        sorted.subList(0, own).stream().map(Map.Entry::getKey).toList(),
        counts,
        rest.stream().mapToLong(value -> hash(value.getKey())).sorted().toArray());
  }

  static long hash(String value) {
    return HASH.hashCharsToLong(value);
  }

  /** Whether a value that has no slot of its own is one of the reference's. */
  boolean hasOther(long hash) {
    return Arrays.binarySearch(others, hash) >= 0;
  }

  /** A value as a category: whole numbers are written as such. */
  static String text(Object value) {
    return value instanceof Double number
            && number == Math.rint(number)
            && Math.abs(number) < WHOLE_UP_TO
        ? Long.toString(number.longValue())
        : value.toString();
  }

  @Override
  public String reportName() {
    return FeatureProfile.FIELD_PREFIX + name;
  }

  int otherSlot() {
    return values.size();
  }

  int unseenSlot() {
    return values.size() + 1;
  }

  int missingSlot() {
    return values.size() + 2;
  }

  /** The commonest value first. */
  @Override
  public int[] ranks() {
    double rows = Arrays.stream(counts).sum();
    int[] ranks = new int[counts.length];
    long before = 0;
    for (int slot = 0; slot < counts.length; slot++) {
      ranks[slot] = (int) Math.rint((before + counts[slot] / 2.0) / rows * KeySums.RANKS);
      before += counts[slot];
    }
    return ranks;
  }

  @Override
  public CategoryCounts counter() {
    return new CategoryCounts(this);
  }

  @Override
  public CategoryProfile of(SparseCounts reference) {
    return new CategoryProfile(name, values, reference.dense(counts.length), others);
  }

  @Override
  public CategoryMeasures measure(SparseCounts window, double designEffect) {
    long[] current = window.dense(counts.length);
    List<CategoryMeasures.Bin> bins = new ArrayList<>();
    for (int slot = 0; slot < values.size(); slot++) {
      add(bins, CategoryMeasures.Kind.VALUE, values.get(slot), slot, current);
    }
    add(bins, CategoryMeasures.Kind.OTHER, null, otherSlot(), current);
    add(bins, CategoryMeasures.Kind.UNSEEN, null, unseenSlot(), current);
    add(bins, CategoryMeasures.Kind.MISSING, null, missingSlot(), current);
    int missing = missingSlot();
    return CategoryMeasures.of(
        bins, counts[missing], current[missing], current[unseenSlot()], designEffect);
  }

  private void add(
      List<CategoryMeasures.Bin> bins,
      CategoryMeasures.Kind kind,
      @Nullable String value,
      int slot,
      long[] current) {
    if (counts[slot] + current[slot] > 0) {
      bins.add(new CategoryMeasures.Bin(kind, value, counts[slot], current[slot]));
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CategoryProfile that
        && name.equals(that.name)
        && values.equals(that.values)
        && Arrays.equals(counts, that.counts)
        && Arrays.equals(others, that.others);
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + Arrays.hashCode(counts);
  }

  @Override
  public String toString() {
    return "profile of %s: %d values, %d others"
        .formatted(reportName(), values.size(), others.length);
  }
}
