package io.pelton.drift.performance;

import java.util.Comparator;

/**
 * What is kept of an outcome.
 *
 * @param time from which it is known, epoch milliseconds
 */
public record Reported(long time, double label) {
  /** The first outcome of an event counts; of those of one time that with the lower label. */
  static final Comparator<Reported> ORDER =
      Comparator.comparingLong(Reported::time).thenComparingDouble(Reported::label);
}
