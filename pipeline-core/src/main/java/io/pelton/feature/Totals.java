package io.pelton.feature;

import io.pelton.aggregate.Accumulator;
import io.pelton.pipeline.PipelineDefinition.Function;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Count, sum, mean, share, variance or standard deviation of one bucket. */
final class Totals implements Accumulator {
  private final Function function;
  private final boolean squares;
  private Total total;

  Totals(Function function) {
    this.function = function;
    squares = function == Function.VARIANCE || function == Function.STDDEV;
    total = new Total(squares);
  }

  @Override
  public void add(double number, @Nullable String text, long time) {
    total.add(number);
  }

  @Override
  public void remove(double number, @Nullable String text, long time) {
    total.remove(number);
  }

  @Override
  public void merge(Accumulator other) {
    total.merge(((Totals) other).total);
  }

  @Override
  public double number(long now) {
    return Aggregates.of(function, total, Double.NaN);
  }

  @Override
  public Accumulator copy() {
    Totals copy = new Totals(function);
    copy.total = total.copy();
    return copy;
  }

  @Override
  public void write(DataOutput out) throws IOException {
    total.write(out);
  }

  @Override
  public void read(DataInput in) throws IOException {
    total = Total.read(squares, in);
  }
}
