package io.pelton.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;

/**
 * A block's numbers of one kind in the shortest of a few ways: none, one for all, decimals as whole
 * numbers, doubles.
 */
final class NumberColumn {
  private static final byte MISSING = 0;
  private static final byte CONSTANT = 1;
  private static final byte DECIMALS = 2;
  private static final byte DOUBLES = 3;
  private static final double[] POWERS = {1, 10, 100, 1_000, 10_000};
  private static final double LARGEST_DECIMAL = 1e15;

  private NumberColumn() {}

  /** Writes the numbers; how many there are is the reader's to know. */
  static void write(DataOutput out, double[] column) throws IOException {
    int decimals = decimals(column);
    if (decimals == -2) {
      out.writeByte(MISSING);
    } else if (decimals == -3) {
      out.writeByte(CONSTANT);
      out.writeDouble(column[0]);
    } else if (decimals >= 0) {
      // A missing value is written as one more than the greatest that can be.
      out.writeByte(DECIMALS);
      out.writeByte(decimals);
      for (int i = 0; i < column.length; i++) {
        Varint.write(
            out,
            Double.isNaN(column[i])
                ? (long) LARGEST_DECIMAL + 1
                : Math.round(column[i] * POWERS[decimals]));
      }
    } else {
      out.writeByte(DOUBLES);
      for (int i = 0; i < column.length; i++) {
        out.writeDouble(column[i]);
      }
    }
  }

  /** Digits after the point that hold all values; -1 doubles, -2 all missing, -3 all the same. */
  private static int decimals(double[] column) {
    boolean missing = true;
    boolean same = true;
    long first = column.length == 0 ? 0 : Double.doubleToLongBits(column[0]);
    int digits = 0;
    for (int i = 0; i < column.length; i++) {
      double value = column[i];
      same &= Double.doubleToLongBits(value) == first;
      if (Double.isNaN(value)) {
        continue;
      }
      missing = false;
      while (digits >= 0 && !holds(value, digits)) {
        digits = digits == POWERS.length - 1 ? -1 : digits + 1;
      }
    }
    return missing ? -2 : same ? -3 : digits;
  }

  private static boolean holds(double value, int decimals) {
    double scaled = value * POWERS[decimals];
    return Math.abs(scaled) <= LARGEST_DECIMAL
        && Double.doubleToLongBits(Math.round(scaled) / POWERS[decimals])
            == Double.doubleToLongBits(value);
  }

  /** Fills a column with as many numbers as it has room for. */
  static void read(DataInput in, double[] column) throws IOException {
    byte way = in.readByte();
    switch (way) {
      case MISSING -> Arrays.fill(column, Double.NaN);
      case CONSTANT -> Arrays.fill(column, in.readDouble());
      case DECIMALS -> {
        double power = POWERS[in.readByte()];
        for (int i = 0; i < column.length; i++) {
          long whole = Varint.read(in);
          column[i] = whole > (long) LARGEST_DECIMAL ? Double.NaN : whole / power;
        }
      }
      case DOUBLES -> {
        for (int i = 0; i < column.length; i++) {
          column[i] = in.readDouble();
        }
      }
      default -> throw new IOException("a block of history has a column of unknown form " + way);
    }
  }
}
