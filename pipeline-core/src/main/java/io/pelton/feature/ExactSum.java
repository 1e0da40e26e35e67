package io.pelton.feature;

import java.math.BigDecimal;
import java.math.BigInteger;

/**
 * Sums of doubles, and of their squares, without rounding, in fixed point: three longs with a
 * lowest bit worth 2^-100, six with one worth 2^-200. Values are added and taken away exactly, so a
 * sliding sum depends neither on the order of its values nor on what has left the window; it is
 * rounded once, when read, to the nearest double. Arithmetic is modulo 2^192 (2^384), so the
 * difference of two running totals is right however large the totals have grown.
 *
 * <p>Takes finite values whose lowest bit is worth 2^-100 or more and whose magnitude is below 2^59
 * (5.7e17): full precision down to 4e-15; up to 2^32 of them between two totals. {@link #fits}
 * tells which; others are kept in {@link Unfit}.
 */
final class ExactSum {
  /** Longs of a sum. */
  static final int SUM = 3;

  /** Longs of a sum of squares. */
  static final int SQUARES = 6;

  private static final int SCALE = 100;
  private static final int LARGEST_EXPONENT = 58;

  // Of a double's raw exponent: that of a mantissa at bit 0, and how far up one can lie.
  private static final int LOWEST_SHIFT = Double.MAX_EXPONENT + 52 - SCALE;
  private static final int HIGHEST_SHIFT = LARGEST_EXPONENT - 52 + SCALE;

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

  /**
   * Adds a value, or takes it away, if it fits.
   *
   * @param sign 1 or -1
   * @return whether it fits
   */
  static boolean accumulateIfFits(long[] limbs, int at, double value, int sign) {
    long bits = Double.doubleToRawLongBits(value);
    int shift = (int) (bits >>> 52 & 0x7ff) - LOWEST_SHIFT;
    // All of the mantissa lies above the lowest bit, as nearly always.
    if (shift >= 0 && shift <= HIGHEST_SHIFT) {
      accumulate(
          limbs, at, bits & 0x000fffffffffffffL | 0x0010000000000000L, shift, bits >= 0 ^ sign > 0);
      return true;
    }
    if (!fits(value)) {
      return false;
    }
    accumulate(limbs, at, value, value < 0 ^ sign < 0);
    return true;
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
    accumulate(limbs, at, mantissa, shift, negative);
  }

  private static void accumulate(long[] limbs, int at, long mantissa, int shift, boolean negative) {
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
    double magnitude = rounded(top, next, rest != 0, exponent - SCALE);
    return negative ? -magnitude : magnitude;
  }

  /**
   * Two limbs, the first not zero, and whether anything follows, as the nearest double, ties to
   * even.
   *
   * @param exponent what the lowest bit of the first limb is worth
   */
  private static double rounded(long top, long next, boolean rest, int exponent) {
    // The 62 leading bits in a positive long, whatever follows as a sticky last bit: more than a
    // double holds, so the conversion below rounds once and right.
    int zeros = Long.numberOfLeadingZeros(top);
    long leading;
    long sticky;
    int scale;
    if (zeros >= 2) {
      int shift = zeros - 2;
      leading = shift == 0 ? top : (top << shift) | (next >>> (64 - shift));
      sticky = shift == 0 ? next : next << shift;
      scale = exponent - shift;
    } else {
      int shift = 2 - zeros;
      leading = top >>> shift;
      sticky = (top << (64 - shift)) | next;
      scale = exponent + shift;
    }
    if (sticky != 0 || rest) {
      leading |= 1;
    }
    // No power of two here is outside of the normal range, so the product is exact.
    return leading * Double.longBitsToDouble((long) (scale + Double.MAX_EXPONENT) << 52);
  }

  /** Adds the square of {@code value}, which fits, at {@code limbs[at, at + 6)}. */
  static void addSquare(long[] limbs, int at, double value) {
    accumulateSquare(limbs, at, value, false);
  }

  /** Takes the square of {@code value}, which was added before, away again. */
  static void subtractSquare(long[] limbs, int at, double value) {
    accumulateSquare(limbs, at, value, true);
  }

  private static void accumulateSquare(long[] limbs, int at, double value, boolean negative) {
    if (value == 0) {
      return;
    }
    long mantissa = mantissa(value);
    int shift = lowestExponent(value) + SCALE;
    if (shift < 0) {
      mantissa >>>= -shift;
      shift = 0;
    }
    long low = mantissa * mantissa;
    long high = Math.multiplyHigh(mantissa, mantissa);
    int word = 2 * shift >>> 6;
    int bit = 2 * shift & 63;
    long[] parts = {
      low << bit,
      bit == 0 ? high : (high << bit) | (low >>> (64 - bit)),
      bit == 0 ? 0 : high >>> (64 - bit)
    };
    long carry = 0;
    for (int i = word; i < SQUARES; i++) {
      long part = i - word < parts.length ? parts[i - word] : 0;
      if (part == 0 && carry == 0 && i - word >= parts.length) {
        return;
      }
      long before = limbs[at + i];
      if (negative) {
        long less = before - part;
        limbs[at + i] = less - carry;
        carry =
            Long.compareUnsigned(before, part) < 0 || Long.compareUnsigned(less, carry) < 0 ? 1 : 0;
      } else {
        long more = before + part;
        limbs[at + i] = more + carry;
        carry =
            Long.compareUnsigned(more, part) < 0 || Long.compareUnsigned(more + carry, carry) < 0
                ? 1
                : 0;
      }
    }
  }

  /**
   * Puts what lies between two totals of {@code length} longs into {@code target}.
   *
   * @param to where the later total begins in {@code limbs}
   * @param from where the earlier one begins
   */
  static void difference(long[] limbs, int to, int from, int length, long[] target, int at) {
    long borrow = 0;
    for (int i = 0; i < length; i++) {
      long a = limbs[to + i];
      long b = limbs[from + i];
      long less = a - b;
      target[at + i] = less - borrow;
      borrow = Long.compareUnsigned(a, b) < 0 || Long.compareUnsigned(less, borrow) < 0 ? 1 : 0;
    }
  }

  /** {@code n} times a value, which fits, less the sum at {@code limbs[at, at + 3)}. */
  static double distance(long n, double value, long[] limbs, int at) {
    long[] once = new long[SUM];
    add(once, 0, value);
    long[] times = new long[SUM];
    long carry = 0;
    for (int i = 0; i < SUM; i++) {
      long low = once[i] * n;
      times[i] = low + carry;
      carry = multiplyHigh(once[i], n) + (Long.compareUnsigned(times[i], low) < 0 ? 1 : 0);
    }
    subtractAll(times, 0, limbs, at, SUM);
    return value(times, 0);
  }

  /** Adds one total of {@code length} longs to another. */
  static void addAll(long[] target, int at, long[] limbs, int from, int length) {
    long carry = 0;
    for (int i = 0; i < length; i++) {
      long b = limbs[from + i];
      long more = target[at + i] + b;
      target[at + i] = more + carry;
      carry =
          Long.compareUnsigned(more, b) < 0 || Long.compareUnsigned(more + carry, carry) < 0
              ? 1
              : 0;
    }
  }

  /** Takes one total of {@code length} longs from another. */
  static void subtractAll(long[] target, int at, long[] limbs, int from, int length) {
    long borrow = 0;
    for (int i = 0; i < length; i++) {
      long a = target[at + i];
      long b = limbs[from + i];
      long less = a - b;
      target[at + i] = less - borrow;
      borrow = Long.compareUnsigned(a, b) < 0 || Long.compareUnsigned(less, borrow) < 0 ? 1 : 0;
    }
  }

  /** The sum at {@code limbs[at, at + 3)} as it is. */
  static BigDecimal exact(long[] limbs, int at) {
    return decimal(integer(limbs, at, SUM), SCALE);
  }

  /** The sum of squares at {@code limbs[at, at + 6)} as it is. */
  static BigDecimal exactSquares(long[] limbs, int at) {
    return decimal(integer(limbs, at, SQUARES), 2 * SCALE);
  }

  private static BigInteger integer(long[] limbs, int at, int length) {
    byte[] bytes = new byte[8 * length];
    for (int i = 0; i < length; i++) {
      long limb = limbs[at + i];
      for (int b = 0; b < 8; b++) {
        bytes[bytes.length - 1 - 8 * i - b] = (byte) (limb >>> (8 * b));
      }
    }
    return new BigInteger(bytes);
  }

  private static BigDecimal decimal(BigInteger value, int scale) {
    // value / 2^scale = value * 5^scale / 10^scale
    return new BigDecimal(value.multiply(FIVES[scale / SCALE - 1]), scale);
  }

  private static final BigInteger[] FIVES = {
    BigInteger.valueOf(5).pow(SCALE), BigInteger.valueOf(5).pow(2 * SCALE)
  };

  /**
   * {@code n} times the sum of squares less the square of the sum, of the totals at {@code at}: the
   * sum of squared deviations times {@code n}, without cancellation, rounded once.
   */
  static double deviations(long n, long[] sum, int sumAt, long[] squares, int squaresAt) {
    // In whole numbers of 2^-200, as n * squares and sum * sum are.
    long[] difference = new long[SQUARES + 1];
    long carry = 0;
    for (int i = 0; i < SQUARES; i++) {
      long low = squares[squaresAt + i] * n;
      difference[i] = low + carry;
      carry =
          multiplyHigh(squares[squaresAt + i], n)
              + (Long.compareUnsigned(difference[i], low) < 0 ? 1 : 0);
    }
    difference[SQUARES] = carry;
    subtractSquareOf(difference, sum, sumAt);
    int top = SQUARES;
    while (top > 0 && difference[top] == 0) {
      top--;
    }
    if (difference[top] == 0) {
      return 0;
    }
    boolean rest = false;
    for (int i = 0; i < top - 1; i++) {
      rest |= difference[i] != 0;
    }
    long next = top == 0 ? 0 : difference[top - 1];
    return rounded(difference[top], next, rest, 64 * top - 2 * SCALE);
  }

  private static void subtractSquareOf(long[] target, long[] sum, int at) {
    long low = sum[at];
    long middle = sum[at + 1];
    long high = sum[at + 2];
    if (high < 0) {
      low = -low;
      middle = ~middle + (low == 0 ? 1 : 0);
      high = ~high + (low == 0 && middle == 0 ? 1 : 0);
    }
    subtractProduct(target, 0, low, low);
    subtractProduct(target, 1, low, middle);
    subtractProduct(target, 1, low, middle);
    subtractProduct(target, 2, middle, middle);
    subtractProduct(target, 2, low, high);
    subtractProduct(target, 2, low, high);
    subtractProduct(target, 3, middle, high);
    subtractProduct(target, 3, middle, high);
    subtractProduct(target, 4, high, high);
  }

  /** Takes the product of two unsigned numbers from the limbs from {@code at} on. */
  private static void subtractProduct(long[] target, int at, long a, long b) {
    if (a == 0 || b == 0) {
      return;
    }
    long part = a * b;
    long next = multiplyHigh(a, b);
    long borrow = 0;
    for (int i = at; i < target.length && (part != 0 || next != 0 || borrow != 0); i++) {
      long before = target[i];
      long less = before - part;
      target[i] = less - borrow;
      borrow =
          Long.compareUnsigned(before, part) < 0 || Long.compareUnsigned(less, borrow) < 0 ? 1 : 0;
      part = next;
      next = 0;
    }
  }

  /** The upper half of the product of two unsigned numbers. */
  private static long multiplyHigh(long a, long b) {
    return Math.multiplyHigh(a, b) + (a >> 63 & b) + (b >> 63 & a);
  }
}
