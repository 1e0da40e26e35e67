package io.pelton.feature;

import io.pelton.pipeline.PipelineDefinition.Function;

/** What aggregates make of exact totals; one place for all windows, buckets and tiles. */
final class Aggregates {
  private Aggregates() {}

  /**
   * An aggregate of numbers by its total, NaN when it has no value.
   *
   * @param current the value of the event, which a z-score compares
   */
  static double of(Function function, Total total, double current) {
    if (total.count() == 0) {
      return Double.NaN;
    }
    return switch (function) {
      case COUNT -> total.count();
      case SUM -> total.sum();
      case MEAN, SHARE -> total.mean();
      case VARIANCE -> total.variance();
      case STDDEV -> total.stddev();
      case Z_SCORE -> total.zScore(current);
      default -> throw new IllegalArgumentException(function + " needs more than totals");
    };
  }
}
