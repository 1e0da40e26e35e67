package io.pelton.drift.performance;

import io.pelton.pipeline.Drift;
import io.pelton.pipeline.Outcomes;
import io.pelton.pipeline.PipelineDefinition;
import java.io.Serializable;
import java.util.Objects;

/**
 * Tumbling windows of predictions, aligned to the epoch, and the steps in which each is reported:
 * at its close, and then once a width until no outcome can come. What becomes known belongs to the
 * step that closes next after its own event time, so that every step holds the same however the job
 * runs.
 *
 * @param width milliseconds
 * @param lateness milliseconds that a window stays open after its end
 * @param within how long after an event its outcome counts, milliseconds
 */
record Windows(long width, long lateness, long within) implements Serializable {
  Windows {
    if (width <= 0 || lateness < 0 || within < 0) {
      throw new IllegalArgumentException(
          "windows of performance are %d ms wide with %d ms of lateness and outcomes within %d ms; the width must be positive, the others not negative"
              .formatted(width, lateness, within));
    }
  }

  /** Those of a pipeline that measures performance. */
  static Windows of(PipelineDefinition pipeline) {
    Drift drift = Objects.requireNonNull(pipeline.drift());
    Outcomes outcomes = Objects.requireNonNull(pipeline.outcomes());
    return new Windows(drift.window(), drift.allowedLateness(), outcomes.within());
  }

  long start(long time) {
    return Math.floorDiv(time, width) * width;
  }

  long end(long start) {
    return start + width;
  }

  /** The watermark that closes a step of a window. */
  long closing(long start, long step) {
    return end(start) - 1 + lateness + step * width;
  }

  /** The step of a window that holds what becomes known at a time: the first that closes then. */
  long step(long start, long time) {
    long after = time - closing(start, 0);
    return after <= 0 ? 0 : -Math.floorDiv(-after, width);
  }

  /** The step after which no outcome comes. */
  long lastStep() {
    return -Math.floorDiv(-within, width);
  }

  /** The window whose last step a watermark or timer closes. */
  long startOfComplete(long closing) {
    return closing + 1 - width - lateness - lastStep() * width;
  }

  /** The watermark after which nothing waits any more for what belongs to a time. */
  long expiry(long time) {
    return time + within + lateness;
  }

  /** Whether an event's time for outcomes holds one; symmetric, for either may come first. */
  boolean reaches(long event, long outcome) {
    return Math.abs(event - outcome) <= within;
  }
}
