package io.pelton.drift;

import java.util.Arrays;

/**
 * Rows of a feature by key, of a sample of a window's keys: those with the smallest hashes, so that
 * samples merge, in any order, to the sample of all. Values count as their rank in the reference,
 * an integer, so that sums do not depend on the order either. Arrays are never changed.
 *
 * @param hashes of the keys, rising
 * @param rows of each of them
 * @param sums of their ranks
 * @param squares sums of their ranks' squares
 */
public record KeySums(long[] hashes, long[] rows, long[] sums, long[] squares) {
  /** Keys in a sample at most. */
  public static final int MOST_KEYS = 256;

  /** The greatest rank: its squares add up to a long for a thousand million rows. */
  static final long RANKS = 1 << 15;

  public KeySums {
    if (rows.length != hashes.length
        || sums.length != hashes.length
        || squares.length != hashes.length) {
      throw new IllegalArgumentException(
          "%d keys have %d counts, %d sums and %d squares; each must have one"
              .formatted(hashes.length, rows.length, sums.length, squares.length));
    }
  }

  /** Both together. */
  public KeySums plus(KeySums other) {
    int most = Math.min(MOST_KEYS, hashes.length + other.hashes.length);
    long[] mergedHashes = new long[most];
    long[] mergedRows = new long[most];
    long[] mergedSums = new long[most];
    long[] mergedSquares = new long[most];
    int size = 0;
    int i = 0;
    int j = 0;
    while (size < most && (i < hashes.length || j < other.hashes.length)) {
      boolean mine =
          j == other.hashes.length || (i < hashes.length && hashes[i] <= other.hashes[j]);
      boolean others =
          i == hashes.length || (j < other.hashes.length && other.hashes[j] <= hashes[i]);
      mergedHashes[size] = mine ? hashes[i] : other.hashes[j];
      if (mine) {
        mergedRows[size] += rows[i];
        mergedSums[size] += sums[i];
        mergedSquares[size] += squares[i++];
      }
      if (others) {
        mergedRows[size] += other.rows[j];
        mergedSums[size] += other.sums[j];
        mergedSquares[size] += other.squares[j++];
      }
      size++;
    }
    return new KeySums(
        Arrays.copyOf(mergedHashes, size),
        Arrays.copyOf(mergedRows, size),
        Arrays.copyOf(mergedSums, size),
        Arrays.copyOf(mergedSquares, size));
  }

  /**
   * By how much the rows say less than as many independent ones would: 1 + (c - 1) r. Here c is how
   * many rows the key of a row has on average (Kish 1965, for clusters of unequal size), and r the
   * correlation of rows of one key, by the variances between and within keys (Donner 1986).
   *
   * @return 1 or more
   */
  public double designEffect() {
    int keys = hashes.length;
    double n = 0;
    double sum = 0;
    double rowSquares = 0;
    double between = 0;
    double within = 0;
    for (int key = 0; key < keys; key++) {
      n += rows[key];
      sum += sums[key];
      rowSquares += (double) rows[key] * rows[key];
      double ofMean = (double) sums[key] * sums[key] / rows[key];
      between += ofMean;
      within += squares[key] - ofMean;
    }
    if (keys < 2 || n <= keys) {
      return 1; // no two rows of one key, or nothing to tell them from
    }
    between = Math.max(0, between - sum * sum / n) / (keys - 1);
    within = Math.max(0, within) / (n - keys);
    double size = (n - rowSquares / n) / (keys - 1);
    double spread = between + (size - 1) * within;
    double correlation = spread <= 0 ? 0 : Math.max(0, (between - within) / spread);
    return Math.max(1, 1 + (rowSquares / n - 1) * Math.min(1, correlation));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof KeySums that
        && Arrays.equals(hashes, that.hashes)
        && Arrays.equals(rows, that.rows)
        && Arrays.equals(sums, that.sums)
        && Arrays.equals(squares, that.squares);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(hashes);
  }
}
