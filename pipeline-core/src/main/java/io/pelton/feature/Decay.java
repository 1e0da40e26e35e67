package io.pelton.feature;

import io.pelton.aggregate.Accumulator;
import io.pelton.pipeline.PipelineDefinition.Function;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Sums of values that count half as much after each half-life: sum of x * 2^-((t - time) / h). It
 * is forward decay (Cormode, Shkapenyuk, Srivastava, Xu: Forward Decay, ICDE 2009) with a landmark
 * at each multiple of the half-life: a value is weighed once against the landmark before it and
 * added exactly to that landmark's total, and going from one landmark to the next is a shift of the
 * exponent. So values leave exactly, and nothing is worn by being multiplied again and again.
 */
final class Decay implements Accumulator {
  private final Function function;
  private final long halfLife;

  /** By the number of the half-life, counted from the epoch: weighted values, and weights. */
  private final TreeMap<Long, Total[]> totals = new TreeMap<>();

  Decay(Function function, long halfLife) {
    this.function = function;
    this.halfLife = halfLife;
  }

  private double weight(long time) {
    return StrictMath.pow(2, (double) Math.floorMod(time, halfLife) / halfLife);
  }

  private Total[] at(long landmark) {
    return totals.computeIfAbsent(
        landmark, unused -> new Total[] {new Total(false), new Total(false)});
  }

  @Override
  public void add(double number, @Nullable String text, long time) {
    Total[] at = at(Math.floorDiv(time, halfLife));
    double weight = weight(time);
    at[0].add(number * weight);
    at[1].add(weight);
  }

  @Override
  public void remove(double number, @Nullable String text, long time) {
    long landmark = Math.floorDiv(time, halfLife);
    Total[] at = totals.get(landmark);
    if (at == null) {
      throw new IllegalStateException("a value leaves that never came, of time " + time);
    }
    double weight = weight(time);
    at[0].remove(number * weight);
    at[1].remove(weight);
    if (at[1].count() == 0) {
      totals.remove(landmark);
    }
  }

  @Override
  public void merge(Accumulator other) {
    for (Map.Entry<Long, Total[]> entry : ((Decay) other).totals.entrySet()) {
      Total[] at = at(entry.getKey());
      at[0].merge(entry.getValue()[0]);
      at[1].merge(entry.getValue()[1]);
    }
  }

  @Override
  public double number(long now) {
    if (totals.isEmpty()) {
      return Double.NaN;
    }
    long landmark = Math.floorDiv(now, halfLife);
    double sum = 0;
    double count = 0;
    for (Map.Entry<Long, Total[]> entry : totals.entrySet()) {
      int shift = (int) Math.max(entry.getKey() - landmark, -5_000);
      sum += Math.scalb(entry.getValue()[0].sum(), shift);
      count += Math.scalb(entry.getValue()[1].sum(), shift);
    }
    return switch (function) {
      case DECAYED_COUNT -> count / weight(now);
      case DECAYED_SUM -> sum / weight(now);
      default -> sum / count;
    };
  }

  @Override
  public Accumulator copy() {
    Decay copy = new Decay(function, halfLife);
    totals.forEach(
        (landmark, at) -> copy.totals.put(landmark, new Total[] {at[0].copy(), at[1].copy()}));
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    Varint.write(out, totals.size());
    for (Map.Entry<Long, Total[]> entry : totals.entrySet()) {
      Varint.write(out, entry.getKey());
      entry.getValue()[0].write(out);
      entry.getValue()[1].write(out);
    }
  }

  @Override
  public void read(DataInput in) throws IOException {
    for (long left = Varint.read(in); left > 0; left--) {
      totals.put(Varint.read(in), new Total[] {Total.read(false, in), Total.read(false, in)});
    }
  }
}
