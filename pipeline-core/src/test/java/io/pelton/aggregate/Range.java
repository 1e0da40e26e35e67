package io.pelton.aggregate;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.List;

/** {@code range(x)}: the greatest less the least value. It merges, but takes nothing away. */
public final class Range implements AggregateExtension {
  @Override
  public String name() {
    return "range";
  }

  @Override
  public boolean ofTexts() {
    return false;
  }

  @Override
  public boolean givesMap() {
    return false;
  }

  @Override
  public boolean removes() {
    return false;
  }

  @Override
  public boolean merges() {
    return true;
  }

  @Override
  public Accumulator create(List<String> parameters) {
    return new Ends();
  }

  private static final class Ends implements Accumulator {
    private double least = Double.POSITIVE_INFINITY;
    private double greatest = Double.NEGATIVE_INFINITY;

    @Override
    public void add(double number, String text, long time) {
      least = Math.min(least, number);
      greatest = Math.max(greatest, number);
    }

    @Override
    public void merge(Accumulator other) {
      least = Math.min(least, ((Ends) other).least);
      greatest = Math.max(greatest, ((Ends) other).greatest);
    }

    @Override
    public double number(long now) {
      return greatest - least;
    }

    @Override
    public Accumulator copy() {
      Ends copy = new Ends();
      copy.merge(this);
      return copy;
    }

    @Override
    public void write(DataOutput out) throws IOException {
      out.writeDouble(least);
      out.writeDouble(greatest);
    }

    @Override
    public void read(DataInput in) throws IOException {
      least = in.readDouble();
      greatest = in.readDouble();
    }
  }
}
