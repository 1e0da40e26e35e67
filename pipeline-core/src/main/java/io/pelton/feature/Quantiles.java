package io.pelton.feature;

import com.datadoghq.sketch.ddsketch.mapping.IndexMapping;
import com.datadoghq.sketch.ddsketch.mapping.LogarithmicMapping;
import io.pelton.aggregate.Accumulator;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A quantile of a window: exact, between the two nearest values in proportion (type 7 of Hyndman
 * and Fan, the default of NumPy and R), while it holds at most {@link #EXACT} values; beyond that
 * from counts in the buckets of a DDSketch (Masson, Rim, Lee: DDSketch, VLDB 2019), whose values
 * are within {@link #ACCURACY} of the true one. Counts are whole, so values leave as they came, and
 * the same values give the same quantile in any order. Which of the two holds depends on the number
 * of values alone.
 */
final class Quantiles implements Accumulator {
  static final int EXACT = 256;
  static final double ACCURACY = 0.005;

  private static final IndexMapping MAPPING = new LogarithmicMapping(ACCURACY);

  /** Which of the values are kept beside counts. */
  enum Keeps {
    ALL,
    /** Not when they are many: the owner can give them again, by {@link #refill}. */
    SOME,
    /** Not when they are many: none leaves, so they are not asked for again. */
    FEW
  }

  private final double quantile;
  private final Keeps keeps;
  private int count;

  /** The values in order; null once they were too many, until they are read anew. */
  private double @Nullable [] sorted = new double[4];

  /** Bucket to count, negative values by negative mirrored buckets; null while few. */
  private @Nullable TreeMap<Long, Integer> sketch;

  Quantiles(double quantile, Keeps keeps) {
    this.quantile = quantile;
    this.keeps = keeps;
  }

  /** Whether the window's values must be given again, by {@link #refill}. */
  boolean mustRefill() {
    return count <= EXACT && sorted == null;
  }

  /**
   * @param values all that the window holds, in any order; sorted in place
   */
  void refill(double[] values) {
    Arrays.sort(values);
    sorted = values;
    sketch = null;
  }

  /** Where a value belongs, ascending with it. */
  private static long bucket(double value) {
    double size = Math.abs(value);
    if (size < MAPPING.minIndexableValue()) {
      return 0;
    }
    long index =
        (size > MAPPING.maxIndexableValue()
                ? MAPPING.index(MAPPING.maxIndexableValue()) + 1L
                : MAPPING.index(size))
            - (long) Integer.MIN_VALUE
            + 1;
    return value < 0 ? -index : index;
  }

  private static double value(long bucket) {
    if (bucket == 0) {
      return 0;
    }
    long index = Math.abs(bucket) - 1 + Integer.MIN_VALUE;
    double size =
        index > MAPPING.index(MAPPING.maxIndexableValue())
            ? Double.POSITIVE_INFINITY
            : MAPPING.value((int) index);
    return bucket < 0 ? -size : size;
  }

  @Override
  public void add(double number, @Nullable String text, long time) {
    if (sorted != null) {
      if (keeps == Keeps.SOME && count == 2 * EXACT || keeps == Keeps.FEW && count == EXACT) {
        sketch = sketch();
        sorted = null;
      } else {
        if (count == sorted.length) {
          sorted = Arrays.copyOf(sorted, 2 * count);
        }
        int at = Arrays.binarySearch(sorted, 0, count, number);
        at = at < 0 ? -at - 1 : at;
        System.arraycopy(sorted, at, sorted, at + 1, count - at);
        sorted[at] = number;
      }
    }
    if (sketch != null) {
      sketch.merge(bucket(number), 1, Integer::sum);
    }
    count++;
  }

  @Override
  public void remove(double number, @Nullable String text, long time) {
    if (sorted != null) {
      int at = Arrays.binarySearch(sorted, 0, count, number);
      if (at < 0) {
        throw new IllegalStateException("a value leaves that never came: " + number);
      }
      System.arraycopy(sorted, at + 1, sorted, at, count - at - 1);
    }
    if (sketch != null) {
      sketch.computeIfPresent(bucket(number), (unused, n) -> n == 1 ? null : n - 1);
    }
    count--;
    if (sketch != null && sorted != null && count <= EXACT) {
      sketch = null;
    }
  }

  @Override
  public void merge(Accumulator other) {
    Quantiles from = (Quantiles) other;
    if (sorted != null && from.sorted != null && count + from.count <= EXACT) {
      double[] both = Arrays.copyOf(sorted, Math.max(4, count + from.count));
      System.arraycopy(from.sorted, 0, both, count, from.count);
      Arrays.sort(both, 0, count + from.count);
      sorted = both;
    } else {
      TreeMap<Long, Integer> counts = sketch();
      sorted = null;
      if (from.sorted != null) {
        for (int i = 0; i < from.count; i++) {
          counts.merge(bucket(from.sorted[i]), 1, Integer::sum);
        }
      } else {
        from.sketch().forEach((bucket, number) -> counts.merge(bucket, number, Integer::sum));
      }
    }
    count += from.count;
  }

  private TreeMap<Long, Integer> sketch() {
    if (sketch == null) {
      sketch = new TreeMap<>();
      for (int i = 0; sorted != null && i < count; i++) {
        sketch.merge(bucket(sorted[i]), 1, Integer::sum);
      }
    }
    return sketch;
  }

  @Override
  public double number(long now) {
    if (count == 0) {
      return Double.NaN;
    }
    double rank = quantile * (count - 1);
    if (count <= EXACT) {
      double[] values = sorted;
      if (values == null) {
        throw new IllegalStateException("asked for a quantile before the values were read anew");
      }
      int below = (int) rank;
      double part = rank - below;
      double low = values[below];
      return part == 0 ? low : low + part * (values[below + 1] - low);
    }
    long seen = 0;
    long wanted = (long) rank;
    for (Map.Entry<Long, Integer> entry : sketch().entrySet()) {
      seen += entry.getValue();
      if (seen > wanted) {
        return value(entry.getKey());
      }
    }
    throw new IllegalStateException("the counts of a quantile are fewer than its values");
  }

  @Override
  public Accumulator copy() {
    Quantiles copy = new Quantiles(quantile, keeps);
    copy.count = count;
    copy.sorted = sorted == null ? null : sorted.clone();
    copy.sketch = sketch == null ? null : new TreeMap<>(sketch);
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    Varint.write(out, count);
    out.writeBoolean(sorted != null);
    if (sorted != null) {
      for (int i = 0; i < count; i++) {
        out.writeDouble(sorted[i]);
      }
    } else {
      TreeMap<Long, Integer> counts = sketch();
      Varint.write(out, counts.size());
      long before = 0;
      for (Map.Entry<Long, Integer> entry : counts.entrySet()) {
        Varint.write(out, entry.getKey() - before);
        Varint.write(out, entry.getValue());
        before = entry.getKey();
      }
    }
  }

  @Override
  public void read(DataInput in) throws IOException {
    count = (int) Varint.read(in);
    sketch = null;
    if (in.readBoolean()) {
      double[] values = new double[Math.max(4, count)];
      for (int i = 0; i < count; i++) {
        values[i] = in.readDouble();
      }
      sorted = values;
      return;
    }
    sorted = null;
    TreeMap<Long, Integer> counts = new TreeMap<>();
    long bucket = 0;
    for (long left = Varint.read(in); left > 0; left--) {
      bucket += Varint.read(in);
      counts.put(bucket, (int) Varint.read(in));
    }
    sketch = counts;
  }
}
