package io.pelton.drift;

import java.util.Arrays;
import org.apache.commons.math3.special.Gamma;

/**
 * How far two histograms over the same bins are apart. Bins that are empty on both sides are to be
 * left out before.
 *
 * @param psi population stability index, with half a row added to every bin of both sides, so that
 *     an empty one stays finite
 * @param adjusted PSI less its expectation under no drift, (B-1)(1/n+1/m)
 * @param pValue of PSI/(1/n+1/m), which is about chi-square with B-1 degrees of freedom
 * @param jensenShannon distance, base 2
 */
record Stability(double psi, double adjusted, double pValue, double jensenShannon) {
  /**
   * @param designEffect by how much the rows say less than as many independent ones would
   */
  static Stability of(long[] baseline, long[] current, double designEffect) {
    long n = Arrays.stream(baseline).sum();
    long m = Arrays.stream(current).sum();
    double psi = psi(baseline, n, current, m);
    double sampling = (1.0 / n + 1.0 / m) * designEffect;
    int freedom = baseline.length - 1;
    return new Stability(
        psi,
        psi - freedom * sampling,
        freedom == 0 ? 1 : Gamma.regularizedGammaQ(freedom / 2.0, psi / sampling / 2),
        jensenShannon(baseline, n, current, m));
  }

  private static double psi(long[] baseline, long n, long[] current, long m) {
    double psi = 0;
    double added = baseline.length / 2.0;
    for (int bin = 0; bin < baseline.length; bin++) {
      double p = (baseline[bin] + 0.5) / (n + added);
      double q = (current[bin] + 0.5) / (m + added);
      psi += (q - p) * Math.log(q / p);
    }
    return psi;
  }

  private static double jensenShannon(long[] baseline, long n, long[] current, long m) {
    double divergence = 0;
    for (int bin = 0; bin < baseline.length; bin++) {
      double p = (double) baseline[bin] / n;
      double q = (double) current[bin] / m;
      double middle = (p + q) / 2;
      divergence += relativeEntropy(p, middle) + relativeEntropy(q, middle);
    }
    return Math.sqrt(Math.max(0, divergence / 2 / Math.log(2)));
  }

  private static double relativeEntropy(double p, double q) {
    return p == 0 ? 0 : p * Math.log(p / q);
  }
}
