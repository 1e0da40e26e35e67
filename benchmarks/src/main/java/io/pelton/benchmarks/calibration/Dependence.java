package io.pelton.benchmarks.calibration;

import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Measures;
import java.io.PrintStream;
import java.util.SplittableRandom;

/** Ten values by each of a hundred users, where nothing drifted. */
final class Dependence {
  private static final int ROUNDS = 5_000;
  private static final int USERS = 100;
  private static final int EACH = 10;

  private Dependence() {}

  static void print(PrintStream out, long seed) {
    MarkdownTable table =
        new MarkdownTable(
            out,
            "Dependent rows: 10 by each of 100 users, nothing drifted",
            "correlation ρ within a user",
            "reference",
            "design effect 1 + 9ρ",
            "KS p ≤ 0.05, as if independent",
            "KS p ≤ 0.05, with the design effect",
            "PSI p ≤ 0.05, as if independent",
            "PSI p ≤ 0.05, with the design effect");
    for (double rho : new double[] {1, 0.5, 0.2, 0}) {
      for (boolean users : new boolean[] {true, false}) {
        double effect = 1 + (EACH - 1) * rho;
        var trials =
            Trials.of(
                ROUNDS,
                seed + (users ? 1 : 0),
                random -> {
                  double[] reference =
                      users ? users(random, rho) : Law.NORMAL.sample(random, 10_000);
                  FeatureProfile profile =
                      FeatureProfile.of(
                          "x", FeatureProfile.Kind.FEATURE, reference, Reference.EDGES);
                  var counts = Reference.counts(profile, users(random, rho));
                  Measures plain = Measures.of(profile, counts);
                  Measures treated = Measures.of(profile, counts, effect);
                  return new boolean[] {
                    plain.pValue() <= 0.05,
                    treated.pValue() <= 0.05,
                    plain.psiPValue() <= 0.05,
                    treated.psiPValue() <= 0.05
                  };
                });
        Object[] row = new Object[7];
        row[0] = rho;
        row[1] = users ? "the same: 10 by each of 100 others" : "10,000 independent rows";
        row[2] = effect;
        for (int i = 0; i < 4; i++) {
          int rule = i;
          row[3 + i] = new Rate(trials.stream().filter(trial -> trial[rule]).count(), ROUNDS);
        }
        table.row(row);
      }
    }
  }

  private static double[] users(SplittableRandom random, double rho) {
    double[] values = new double[USERS * EACH];
    for (int user = 0; user < USERS; user++) {
      double own = random.nextGaussian() * Math.sqrt(rho);
      for (int i = 0; i < EACH; i++) {
        values[user * EACH + i] = own + random.nextGaussian() * Math.sqrt(1 - rho);
      }
    }
    return values;
  }
}
