package io.pelton.feature;

import io.pelton.aggregate.Accumulator;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An aggregate for each value of a field ({@code by}). The map shows the buckets with the most
 * events, at most {@code cap}, those of equal size by name; so which are shown depends on the
 * window alone.
 */
final class Buckets implements Accumulator {
  private final Supplier<Accumulator> empty;
  private final int cap;
  private final Map<String, Bucket> buckets = new HashMap<>();

  private static final class Bucket {
    private final Accumulator values;
    private long count;

    Bucket(Accumulator values) {
      this.values = values;
    }
  }

  Buckets(Supplier<Accumulator> empty, int cap) {
    this.empty = empty;
    this.cap = cap;
  }

  private Bucket bucket(String name) {
    return buckets.computeIfAbsent(name, unused -> new Bucket(empty.get()));
  }

  @Override
  public void add(double number, @Nullable String text, long time) {
    if (text != null) {
      Bucket bucket = bucket(text);
      bucket.count++;
      bucket.values.add(number, null, time);
    }
  }

  @Override
  public void remove(double number, @Nullable String text, long time) {
    Bucket bucket = text == null ? null : buckets.get(text);
    if (text != null && bucket != null) {
      bucket.values.remove(number, null, time);
      if (--bucket.count == 0) {
        buckets.remove(text);
      }
    }
  }

  @Override
  public void merge(Accumulator other) {
    for (Map.Entry<String, Bucket> entry : ((Buckets) other).buckets.entrySet()) {
      Bucket bucket = bucket(entry.getKey());
      bucket.count += entry.getValue().count;
      bucket.values.merge(entry.getValue().values);
    }
  }

  @Override
  public Map<String, Double> map(long now) {
    List<Map.Entry<String, Bucket>> shown =
        buckets.entrySet().stream()
            .sorted(
                Comparator.comparingLong((Map.Entry<String, Bucket> e) -> -e.getValue().count)
                    .thenComparing(Map.Entry::getKey))
            .limit(cap)
            .toList();
    Map<String, Double> map = new LinkedHashMap<>();
    for (Map.Entry<String, Bucket> bucket : shown) {
      double value = bucket.getValue().values.number(now);
      if (!Double.isNaN(value)) {
        map.put(bucket.getKey(), value);
      }
    }
    return map;
  }

  @Override
  public Accumulator copy() {
    Buckets copy = new Buckets(empty, cap);
    buckets.forEach(
        (name, bucket) -> {
          Bucket copied = new Bucket(bucket.values.copy());
          copied.count = bucket.count;
          copy.buckets.put(name, copied);
        });
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    Varint.write(out, buckets.size());
    for (Map.Entry<String, Bucket> entry : new TreeMap<>(buckets).entrySet()) {
      Texts.write(out, entry.getKey());
      Varint.write(out, entry.getValue().count);
      entry.getValue().values.write(out);
    }
  }

  @Override
  public void read(DataInput in) throws IOException {
    for (long left = Varint.read(in); left > 0; left--) {
      String name = Texts.read(in);
      Bucket bucket = new Bucket(empty.get());
      bucket.count = Varint.read(in);
      bucket.values.read(in);
      buckets.put(name, bucket);
    }
  }
}
