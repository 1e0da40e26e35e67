package io.pelton.training;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Rows with known outcomes, in the pipeline's feature order. Arrays are not copied: whoever builds
 * a set hands them over.
 *
 * @param features feature of each column
 * @param ids event id of each row
 * @param times event time of each row, epoch milliseconds
 * @param entities key of the entity that card precision groups by, of each row; empty when unknown
 * @param rows one row each; NaN is a missing value
 * @param labels 1 for an event of the class to find, else 0
 */
@SuppressWarnings("ArrayRecordComponent") // Compared and hashed nowhere: see digest().
public record TrainingSet(
    List<String> features,
    List<String> ids,
    long[] times,
    List<String> entities,
    double[][] rows,
    double[] labels) {

  /**
   * @throws IllegalArgumentException if columns differ in length, a feature is named twice, a value
   *     does not fit a 32-bit float, or a label is neither 0 nor 1
   */
  public TrainingSet {
    features = List.copyOf(features);
    ids = List.copyOf(ids);
    entities = List.copyOf(entities);
    if (features.isEmpty()) {
      throw new IllegalArgumentException("training set: features must not be empty");
    }
    var seen = new HashSet<String>();
    for (String feature : features) {
      if (!seen.add(feature)) {
        throw new IllegalArgumentException(
            "training set: feature \"" + feature + "\" is named twice");
      }
    }
    requireLength("ids", ids.size(), rows.length);
    requireLength("times", times.length, rows.length);
    requireLength("labels", labels.length, rows.length);
    if (!entities.isEmpty()) {
      requireLength("entities", entities.size(), rows.length);
    }
    for (int row = 0; row < rows.length; row++) {
      if (rows[row].length != features.size()) {
        throw new IllegalArgumentException(
            "training set: row %s has %d values; there are %d features"
                .formatted(ids.get(row), rows[row].length, features.size()));
      }
      for (int column = 0; column < rows[row].length; column++) {
        if (Float.isInfinite((float) rows[row][column])) {
          throw new IllegalArgumentException(
              "training set: row %s: %s = %s does not fit a 32-bit float, which models compute in"
                  .formatted(ids.get(row), features.get(column), rows[row][column]));
        }
      }
      if (labels[row] != 0 && labels[row] != 1) {
        throw new IllegalArgumentException(
            "training set: row %s: label %s is neither 0 nor 1"
                .formatted(ids.get(row), labels[row]));
      }
    }
  }

  private static void requireLength(String column, int length, int rows) {
    if (length != rows) {
      throw new IllegalArgumentException(
          "training set: %d %s for %d rows".formatted(length, column, rows));
    }
  }

  public int size() {
    return rows.length;
  }

  public int positives() {
    int positives = 0;
    for (double label : labels) {
      positives += (int) label;
    }
    return positives;
  }

  /** The rows whose index passes, in order. Row arrays are shared with this set. */
  public TrainingSet where(IntPredicate keep) {
    int[] kept = IntStream.range(0, size()).filter(keep).toArray();
    var keptRows = new double[kept.length][];
    var keptTimes = new long[kept.length];
    var keptLabels = new double[kept.length];
    for (int i = 0; i < kept.length; i++) {
      keptRows[i] = rows[kept[i]];
      keptTimes[i] = times[kept[i]];
      keptLabels[i] = labels[kept[i]];
    }
    return new TrainingSet(
        features,
        IntStream.of(kept).mapToObj(ids::get).toList(),
        keptTimes,
        entities.isEmpty() ? entities : IntStream.of(kept).mapToObj(entities::get).toList(),
        keptRows,
        keptLabels);
  }

  /** The rows with an event time in {@code [from, to)}. */
  public TrainingSet between(Instant from, Instant to) {
    long first = from.toEpochMilli();
    long end = to.toEpochMilli();
    return where(row -> times[row] >= first && times[row] < end);
  }

  /** SHA-256, hex, over feature names, ids, times, the bits of all values, and labels. */
  public String digest() {
    MessageDigest sha256;
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
    for (String feature : features) {
      update(sha256, feature);
    }
    var buffer = ByteBuffer.allocate(Long.BYTES * (features.size() + 2));
    for (int row = 0; row < size(); row++) {
      update(sha256, ids.get(row));
      buffer.clear();
      buffer.putLong(times[row]);
      for (double value : rows[row]) {
        buffer.putLong(Double.doubleToLongBits(value));
      }
      buffer.putDouble(labels[row]);
      sha256.update(buffer.array());
    }
    return HexFormat.of().formatHex(sha256.digest());
  }

  private static void update(MessageDigest digest, String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0); // Ends the text, so that "a","bc" and "ab","c" differ.
  }

  /** Refuses a set that nothing can be learned from. */
  void requireBothClasses() {
    int positives = positives();
    if (positives == 0 || positives == size()) {
      throw new IllegalArgumentException(
          ("training set: %d of %d rows have label 1; training needs rows of both classes:"
                  + " take a longer period")
              .formatted(positives, size()));
    }
  }
}
