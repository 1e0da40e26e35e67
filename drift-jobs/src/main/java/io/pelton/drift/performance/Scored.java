package io.pelton.drift.performance;

import java.util.Comparator;

/**
 * What is kept of a prediction until its outcome is known.
 *
 * @param time of the event, epoch milliseconds
 * @param segment of {@link io.pelton.drift.Segment}, that it is counted in beside all rows
 * @param score in millionths
 * @param missing whether a feature was missing
 */
public record Scored(
    long time,
    String model,
    int version,
    String variant,
    String segment,
    long score,
    boolean missing) {
  /** Of an id that was scored twice the first counts, in whatever order they come. */
  static final Comparator<Scored> ORDER =
      Comparator.comparingLong(Scored::time)
          .thenComparing(Scored::model)
          .thenComparingInt(Scored::version)
          .thenComparing(Scored::variant)
          .thenComparing(Scored::segment)
          .thenComparingLong(Scored::score)
          .thenComparing(Scored::missing);
}
