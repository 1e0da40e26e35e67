package io.pelton.drift;

import java.io.IOException;
import java.util.Arrays;

/**
 * The reference sample of one feature or score, frozen as counts. Arrays are shared, never changed.
 *
 * @param edges sorted distinct reference values, thinned by rank to a limit; every decile is one;
 *     empty when the reference has only missing values
 * @param counts reference rows a slot, in {@link ValueCounts}' layout
 * @param mean of the finite values, NaN without any
 * @param stddev of the finite values with ddof 0, NaN without any
 */
public record FeatureProfile(
    String name, Kind kind, double[] edges, long[] counts, double mean, double stddev)
    implements Profile {

  /** What the values are. */
  public enum Kind {
    FEATURE,
    /** A model output; rounded to six decimals, for engines differ in the last bits. */
    OUTPUT,
    /** A carried field of the event with numbers. */
    FIELD,
    /** The lengths of a carried field's texts. */
    TEXT
  }

  static final String FIELD_PREFIX = "field:";

  /** Fewest edges that leave room for the extremes, the deciles and something between them. */
  public static final int FEWEST_EDGES = 16;

  private static final double ROUNDING = 1e6;

  /** From here on a double has no seventh decimal to round. */
  private static final double ROUNDED_ALREADY = 0x1p53 / ROUNDING;

  /**
   * @throws IllegalArgumentException when edges and counts cannot belong together
   */
  public FeatureProfile {
    if (counts.length != 2 * edges.length + 2) {
      throw new IllegalArgumentException(
          "profile of %s has %d counts for %d edges; it must have two an edge and two more"
              .formatted(name, counts.length, edges.length));
    }
    for (int i = 0; i < edges.length; i++) {
      if (Double.isNaN(edges[i]) || (i > 0 && edges[i - 1] >= edges[i])) {
        throw new IllegalArgumentException(
            "profile of %s: edge %d is %s; edges must be numbers and rise strictly"
                .formatted(name, i, edges[i]));
      }
    }
    long rows = 0;
    for (long count : counts) {
      if (count < 0) {
        throw new IllegalArgumentException(
            "profile of %s has a count of %d; counts must not be negative".formatted(name, count));
      }
      rows += count;
    }
    if (rows == 0) {
      throw new IllegalArgumentException(
          "profile of %s has no rows; a reference sample must have one or more".formatted(name));
    }
  }

  /**
   * Freezes a reference sample.
   *
   * @param values the reference sample; NaN is missing, infinities are its smallest and largest
   *     values
   * @param mostEdges edges kept at most, 16 or more
   * @throws IllegalArgumentException when the sample is empty
   */
  public static FeatureProfile of(String name, Kind kind, double[] values, int mostEdges) {
    requireEdges(name, mostEdges);
    double[] sorted = new double[values.length];
    int size = 0;
    double sum = 0;
    int finite = 0;
    for (double raw : values) {
      double value = kind == Kind.OUTPUT ? rounded(raw) : raw;
      if (!Double.isNaN(value)) {
        // Adding zero turns -0.0 into 0.0, so that both are one value.
        sorted[size++] = value + 0.0;
      }
      if (Double.isFinite(value)) {
        sum += value;
        finite++;
      }
    }
    sorted = Arrays.copyOf(sorted, size);
    Arrays.sort(sorted);

    double mean = finite == 0 ? Double.NaN : sum / finite;
    double squares = 0;
    for (double value : sorted) {
      if (Double.isFinite(value)) {
        squares += (value - mean) * (value - mean);
      }
    }
    double stddev = finite == 0 ? Double.NaN : Math.sqrt(squares / finite);

    double[] edges = edges(sorted, mostEdges);
    long[] counts = new long[2 * edges.length + 2];
    for (double value : sorted) {
      counts[ValueCounts.slot(edges, value)]++;
    }
    counts[counts.length - 1] = (long) values.length - size;
    return new FeatureProfile(name, kind, edges, counts, mean, stddev);
  }

  /**
   * Freezes a reference sample of a feature that need not fit into memory.
   *
   * @param mostEdges edges kept at most, 16 or more
   * @throws IllegalArgumentException when the sample is empty
   */
  public static FeatureProfile of(String name, Sample sample, int mostEdges) throws IOException {
    requireEdges(name, mostEdges);
    double[] edges = edges(sample, mostEdges);
    long[] counts = new long[2 * edges.length + 2];
    double sum = 0;
    long finite = 0;
    for (ValueGroups groups = sample.groups(); groups.next(); ) {
      counts[ValueCounts.slot(edges, groups.value())] += groups.count();
      if (Double.isFinite(groups.value())) {
        sum += groups.value() * groups.count();
        finite += groups.count();
      }
    }
    counts[counts.length - 1] = sample.missing();
    double mean = finite == 0 ? Double.NaN : sum / finite;
    double squares = 0;
    for (ValueGroups groups = sample.groups(); groups.next(); ) {
      if (Double.isFinite(groups.value())) {
        double off = groups.value() - mean;
        squares += off * off * groups.count();
      }
    }
    double stddev = finite == 0 ? Double.NaN : Math.sqrt(squares / finite);
    return new FeatureProfile(name, Kind.FEATURE, edges, counts, mean, stddev);
  }

  private static void requireEdges(String name, int mostEdges) {
    if (mostEdges < FEWEST_EDGES) {
      throw new IllegalArgumentException(
          "profile of %s: edges is %d; it must be %d or more"
              .formatted(name, mostEdges, FEWEST_EDGES));
    }
  }

  private static double[] edges(double[] sorted, int mostEdges) {
    double[] distinct = distinct(sorted);
    return distinct.length <= mostEdges
        ? distinct
        : distinct(
            Arrays.stream(ranks(sorted.length, mostEdges))
                .mapToDouble(rank -> sorted[(int) rank])
                .toArray());
  }

  private static double[] edges(Sample sample, int mostEdges) throws IOException {
    double[] edges = new double[mostEdges];
    int size = 0;
    ValueGroups all = sample.groups();
    while (size < mostEdges && all.next()) {
      edges[size++] = all.value();
    }
    if (size < mostEdges || !all.next()) {
      return Arrays.copyOf(edges, size);
    }
    long[] ranks = ranks(sample.count(), mostEdges);
    long below = 0;
    int next = 0;
    for (ValueGroups groups = sample.groups(); groups.next(); ) {
      below += groups.count();
      for (; next < ranks.length && ranks[next] < below; next++) {
        edges[next] = groups.value();
      }
    }
    return distinct(edges);
  }

  /** Places of the edges among n sorted values: of the deciles, and evenly from end to end. */
  private static long[] ranks(long n, int mostEdges) {
    long[] ranks = new long[mostEdges];
    int next = 0;
    for (int k = 1; k < 10; k++) {
      ranks[next++] = rankOfDecile(k, n);
    }
    int byRank = mostEdges - next;
    for (long i = 0; i < byRank; i++) {
      ranks[next++] = i * (n - 1) / (byRank - 1);
    }
    Arrays.sort(ranks);
    return ranks;
  }

  /** Index of the smallest value whose share of values at or below it reaches k tenths. */
  private static long rankOfDecile(long k, long n) {
    return (k * n + 9) / 10 - 1;
  }

  private static double[] distinct(double[] sorted) {
    double[] distinct = new double[sorted.length];
    int size = 0;
    for (double value : sorted) {
      if (size == 0 || distinct[size - 1] != value) {
        distinct[size++] = value;
      }
    }
    return Arrays.copyOf(distinct, size);
  }

  /** Rounded to six decimals, as model outputs are before they are counted. */
  static double rounded(double value) {
    return Math.abs(value) < ROUNDED_ALREADY ? Math.rint(value * ROUNDING) / ROUNDING : value;
  }

  @Override
  public String reportName() {
    return switch (kind) {
      case FEATURE -> name;
      case OUTPUT -> "output:" + name;
      case FIELD, TEXT -> FIELD_PREFIX + name;
    };
  }

  /** 0 for missing ones. */
  @Override
  public int[] ranks() {
    long values = Math.max(1, rows() - missing());
    int[] ranks = new int[counts.length];
    long below = 0;
    for (int slot = 0; slot < counts.length - 1; slot++) {
      double middle = below + counts[slot] / 2.0;
      ranks[slot] = (int) Math.rint(middle / values * KeySums.RANKS);
      below += counts[slot];
    }
    return ranks;
  }

  @Override
  public ValueCounts counter() {
    return new ValueCounts(this);
  }

  /** {@link #stddev} stays that of this one. */
  @Override
  public FeatureProfile of(SparseCounts reference) {
    return new FeatureProfile(name, kind, edges, reference.dense(counts.length), mean, stddev);
  }

  @Override
  public Measures measure(SparseCounts window, double designEffect) {
    ValueCounts current = counter();
    current.add(window);
    return Measures.of(this, current, designEffect);
  }

  /** Reference rows, missing ones included. */
  public long rows() {
    long rows = 0;
    for (long count : counts) {
      rows += count;
    }
    return rows;
  }

  /** Reference rows whose value is missing. */
  public long missing() {
    return counts[counts.length - 1];
  }

  /**
   * By how much the Kolmogorov-Smirnov distance at the edges may fall short of the true one, for a
   * thinned reference has values between them; 0 when it was not thinned.
   */
  public double rankErrorBound() {
    long largest = 0;
    for (int gap = 0; gap < counts.length - 1; gap += 2) {
      largest = Math.max(largest, counts[gap]);
    }
    return largest == 0 ? 0 : largest / (double) (rows() - missing());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FeatureProfile that
        && name.equals(that.name)
        && kind == that.kind
        && Arrays.equals(edges, that.edges)
        && Arrays.equals(counts, that.counts)
        && Double.compare(mean, that.mean) == 0
        && Double.compare(stddev, that.stddev) == 0;
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + Arrays.hashCode(edges);
  }

  @Override
  public String toString() {
    return "profile of %s: %d edges, %d rows".formatted(reportName(), edges.length, rows());
  }
}
