package io.pelton.feature;

import io.pelton.aggregate.Accumulator;
import io.pelton.pipeline.PipelineDefinition.Function;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Least, greatest, first, last, number of different values, or time since the last of one bucket:
 * all its values by time, and how many there are of each. Buckets share nothing with other windows,
 * so they hold what they need themselves.
 */
final class Timeline implements Accumulator {
  private final Function function;
  private final TreeMap<Long, List<Double>> byTime = new TreeMap<>();
  private final TreeMap<Double, Integer> byValue = new TreeMap<>();

  Timeline(Function function) {
    this.function = function;
  }

  @Override
  public void add(double number, @Nullable String text, long time) {
    double value = number + 0.0;
    byTime.computeIfAbsent(time, unused -> new ArrayList<>()).add(value);
    byValue.merge(value, 1, Integer::sum);
  }

  @Override
  public void remove(double number, @Nullable String text, long time) {
    Double value = number + 0.0;
    byTime.computeIfPresent(
        time,
        (unused, values) -> {
          values.remove(value);
          return values.isEmpty() ? null : values;
        });
    byValue.computeIfPresent(value, (unused, count) -> count == 1 ? null : count - 1);
  }

  @Override
  public double number(long now) {
    if (byTime.isEmpty()) {
      return Double.NaN;
    }
    List<Double> newest = byTime.lastEntry().getValue();
    return switch (function) {
      case MIN -> byValue.firstKey();
      case MAX -> byValue.lastKey();
      case DISTINCT -> byValue.size();
      case FIRST -> byTime.firstEntry().getValue().get(0);
      case LAST -> newest.get(newest.size() - 1);
      case TIME_SINCE_LAST -> (now - byTime.lastKey()) / 1_000.0;
      default -> throw new IllegalStateException(function + " is kept otherwise");
    };
  }

  @Override
  public Accumulator copy() {
    Timeline copy = new Timeline(function);
    byTime.forEach((time, values) -> copy.byTime.put(time, new ArrayList<>(values)));
    copy.byValue.putAll(byValue);
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    Varint.write(out, byTime.size());
    for (Map.Entry<Long, List<Double>> entry : byTime.entrySet()) {
      Varint.write(out, entry.getKey());
      Varint.write(out, entry.getValue().size());
      for (double value : entry.getValue()) {
        out.writeDouble(value);
      }
    }
  }

  @Override
  public void read(DataInput in) throws IOException {
    for (long times = Varint.read(in); times > 0; times--) {
      long time = Varint.read(in);
      for (long values = Varint.read(in); values > 0; values--) {
        add(in.readDouble(), null, time);
      }
    }
  }
}
