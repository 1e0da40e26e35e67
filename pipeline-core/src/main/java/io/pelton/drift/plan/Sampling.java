package io.pelton.drift.plan;

import io.pelton.drift.KolmogorovSmirnov;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.apache.commons.math3.special.Gamma;

/** The distributions that decisions rest on, as functions of the rows of both sides. */
record Sampling(double n, double m) {
  private static final NormalDistribution NORMAL = new NormalDistribution(null, 0, 1);
  private static final int STEPS = 60;

  /** So many take the exact form longer than a plan is worth. */
  private static final double MANY = 1_000;

  /**
   * @param request rows of the window, and by how much they say less
   * @param reference rows of the reference
   */
  static Sampling of(Request request, double reference) {
    return new Sampling(
        reference / request.designEffect(), request.rows() / request.designEffect());
  }

  /** 1/n + 1/m. */
  double noise() {
    return 1 / n + 1 / m;
  }

  /**
   * Probability of a distance so large where nothing drifted; of many rows by the asymptotic form
   * with its first correction (Maag and Dicaire 1971).
   */
  double distanceTail(double distance) {
    double rows = 1 / noise();
    return rows > MANY
        ? Math.min(1, 2 * Math.exp(-Math.pow(6 * rows * distance + 1, 2) / (18 * rows)))
        : KolmogorovSmirnov.finiteSamplePValue(distance, Math.max(1, (long) Math.rint(rows)));
  }

  /** The least distance that is significant at a level. */
  double criticalDistance(double level) {
    double low = 0;
    double high = 1;
    for (int step = 0; step < STEPS; step++) {
      double middle = (low + high) / 2;
      if (distanceTail(middle) <= level) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return high;
  }

  /** Probability of an adjusted PSI so large where nothing drifted, as its p-value has it. */
  double psiTail(double adjusted, int bins) {
    return chiSquareTail(adjusted / noise() + bins - 1, bins - 1);
  }

  static double chiSquareTail(double statistic, int freedom) {
    return freedom == 0 ? 0 : Gamma.regularizedGammaQ(freedom / 2.0, statistic / 2);
  }

  static double criticalChiSquare(double level, int freedom) {
    double low = 0;
    double high = 10.0 * freedom + 1_000;
    for (int step = 0; step < STEPS; step++) {
      double middle = (low + high) / 2;
      if (chiSquareTail(middle, freedom) <= level) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return high;
  }

  /** Probability that a standard normal value is below. */
  static double below(double z) {
    return NORMAL.cumulativeProbability(z);
  }

  /** Value below which a standard normal one is with a probability. */
  static double quantile(double probability) {
    return NORMAL.inverseCumulativeProbability(probability);
  }
}
