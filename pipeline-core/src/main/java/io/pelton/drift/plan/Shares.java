package io.pelton.drift.plan;

/**
 * Shares of the rows in bins, of the reference and of what windows would be drawn from; what PSI
 * and χ² are of samples of them.
 */
record Shares(double[] p, double[] q) {
  /** As good as certain: far more deviations than any probability that is asked for. */
  private static final double CERTAIN = 40;

  double psi(Sampling sampling) {
    double psi = 0;
    for (int bin = 0; bin < p.length; bin++) {
      double before = smoothed(p[bin], sampling.n());
      double now = smoothed(q[bin], sampling.m());
      psi += (now - before) * Math.log(now / before);
    }
    return psi;
  }

  private double smoothed(double share, double rows) {
    return (share * rows + 0.5) / (rows + 0.5 * p.length);
  }

  /**
   * Probability that the adjusted PSI of two samples reaches a threshold: by the delta method, its
   * gradient at the shares over the variance of multinomial counts.
   */
  double psiReaches(double threshold, Sampling sampling) {
    double[] byP = new double[p.length];
    double[] byQ = new double[p.length];
    for (int bin = 0; bin < p.length; bin++) {
      double before = smoothed(p[bin], sampling.n());
      double now = smoothed(q[bin], sampling.m());
      byQ[bin] = Math.log(now / before) + 1 - before / now;
      byP[bin] = -Math.log(now / before) + 1 - now / before;
    }
    double variance = variance(p, byP) / sampling.n() + variance(q, byQ) / sampling.m();
    return reached(psi(sampling) - threshold, Math.sqrt(variance));
  }

  private static double variance(double[] shares, double[] values) {
    double mean = 0;
    double squares = 0;
    for (int bin = 0; bin < shares.length; bin++) {
      mean += shares[bin] * values[bin];
      squares += shares[bin] * values[bin] * values[bin];
    }
    return Math.max(0, squares - mean * mean);
  }

  /** χ² of two samples, less its degrees of freedom. */
  double noncentrality(Sampling sampling) {
    double sum = 0;
    for (int bin = 0; bin < p.length; bin++) {
      double pooled =
          (p[bin] * sampling.n() + q[bin] * sampling.m()) / (sampling.n() + sampling.m());
      sum += pooled == 0 ? 0 : (p[bin] - q[bin]) * (p[bin] - q[bin]) / pooled;
    }
    return sum / sampling.noise();
  }

  /**
   * Probability that χ² of two samples reaches a value: noncentral χ² by its mean and variance
   * (Patnaik 1949).
   */
  double chiSquareReaches(double value, Sampling sampling) {
    double freedom = p.length - 1.0;
    double off = noncentrality(sampling);
    return reached(freedom + off - value, Math.sqrt(2 * (freedom + 2 * off)));
  }

  /** Probability that a normal value of this deviation, so far above a limit, is above it. */
  static double reached(double above, double deviation) {
    return Sampling.below(deviation == 0 ? Math.signum(above) * CERTAIN : above / deviation);
  }
}
