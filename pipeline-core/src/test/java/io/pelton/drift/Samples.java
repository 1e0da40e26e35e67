package io.pelton.drift;

import java.util.Random;

/** Generated samples. */
final class Samples {
  private Samples() {}

  /** Normal values, many of them tied, some infinite or missing, some far out. */
  static double[] messy(Random random, int size, double shift) {
    double[] values = new double[size];
    for (int i = 0; i < size; i++) {
      double value = random.nextGaussian() + shift;
      values[i] =
          switch (random.nextInt(20)) {
            case 0 -> Double.NaN;
            case 1 -> Double.POSITIVE_INFINITY;
            case 2 -> Double.NEGATIVE_INFINITY;
            case 3 -> 50 * value;
            case 4, 5, 6, 7 -> Math.rint(value);
            case 8, 9, 10, 11 -> Math.rint(10 * value) / 10;
            default -> value;
          };
    }
    return values;
  }

  static double[] normal(Random random, int size, double mean) {
    double[] values = new double[size];
    for (int i = 0; i < size; i++) {
      values[i] = random.nextGaussian() + mean;
    }
    return values;
  }
}
