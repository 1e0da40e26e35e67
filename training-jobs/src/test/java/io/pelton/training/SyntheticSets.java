package io.pelton.training;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Sets whose labels follow from the features by a rule with some noise. */
final class SyntheticSets {
  /** In an order that is not the alphabet's, on purpose. */
  static final List<String> FEATURES = List.of("zeta", "amount", "night", "mean_7d", "count");

  private SyntheticSets() {}

  /** About a sixth of the rows positive; one value in ten missing, zeros among the values. */
  static TrainingSet learnable(int size, long seed) {
    var random = new SplittableRandom(seed);
    var ids = new ArrayList<String>();
    var entities = new ArrayList<String>();
    var times = new long[size];
    var rows = new double[size][];
    var labels = new double[size];
    for (int row = 0; row < size; row++) {
      double amount = Math.exp(random.nextDouble() * 5);
      double mean = Math.exp(random.nextDouble() * 4);
      double night = random.nextInt(3) == 0 ? 1 : 0;
      boolean positive =
          (amount > 60 && night == 0) || (mean > 40 && night == 1) != (random.nextInt(100) == 0);
      rows[row] = new double[] {random.nextDouble() - 0.5, amount, night, mean, random.nextInt(5)};
      for (int column = 0; column < rows[row].length; column++) {
        if (random.nextInt(column == 1 ? 50 : 10) == 0) {
          rows[row][column] = Double.NaN;
        }
      }
      if (random.nextInt(200) == 0) {
        positive = !positive;
      }
      labels[row] = positive ? 1 : 0;
      ids.add("tx-" + row);
      entities.add("c" + random.nextInt(50));
      times[row] = 1_000_000_000_000L + row * 60_000L;
    }
    return new TrainingSet(FEATURES, ids, times, entities, rows, labels);
  }
}
