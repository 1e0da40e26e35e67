package io.pelton.feature;

import java.math.BigDecimal;

/**
 * Sums of doubles without rounding, in 192-bit fixed point: three longs, the lowest bit worth
 * 2^-100. Values are added and taken away exactly, so a sliding sum depends neither on the order of
 * its values nor on what has left the window; it is rounded once, when read, to the nearest double.
 *
 * <p>Takes finite values whose lowest bit is worth 2^-100 or more and whose magnitude is below 2^59
 * (5.7e17): full precision down to 4e-15; up to 2^32 of them. {@link #fits} tells which; a window
 * that holds another value is summed by {@link #slow}.
 */
final class ExactSum {
  private static final int SCALE = 100;
  private static final int LARGEST_EXPONENT = 58;

  private ExactSum() {}

  /** Whether fixed point holds {@code value} exactly. */
  static boolean fits(double value) {
    int exponent = Math.getExponent(value);
    if (exponent > LARGEST_EXPONENT) {
      return false;
    }
    if (exponent - 52 >= -SCALE) {
      return true;
    }
    if (value == 0) {
      return true;
    }
    long bits = mantissa(value);
    return lowestExponent(value) + Long.numberOfTrailingZeros(bits) >= -SCALE;
  }

  private static long mantissa(double value) {
    long bits = Double.doubleToRawLongBits(value) & 0x000fffffffffffffL;
    return Math.getExponent(value) < Double.MIN_EXPONENT ? bits : bits | 0x0010000000000000L;
  }

  /** Exponent of the mantissa's lowest bit. */
  private static int lowestExponent(double value) {
    return Math.max(Math.getExponent(value), Double.MIN_EXPONENT) - 52;
  }

  /** Adds {@code value}, which fits, to the sum at {@code limbs[at, at + 3)}, lowest limb first. */
  static void add(long[] limbs, int at, double value) {
    accumulate(limbs, at, value, value < 0);
  }

  /** Takes {@code value}, which was added before, away again. */
  static void subtract(long[] limbs, int at, double value) {
    accumulate(limbs, at, value, value > 0);
  }

  private static void accumulate(long[] limbs, int at, double value, boolean negative) {
    if (value == 0) {
      return;
    }
    long mantissa = mantissa(value);
    int shift = lowestExponent(value) + SCALE;
    if (shift < 0) {
      mantissa >>>= -shift;
      shift = 0;
    }
    // The shift is 106 at most: the value lies in the two limbs from this one on.
    int i = at + (shift >>> 6);
    int bit = shift & 63;
    boolean lowest = i == at;
    long low = mantissa << bit;
    long high = bit == 0 ? 0 : mantissa >>> (64 - bit);
    if (negative) {
      long borrow = Long.compareUnsigned(limbs[i], low) < 0 ? 1 : 0;
      limbs[i] -= low;
      long before = limbs[i + 1];
      long less = before - high;
      limbs[i + 1] = less - borrow;
      if (lowest
          && (Long.compareUnsigned(before, high) < 0 || Long.compareUnsigned(less, borrow) < 0)) {
        limbs[i + 2]--;
      }
    } else {
      long sum = limbs[i] + low;
      long carry = Long.compareUnsigned(sum, low) < 0 ? 1 : 0;
      limbs[i] = sum;
      long more = limbs[i + 1] + high;
      long total = more + carry;
      limbs[i + 1] = total;
      if (lowest
          && (Long.compareUnsigned(more, high) < 0 || Long.compareUnsigned(total, carry) < 0)) {
        limbs[i + 2]++;
      }
    }
  }

  /** The sum at {@code limbs[at, at + 3)}, rounded to the nearest double, ties to even. */
  static double value(long[] limbs, int at) {
    long low = limbs[at];
    long middle = limbs[at + 1];
    long high = limbs[at + 2];
    boolean negative = high < 0;
    if (negative) {
      low = -low;
      middle = ~middle + (low == 0 ? 1 : 0);
      high = ~high + (low == 0 && middle == 0 ? 1 : 0);
    }
    long top;
    long next;
    long rest;
    int exponent;
    if (high != 0) {
      top = high;
      next = middle;
      rest = low;
      exponent = 128;
    } else if (middle != 0) {
      top = middle;
      next = low;
      rest = 0;
      exponent = 64;
    } else {
      top = low;
      next = 0;
      rest = 0;
      exponent = 0;
    }
    if (top == 0) {
      return 0;
    }
    // The 62 leading bits in a positive long, whatever follows as a sticky last bit: more than a
    // double holds, so the conversion below rounds once and right.
    int zeros = Long.numberOfLeadingZeros(top);
    long leading;
    long sticky;
    if (zeros >= 2) {
      int shift = zeros - 2;
      leading = shift == 0 ? top : (top << shift) | (next >>> (64 - shift));
      sticky = (shift == 0 ? next : next << shift) | rest;
      exponent -= shift;
    } else {
      int shift = 2 - zeros;
      leading = top >>> shift;
      sticky = (top << (64 - shift)) | next | rest;
      exponent += shift;
    }
    if (sticky != 0) {
      leading |= 1;
    }
    double magnitude = Math.scalb((double) leading, exponent - SCALE);
    return negative ? -magnitude : magnitude;
  }

  /** Sums values that fixed point does not hold; finite ones exactly, then rounded once. */
  static final class Slow {
    private BigDecimal finite = BigDecimal.ZERO;
    private double infinite;

    void add(double value) {
      if (Double.isInfinite(value)) {
        infinite += value;
      } else {
        finite = finite.add(new BigDecimal(value));
      }
    }

    double value() {
      return infinite != 0 ? infinite : finite.doubleValue();
    }
  }

  /** A sum of values of any size. */
  static Slow slow() {
    return new Slow();
  }
}
