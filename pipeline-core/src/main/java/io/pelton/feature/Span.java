package io.pelton.feature;

import io.pelton.aggregate.Accumulator;
import io.pelton.pipeline.PipelineDefinition.Function;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Least, greatest, first or last value, or time since the last, of values that only come: what
 * {@link Timeline} is for windows over events, {@code Span} is for buckets of tiles.
 */
final class Span implements Accumulator {
  private final Function function;

  // NaN, and whatever times, while there is no value.
  private double least = Double.NaN;
  private double greatest = Double.NaN;
  private double first = Double.NaN;
  private double last = Double.NaN;
  private long firstTime;
  private long lastTime;

  Span(Function function) {
    this.function = function;
  }

  private boolean empty() {
    return Double.isNaN(least);
  }

  @Override
  public void add(double number, @Nullable String text, long time) {
    double value = number + 0.0;
    if (empty() || time < firstTime) {
      first = value;
      firstTime = time;
    }
    if (empty() || time >= lastTime) {
      last = value;
      lastTime = time;
    }
    least = empty() ? value : Math.min(least, value);
    greatest = Double.isNaN(greatest) ? value : Math.max(greatest, value);
  }

  @Override
  public void merge(Accumulator other) {
    Span from = (Span) other;
    if (from.empty()) {
      return;
    }
    if (empty() || from.firstTime < firstTime) {
      first = from.first;
      firstTime = from.firstTime;
    }
    if (empty() || from.lastTime >= lastTime) {
      last = from.last;
      lastTime = from.lastTime;
    }
    greatest = empty() ? from.greatest : Math.max(greatest, from.greatest);
    least = empty() ? from.least : Math.min(least, from.least);
  }

  @Override
  public double number(long now) {
    return switch (function) {
      case MIN -> least;
      case MAX -> greatest;
      case FIRST -> first;
      case LAST -> last;
      case TIME_SINCE_LAST -> empty() ? Double.NaN : (now - lastTime) / 1_000.0;
      default -> throw new IllegalStateException(function + " is kept otherwise");
    };
  }

  @Override
  public Accumulator copy() {
    Span copy = new Span(function);
    copy.merge(this);
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    for (double value : new double[] {least, greatest, first, last}) {
      out.writeDouble(value);
    }
    Varint.write(out, firstTime);
    Varint.write(out, lastTime);
  }

  @Override
  public void read(DataInput in) throws IOException {
    least = in.readDouble();
    greatest = in.readDouble();
    first = in.readDouble();
    last = in.readDouble();
    firstTime = Varint.read(in);
    lastTime = Varint.read(in);
  }
}
