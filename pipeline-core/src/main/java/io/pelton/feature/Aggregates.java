package io.pelton.feature;

import io.pelton.pipeline.PipelineDefinition.Function;

/** What aggregates make of exact totals; one place for all windows, buckets and tiles. */
final class Aggregates {
  private Aggregates() {}

  /** An aggregate of numbers by its total, NaN when it has no value. */
  static double of(Function function, Total total) {
    long count = total.count();
    if (count == 0) {
      return Double.NaN;
    }
    return switch (function) {
      case COUNT -> count;
      case SUM -> total.sum();
      case MEAN, SHARE -> total.sum() / count;
      case VARIANCE -> variance(count, total.deviations());
      case STDDEV -> Math.sqrt(variance(count, total.deviations()));
      default -> throw new IllegalArgumentException(function + " needs more than totals");
    };
  }

  /**
   * Sample variance, NaN of fewer than two values.
   *
   * @param deviations the sum of squared deviations from the mean, times {@code count}
   */
  static double variance(long count, double deviations) {
    return count < 2 ? Double.NaN : deviations / count / (count - 1);
  }

  /** How many standard deviations a value lies from the mean, NaN where there is no spread. */
  static double zScore(double value, double mean, double variance) {
    return variance > 0 ? (value - mean) / Math.sqrt(variance) : Double.NaN;
  }
}
