package io.pelton.performance;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A measure of how well scores in [0, 1] tell what will be followed by outcome 1. Those that a
 * version's evaluation has too go by the same name there.
 */
public enum PerformanceMetric {
  /** Chance that a positive outranks a negative, a tie counting one half; NaN without both. */
  AUC_ROC {
    @Override
    double of(Ranked ranked) {
      double below = 0;
      double outranked = 0;
      for (int i = 0; i < ranked.scores.length; i++) {
        outranked += ranked.positives[i] * (below + ranked.negatives[i] / 2);
        below += ranked.negatives[i];
      }
      return outranked / (ranked.allPositives * ranked.allNegatives);
    }

    /**
     * DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988), on the log odds; null where either
     * outcome has fewer than two rows, or all ranks are perfect, of which the method knows no
     * variance.
     */
    @Override
    @Nullable Interval interval(Ranked ranked, double auc) {
      double m = ranked.allPositives;
      double n = ranked.allNegatives;
      double negativesBelow = 0;
      double positivesBelow = 0;
      double ofPositives = 0;
      double ofNegatives = 0;
      for (int i = 0; i < ranked.scores.length; i++) {
        double p = ranked.positives[i];
        double q = ranked.negatives[i];
        double outranks = (negativesBelow + q / 2) / n - auc;
        double outranked = (m - positivesBelow - p / 2) / m - auc;
        ofPositives += p * outranks * outranks;
        ofNegatives += q * outranked * outranked;
        negativesBelow += q;
        positivesBelow += p;
      }
      return m < 2 || n < 2
          ? null
          : Interval.logit(auc, ofPositives / (m - 1) / m + ofNegatives / (n - 1) / n);
    }
  },

  /** Step-wise sum Σ (Rᵢ − Rᵢ₋₁) Pᵢ over distinct scores, descending; NaN without positives. */
  AVERAGE_PRECISION {
    @Override
    double of(Ranked ranked) {
      double found = 0;
      double taken = 0;
      double sum = 0;
      for (int i = ranked.scores.length - 1; i >= 0; i--) {
        found += ranked.positives[i];
        taken += ranked.positives[i] + ranked.negatives[i];
        sum += ranked.positives[i] == 0 ? 0 : ranked.positives[i] * (found / taken);
      }
      return sum / found;
    }

    /** The logit interval of Boyd, Eng and Page (ECML PKDD 2013): as of a share of positives. */
    @Override
    @Nullable Interval interval(Ranked ranked, double value) {
      return Interval.logit(value, value * (1 - value) / ranked.allPositives);
    }
  },

  /** Mean squared difference of score and outcome. */
  BRIER {
    @Override
    double of(Ranked ranked) {
      return ranked.mean(PerformanceMetric::squared);
    }

    @Override
    @Nullable Interval interval(Ranked ranked, double value) {
      return Interval.normal(value, ranked.varianceOfMean(PerformanceMetric::squared), 0);
    }
  },

  /**
   * Mean of −ln of the probability given to what happened, scores clipped to [ε, 1 − ε] of a
   * double.
   */
  LOG_LOSS {
    @Override
    double of(Ranked ranked) {
      return ranked.mean(PerformanceMetric::surprise);
    }

    @Override
    @Nullable Interval interval(Ranked ranked, double value) {
      return Interval.normal(value, ranked.varianceOfMean(PerformanceMetric::surprise), 0);
    }
  },

  /**
   * Expected calibration error: mean over ten ranges of equally many scores of how far their mean
   * is from the rate of outcomes 1. It is never below 0, so chance alone makes it positive; no
   * interval is given.
   */
  CALIBRATION_ERROR {
    @Override
    double of(Ranked ranked) {
      double sum = 0;
      for (CalibrationBin bin : ranked.bins(BINS)) {
        sum += bin.rows() * Math.abs(bin.meanScore() - bin.rate());
      }
      return sum / ranked.size();
    }

    @Override
    @Nullable Interval interval(Ranked ranked, double value) {
      return null;
    }
  },

  /** Of the hundredth part with the highest scores, at least one row, the share of positives. */
  PRECISION_TOP_1_PERCENT {
    @Override
    double of(Ranked ranked) {
      double top = top(ranked);
      return ranked.foundInTop(top) / top;
    }

    @Override
    @Nullable Interval interval(Ranked ranked, double value) {
      return Interval.wilson(value, top(ranked));
    }

    private double top(Ranked ranked) {
      return ranked.size() > 0 ? Math.max(1, Math.ceil(ranked.size() / 100 - 1e-9)) : Double.NaN;
    }
  },

  /** Share of rows on the right side of one half, a score of which counts as 1. */
  ACCURACY {
    @Override
    double of(Ranked ranked) {
      double[] above = ranked.from(HALF);
      return (above[0] + ranked.allNegatives - above[1]) / ranked.size();
    }

    @Override
    @Nullable Interval interval(Ranked ranked, double value) {
      return Interval.wilson(value, ranked.size());
    }
  },

  /** Share of positives among scores of one half or more; NaN when there are none. */
  PRECISION {
    @Override
    double of(Ranked ranked) {
      double[] above = ranked.from(HALF);
      return above[0] / (above[0] + above[1]);
    }

    @Override
    @Nullable Interval interval(Ranked ranked, double value) {
      double[] above = ranked.from(HALF);
      return Interval.wilson(value, above[0] + above[1]);
    }
  },

  /** Share of positives with scores of one half or more; NaN without positives. */
  RECALL {
    @Override
    double of(Ranked ranked) {
      return ranked.from(HALF)[0] / ranked.allPositives;
    }

    @Override
    @Nullable Interval interval(Ranked ranked, double value) {
      return Interval.wilson(value, ranked.allPositives);
    }
  },

  /** Harmonic mean of precision and recall; no interval is given. */
  F1 {
    @Override
    double of(Ranked ranked) {
      double[] above = ranked.from(HALF);
      return 2 * above[0] / (above[0] + above[1] + ranked.allPositives);
    }

    @Override
    @Nullable Interval interval(Ranked ranked, double value) {
      return null;
    }
  },

  /** Share of outcomes 1. */
  POSITIVE_RATE {
    @Override
    double of(Ranked ranked) {
      return ranked.allPositives / ranked.size();
    }

    @Override
    @Nullable Interval interval(Ranked ranked, double value) {
      return Interval.wilson(value, ranked.size());
    }
  };

  static final int BINS = 10;
  private static final double HALF = 0.5;

  /** The value, NaN where it is not defined. */
  abstract double of(Ranked ranked);

  /**
   * Its confidence interval.
   *
   * @param ranked what happened, in whole numbers
   * @return null where there is none
   */
  abstract @Nullable Interval interval(Ranked ranked, double value);

  /** Name on reports and in a version's evaluation, e.g. {@code auc_roc}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  static List<PerformanceMetric> all() {
    return List.of(values());
  }

  private static double squared(double score, boolean positive) {
    double difference = positive ? 1 - score : score;
    return difference * difference;
  }

  private static double surprise(double score, boolean positive) {
    double epsilon = Math.ulp(1.0);
    double given = positive ? score : 1 - score;
    return -Math.log(Math.min(Math.max(given, epsilon), 1 - epsilon));
  }
}
