package io.pelton.performance;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Scores, ascending, with how many of each were followed by outcome 1 and outcome 0; or, of an
 * estimate, how many are expected to be, which need not be whole.
 */
final class Ranked {
  final double[] scores;
  final double[] positives;
  final double[] negatives;
  final double allPositives;
  final double allNegatives;

  private Ranked(double[] scores, double[] positives, double[] negatives) {
    this.scores = scores;
    this.positives = positives;
    this.negatives = negatives;
    allPositives = Arrays.stream(positives).sum();
    allNegatives = Arrays.stream(negatives).sum();
  }

  /** What happened, by outcome. */
  static Ranked happened(ScoreCounts counts) {
    double[] positives = new double[counts.scores().length];
    double[] negatives = new double[positives.length];
    for (int i = 0; i < positives.length; i++) {
      positives[i] = counts.positives()[i];
      negatives[i] = counts.negatives()[i];
    }
    return new Ranked(scores(counts), positives, negatives);
  }

  /**
   * What is expected to happen, by calibrated score.
   *
   * @param rows how many of each score
   */
  static Ranked expected(ScoreCounts counts, long[] rows, Calibration calibration) {
    double[] scores = scores(counts);
    double[] positives = new double[scores.length];
    double[] negatives = new double[scores.length];
    for (int i = 0; i < scores.length; i++) {
      double chance = calibration.chance(scores[i]);
      positives[i] = rows[i] * chance;
      negatives[i] = rows[i] - positives[i];
    }
    return new Ranked(scores, positives, negatives);
  }

  private static double[] scores(ScoreCounts counts) {
    double[] scores = new double[counts.scores().length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = counts.score(i);
    }
    return scores;
  }

  double size() {
    return allPositives + allNegatives;
  }

  /** Mean over all rows of what a row of a score that was or was not followed by 1 gives. */
  double mean(Loss loss) {
    return sum(loss, 1) / size();
  }

  /** Variance of {@link #mean}: that of one row over their number. */
  double varianceOfMean(Loss loss) {
    double size = size();
    double mean = mean(loss);
    return size < 2 ? Double.NaN : (sum(loss, 2) - size * mean * mean) / (size - 1) / size;
  }

  private double sum(Loss loss, int power) {
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      // A score that nothing followed adds nothing, were its loss infinite.
      sum += positives[i] == 0 ? 0 : positives[i] * Math.pow(loss.of(scores[i], true), power);
      sum += negatives[i] == 0 ? 0 : negatives[i] * Math.pow(loss.of(scores[i], false), power);
    }
    return sum;
  }

  @FunctionalInterface
  interface Loss {
    double of(double score, boolean positive);
  }

  /** Rows of both outcomes at or above a score. */
  double[] from(double threshold) {
    double[] both = new double[2];
    for (int i = scores.length - 1; i >= 0 && scores[i] >= threshold; i--) {
      both[0] += positives[i];
      both[1] += negatives[i];
    }
    return both;
  }

  /**
   * Of the rows with the highest scores those that were followed by 1; of tied ones that only some
   * have room for, as many as a random choice among them finds in the mean.
   */
  double foundInTop(double room) {
    double found = 0;
    double left = room;
    for (int i = scores.length - 1; i >= 0 && left > 0; i--) {
      double tied = positives[i] + negatives[i];
      if (tied > 0) {
        found += positives[i] * Math.min(1, left / tied);
        left -= tied;
      }
    }
    return found;
  }

  /**
   * Up to so many ranges of scores with about as many rows each; ties stay together.
   *
   * @return of each the last group's index
   */
  private List<Integer> ranges(int most) {
    List<Integer> ends = new ArrayList<>();
    double size = size();
    double seen = 0;
    int ended = 0;
    for (int i = 0; i < scores.length; i++) {
      seen += positives[i] + negatives[i];
      // A rounding in the sum of an estimate must not make a range of nothing.
      int full = (int) Math.floor(seen * most / size + 1e-9);
      if (full > ended) {
        ends.add(i);
        ended = full;
      }
    }
    return ends;
  }

  /** The calibration curve. */
  List<CalibrationBin> bins(int most) {
    List<CalibrationBin> bins = new ArrayList<>();
    int from = 0;
    for (int end : ranges(most)) {
      double rows = 0;
      double followed = 0;
      double scoreSum = 0;
      for (; from <= end; from++) {
        double here = positives[from] + negatives[from];
        rows += here;
        followed += positives[from];
        scoreSum += here * scores[from];
      }
      bins.add(new CalibrationBin(rows, scoreSum / rows, followed / rows));
    }
    return bins;
  }
}
