package io.pelton.inference.job;

import io.pelton.feature.FeatureRow;
import io.pelton.model.FallbackReason;
import io.pelton.model.FeatureDigest;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A preallocated batch: rows in order of arrival, and their features in the model's order. */
final class RowBatch {
  private static final double[] NONE = {};

  /** For each model feature, its place in the pipeline's features. */
  private final int[] columns;

  private final boolean sameColumns;
  private final int width;
  private final @Nullable FeatureRow[] rows;
  private final @Nullable ServedVersion[] served;
  private final double[][] features;
  private final long[] digests;
  private int size;
  private long firstArrivalNanos;

  /**
   * @throws IllegalArgumentException when the model takes a feature that the pipeline does not have
   */
  RowBatch(List<String> pipelineFeatures, List<String> modelFeatures, int capacity) {
    width = modelFeatures.size();
    columns = new int[width];
    for (int i = 0; i < width; i++) {
      columns[i] = pipelineFeatures.indexOf(modelFeatures.get(i));
      if (columns[i] < 0) {
        throw new IllegalArgumentException(
            "the model takes feature \"%s\"; the pipeline has %s"
                .formatted(modelFeatures.get(i), pipelineFeatures));
      }
    }
    sameColumns = modelFeatures.equals(pipelineFeatures);
    rows = new FeatureRow[capacity];
    served = new ServedVersion[capacity];
    features = new double[capacity][];
    digests = new long[capacity];
  }

  /**
   * @param row with a value for every feature of the pipeline
   * @param as what its prediction is to say of the version
   */
  void add(FeatureRow row, ServedVersion as) {
    if (size == 0) {
      firstArrivalNanos = System.nanoTime();
    }
    double[] from = row.values;
    double[] scored;
    if (sameColumns && from.length == width) {
      scored = from; // a row is never changed once it was handed on
    } else {
      scored = new double[width];
      for (int i = 0; i < width; i++) {
        scored[i] = from[columns[i]];
      }
    }
    rows[size] = row;
    served[size] = as;
    features[size] = scored;
    digests[size] = FeatureDigest.of(scored); // while it is in the cache
    size++;
  }

  /** Of {@link System#nanoTime}, of the row that waits longest. */
  long firstArrivalNanos() {
    return firstArrivalNanos;
  }

  int size() {
    return size;
  }

  boolean isFull() {
    return size == rows.length;
  }

  FeatureRow row(int index) {
    return present(rows[index]);
  }

  ServedVersion served(int index) {
    return present(served[index]);
  }

  /** What is scored of a row, in the model's order. */
  double[] features(int index) {
    if (index >= size) {
      throw new IndexOutOfBoundsException("the batch has no such row");
    }
    return features[index];
  }

  /** The same of all rows; of use up to {@link #size}. */
  double[][] features() {
    return features;
  }

  /**
   * A row with its scores.
   *
   * @param scores outputs of several rows, row-major
   * @param at where this row's begin
   * @param reason why the version that the row was meant for did not score it; null when it did
   */
  ScoredRow scored(int index, double[] scores, int at, @Nullable FallbackReason reason) {
    ServedVersion as = served(index);
    return scored(index, as, Arrays.copyOfRange(scores, at, at + as.outputs().size()), reason);
  }

  /** A row with outputs that are not of the version that it was meant for. */
  ScoredRow scored(int index, ServedVersion by, double[] outputs, @Nullable FallbackReason reason) {
    FeatureRow row = row(index);
    return new ScoredRow(
        row.id,
        row.time,
        row.keys,
        row.carried,
        by,
        features(index),
        digests[index],
        outputs,
        reason);
  }

  void clear() {
    Arrays.fill(rows, 0, size, null);
    Arrays.fill(served, 0, size, null);
    Arrays.fill(features, 0, size, NONE);
    size = 0;
  }

  private static <T> T present(@Nullable T value) {
    if (value == null) {
      throw new IndexOutOfBoundsException("the batch has no such row");
    }
    return value;
  }
}
