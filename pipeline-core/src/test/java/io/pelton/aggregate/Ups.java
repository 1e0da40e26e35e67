package io.pelton.aggregate;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.List;

/** {@code ups(x)}: how many values are above zero. It takes values away, but does not merge. */
public final class Ups implements AggregateExtension {
  @Override
  public String name() {
    return "ups";
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
  public Accumulator create(List<String> parameters) {
    return new Count();
  }

  private static final class Count implements Accumulator {
    private int count;

    @Override
    public void add(double number, String text, long time) {
      count += number > 0 ? 1 : 0;
    }

    @Override
    public void remove(double number, String text, long time) {
      count -= number > 0 ? 1 : 0;
    }

    @Override
    public double number(long now) {
      return count;
    }

    @Override
    public Accumulator copy() {
      Count copy = new Count();
      copy.count = count;
      return copy;
    }

    @Override
    public void write(DataOutput out) throws IOException {
      out.writeInt(count);
    }

    @Override
    public void read(DataInput in) throws IOException {
      count = in.readInt();
    }
  }
}
