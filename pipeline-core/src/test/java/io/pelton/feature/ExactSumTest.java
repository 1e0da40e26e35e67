package io.pelton.feature;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ExactSumTest {
  private static double oracle(Iterable<Double> values) {
    BigDecimal sum = BigDecimal.ZERO;
    for (double value : values) {
      sum = sum.add(new BigDecimal(value));
    }
    return sum.doubleValue();
  }

  @Test
  void slidingSumEqualsTheExactSumRoundedOnce() {
    Random random = new Random(7);
    long[] limbs = new long[6];
    Deque<Double> window = new ArrayDeque<>();
    for (int i = 0; i < 200_000; i++) {
      double value =
          switch (random.nextInt(5)) {
            case 0 -> random.nextInt(100_000) / 100.0;
            case 1 -> -random.nextInt(100_000) / 100.0;
            case 2 -> (random.nextDouble() - 0.5) * Math.scalb(1.0, random.nextInt(57));
            case 3 -> random.nextGaussian() * 1e-9;
            default -> random.nextInt(3) - 1;
          };
      if (!ExactSum.fits(value)) {
        continue;
      }
      ExactSum.add(limbs, 3, value);
      window.addLast(value);
      while (window.size() > random.nextInt(40)) {
        ExactSum.subtract(limbs, 3, window.removeFirst());
      }
      if (i % 7 == 0) {
        assertThat(ExactSum.value(limbs, 3)).isEqualTo(oracle(window));
      }
    }
    assertThat(limbs).startsWith(0, 0, 0);
  }

  @Test
  void deviationsAreExactAndRoundedOnce() {
    Random random = new Random(11);
    for (int round = 0; round < 20_000; round++) {
      long[] limbs = new long[ExactSum.SUM + ExactSum.SQUARES];
      BigDecimal sum = BigDecimal.ZERO;
      BigDecimal squares = BigDecimal.ZERO;
      int count = 1 + random.nextInt(12);
      double base = (random.nextDouble() - 0.5) * Math.scalb(1.0, random.nextInt(59));
      double spread = Math.scalb(1.0, -random.nextInt(60));
      for (int i = 0; i < count; i++) {
        double value = random.nextInt(9) == 0 ? base : base + base * spread * random.nextInt(3);
        value = random.nextInt(5) == 0 ? random.nextInt(3) - 1 : value;
        if (ExactSum.fits(value)) {
          ExactSum.add(limbs, 0, value);
          ExactSum.addSquare(limbs, ExactSum.SUM, value);
          BigDecimal exact = new BigDecimal(value);
          sum = sum.add(exact);
          squares = squares.add(exact.multiply(exact));
        }
      }
      double expected =
          squares.multiply(BigDecimal.valueOf(count)).subtract(sum.multiply(sum)).doubleValue();
      double actual = ExactSum.deviations(count, limbs, 0, limbs, ExactSum.SUM);
      assertThat(actual).isEqualTo(expected);
    }
  }

  @Test
  void roundsTiesToEvenAndSeesWhatLiesFarBelow() {
    long[] limbs = new long[3];
    ExactSum.add(limbs, 0, 0x1p53);
    ExactSum.add(limbs, 0, 1);
    assertThat(ExactSum.value(limbs, 0)).isEqualTo(0x1p53);
    ExactSum.add(limbs, 0, 0x1p-100);
    assertThat(ExactSum.value(limbs, 0)).isEqualTo(0x1p53 + 2);
    ExactSum.subtract(limbs, 0, 0x1p53);
    assertThat(ExactSum.value(limbs, 0)).isEqualTo(1 + 0x1p-100);
  }

  @Test
  void knowsWhatItHolds() {
    assertThat(ExactSum.fits(0)).isTrue();
    assertThat(ExactSum.fits(-0.0)).isTrue();
    assertThat(ExactSum.fits(0.1)).isTrue();
    assertThat(ExactSum.fits(0x1p-100)).isTrue();
    assertThat(ExactSum.fits(0x1p-101)).isFalse();
    assertThat(ExactSum.fits(1e-20 / 3)).isFalse();
    assertThat(ExactSum.fits(5.7e17)).isTrue();
    assertThat(ExactSum.fits(0x1p59)).isFalse();
    assertThat(ExactSum.fits(Double.POSITIVE_INFINITY)).isFalse();
    assertThat(ExactSum.fits(Double.MIN_VALUE)).isFalse();
    assertThat(ExactSum.fits(Double.MAX_VALUE)).isFalse();
  }
}
