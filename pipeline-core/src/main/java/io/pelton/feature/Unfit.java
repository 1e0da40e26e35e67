package io.pelton.feature;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import org.jspecify.annotations.Nullable;

/**
 * The part of a sum, and of a sum of squares, that {@link ExactSum}'s fixed point does not hold:
 * infinities, and values too large or too small. Exact, so it is added to and taken from like the
 * rest; slow, but rare.
 */
record Unfit(long count, BigDecimal sum, BigDecimal squares, long positive, long negative) {
  static final Unfit NONE = new Unfit(0, BigDecimal.ZERO, BigDecimal.ZERO, 0, 0);

  static Unfit of(@Nullable Unfit unfit) {
    return unfit == null ? NONE : unfit;
  }

  /** The same with one value more or less. */
  Unfit with(double value, int sign) {
    if (Double.isInfinite(value)) {
      return new Unfit(
          count + sign,
          sum,
          squares,
          positive + (value > 0 ? sign : 0),
          negative + (value < 0 ? sign : 0));
    }
    BigDecimal exact = new BigDecimal(value);
    BigDecimal square = exact.multiply(exact);
    return sign > 0
        ? new Unfit(count + 1, sum.add(exact), squares.add(square), positive, negative)
        : new Unfit(count - 1, sum.subtract(exact), squares.subtract(square), positive, negative);
  }

  Unfit plus(Unfit other, int sign) {
    return new Unfit(
        count + sign * other.count,
        sign > 0 ? sum.add(other.sum) : sum.subtract(other.sum),
        sign > 0 ? squares.add(other.squares) : squares.subtract(other.squares),
        positive + sign * other.positive,
        negative + sign * other.negative);
  }

  /** The whole sum when {@code rest} is that of the values that fit. */
  double sum(BigDecimal rest) {
    if (positive > 0 || negative > 0) {
      return infinite();
    }
    return sum.add(rest).doubleValue();
  }

  private double infinite() {
    if (positive > 0 && negative > 0) {
      return Double.NaN;
    }
    return positive > 0 ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
  }

  /** The mean of all {@code n} values; also where their sum is too large for a double. */
  double mean(long n, BigDecimal rest) {
    double whole = sum(rest);
    return Double.isFinite(whole) || positive > 0 || negative > 0
        ? whole / n
        : quotient(sum.add(rest), n).doubleValue();
  }

  /** How far a value lies from that mean; NaN where there is an infinity. */
  double distance(long n, double value, BigDecimal rest) {
    if (positive > 0 || negative > 0) {
      return Double.NaN;
    }
    BigDecimal times = new BigDecimal(value).multiply(BigDecimal.valueOf(n));
    return quotient(times.subtract(sum).subtract(rest), n).doubleValue();
  }

  /** The sample variance, with those that fit; null where there is an infinity. */
  @Nullable BigDecimal variance(long n, BigDecimal restOfSum, BigDecimal restOfSquares) {
    if (positive > 0 || negative > 0) {
      return null;
    }
    BigDecimal total = sum.add(restOfSum);
    BigDecimal deviations =
        squares.add(restOfSquares).multiply(BigDecimal.valueOf(n)).subtract(total.multiply(total));
    return quotient(quotient(deviations, n), n - 1);
  }

  private static BigDecimal quotient(BigDecimal value, long n) {
    return value.divide(BigDecimal.valueOf(n), MathContext.DECIMAL128);
  }

  void write(DataOutput out) throws IOException {
    Varint.write(out, count);
    decimal(out, sum);
    decimal(out, squares);
    Varint.write(out, positive);
    Varint.write(out, negative);
  }

  static Unfit read(DataInput in) throws IOException {
    return new Unfit(Varint.read(in), decimal(in), decimal(in), Varint.read(in), Varint.read(in));
  }

  private static void decimal(DataOutput out, BigDecimal value) throws IOException {
    byte[] digits = value.unscaledValue().toByteArray();
    Varint.write(out, value.scale());
    Varint.write(out, digits.length);
    out.write(digits);
  }

  private static BigDecimal decimal(DataInput in) throws IOException {
    int scale = (int) Varint.read(in);
    byte[] digits = new byte[(int) Varint.read(in)];
    in.readFully(digits);
    return new BigDecimal(new BigInteger(digits), scale);
  }
}
