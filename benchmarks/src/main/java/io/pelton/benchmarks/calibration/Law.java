package io.pelton.benchmarks.calibration;

import java.util.SplittableRandom;

/** What a column's values are drawn from. */
enum Law {
  NORMAL("normal"),
  CAUCHY("Cauchy: heavy tails"),
  ROUNDED("normal, rounded to half a deviation: ties"),
  ZEROS("half zeros, half exponential"),
  HOLES("normal, a tenth missing"),
  CATEGORIES("30 categories, the k-th 1/k as common");

  private static final int MANY = 30;
  private static final double[] SUMS = sums();

  final String text;

  Law(String text) {
    this.text = text;
  }

  private static double[] sums() {
    double[] sums = new double[MANY];
    double sum = 0;
    for (int k = 0; k < MANY; k++) {
      sum += 1.0 / (k + 1);
      sums[k] = sum;
    }
    return sums;
  }

  /** NaN is missing; a category is its number. */
  double draw(SplittableRandom random) {
    return switch (this) {
      case NORMAL -> random.nextGaussian();
      case CAUCHY -> Math.tan(Math.PI * (random.nextDouble() - 0.5));
      case ROUNDED -> Math.rint(2 * random.nextGaussian());
      case ZEROS -> random.nextBoolean() ? 0 : random.nextExponential();
      case HOLES -> random.nextInt(10) == 0 ? Double.NaN : random.nextGaussian();
      case CATEGORIES -> category(random.nextDouble() * SUMS[MANY - 1]);
    };
  }

  private static double category(double at) {
    int category = 0;
    while (SUMS[category] < at) {
      category++;
    }
    return category;
  }

  double[] sample(SplittableRandom random, int size) {
    double[] values = new double[size];
    for (int i = 0; i < size; i++) {
      values[i] = draw(random);
    }
    return values;
  }

  Reference reference(SplittableRandom random, int size, int edges) {
    double[] values = sample(random, size);
    return this == CATEGORIES ? Reference.ofCategories(values) : Reference.ofNumbers(values, edges);
  }
}
