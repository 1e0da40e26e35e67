package io.pelton.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/**
 * Number, sum and, if wanted, sum of squares of values, exact, to which values come and from which
 * they go.
 */
final class Total {
  private final long[] limbs;
  private @Nullable Unfit unfit;
  private long count;

  /**
   * @param squares whether squares are wanted, as {@link #deviations} needs
   */
  Total(boolean squares) {
    limbs = new long[ExactSum.SUM + (squares ? ExactSum.SQUARES : 0)];
  }

  private boolean squares() {
    return limbs.length > ExactSum.SUM;
  }

  void add(double value) {
    count++;
    if (ExactSum.fits(value)) {
      ExactSum.add(limbs, 0, value);
      if (squares()) {
        ExactSum.addSquare(limbs, ExactSum.SUM, value);
      }
    } else {
      unfit = Unfit.of(unfit).with(value, 1);
    }
  }

  void remove(double value) {
    count--;
    if (ExactSum.fits(value)) {
      ExactSum.subtract(limbs, 0, value);
      if (squares()) {
        ExactSum.subtractSquare(limbs, ExactSum.SUM, value);
      }
    } else {
      unfit = Unfit.of(unfit).with(value, -1);
    }
  }

  void merge(Total other) {
    ExactSum.addAll(limbs, 0, other.limbs, 0, ExactSum.SUM);
    if (squares()) {
      ExactSum.addAll(limbs, ExactSum.SUM, other.limbs, ExactSum.SUM, ExactSum.SQUARES);
    }
    if (other.unfit != null) {
      unfit = Unfit.of(unfit).plus(other.unfit, 1);
    }
    count += other.count;
  }

  long count() {
    return count;
  }

  double sum() {
    if (unfit == null || unfit.count() == 0) {
      return ExactSum.value(limbs, 0);
    }
    return unfit.sum(ExactSum.exact(limbs, 0));
  }

  /** The sum of squared deviations from the mean, times the number of values. */
  double deviations() {
    if (unfit == null || unfit.count() == 0) {
      return ExactSum.deviations(count, limbs, 0, limbs, ExactSum.SUM);
    }
    BigDecimal squares = ExactSum.exactSquares(limbs, ExactSum.SUM);
    return unfit.deviations(count, ExactSum.exact(limbs, 0), squares);
  }

  Total copy() {
    Total copy = new Total(squares());
    System.arraycopy(limbs, 0, copy.limbs, 0, limbs.length);
    copy.unfit = unfit;
    copy.count = count;
    return copy;
  }

  void write(DataOutput out) throws IOException {
    Varint.write(out, count);
    for (long limb : limbs) {
      Varint.write(out, limb);
    }
    out.writeBoolean(unfit != null);
    if (unfit != null) {
      unfit.write(out);
    }
  }

  static Total read(boolean squares, DataInput in) throws IOException {
    Total total = new Total(squares);
    total.count = Varint.read(in);
    for (int i = 0; i < total.limbs.length; i++) {
      total.limbs[i] = Varint.read(in);
    }
    if (in.readBoolean()) {
      total.unfit = Unfit.read(in);
    }
    return total;
  }
}
