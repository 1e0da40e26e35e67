package io.pelton.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
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
   * @param squares whether squares are wanted, as spreads need
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

  /** Becomes what lies between two totals of an edge, which hold squares if this does. */
  void between(long[] totals, int newer, int older, Unfit rest) {
    count = totals[newer] - totals[older];
    ExactSum.difference(totals, newer + 1, older + 1, ExactSum.SUM, limbs, 0);
    if (squares()) {
      int behind = 1 + ExactSum.SUM;
      ExactSum.difference(
          totals, newer + behind, older + behind, ExactSum.SQUARES, limbs, ExactSum.SUM);
    }
    unfit = rest;
  }

  private boolean fits() {
    return unfit == null || unfit.count() == 0;
  }

  double sum() {
    return fits() ? ExactSum.value(limbs, 0) : Unfit.of(unfit).sum(ExactSum.exact(limbs, 0));
  }

  double mean() {
    return fits()
        ? ExactSum.value(limbs, 0) / count
        : Unfit.of(unfit).mean(count, ExactSum.exact(limbs, 0));
  }

  /** Sample variance, NaN of fewer than two values and where one is infinite. */
  double variance() {
    if (count < 2) {
      return Double.NaN;
    }
    if (fits()) {
      return ExactSum.deviations(count, limbs, 0, limbs, ExactSum.SUM) / count / (count - 1);
    }
    BigDecimal variance = exactVariance();
    return variance == null ? Double.NaN : variance.doubleValue();
  }

  /** The root of the variance; finite also where that is too large for a double. */
  double stddev() {
    if (count < 2 || fits()) {
      return Math.sqrt(variance());
    }
    BigDecimal variance = exactVariance();
    return variance == null ? Double.NaN : variance.sqrt(MathContext.DECIMAL64).doubleValue();
  }

  private @Nullable BigDecimal exactVariance() {
    BigDecimal squares = ExactSum.exactSquares(limbs, ExactSum.SUM);
    return Unfit.of(unfit).variance(count, ExactSum.exact(limbs, 0), squares);
  }

  /**
   * How many standard deviations a value lies from the mean, NaN where there is no spread. The
   * distance is exact before it is rounded, as the spread is.
   */
  double zScore(double value) {
    double stddev = stddev();
    if (!(stddev > 0) || !Double.isFinite(value)) {
      return Double.NaN;
    }
    if (fits() && ExactSum.fits(value)) {
      return ExactSum.distance(count, value, limbs, 0) / count / stddev;
    }
    return Unfit.of(unfit).distance(count, value, ExactSum.exact(limbs, 0)) / stddev;
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
