package io.pelton.performance;

import java.util.Objects;

/**
 * A range of scores, and how often outcome 1 followed.
 *
 * @param rows how many outcomes
 * @param meanScore their mean score
 * @param rate share of outcomes 1
 */
public record CalibrationBin(double rows, double meanScore, double rate) {
  /** Wilson's interval of the rate. */
  public Interval interval() {
    return Objects.requireNonNull(Interval.wilson(rate, rows));
  }
}
