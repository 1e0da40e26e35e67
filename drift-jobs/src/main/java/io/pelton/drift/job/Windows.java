package io.pelton.drift.job;

import io.pelton.pipeline.Drift;
import java.io.Serializable;

/**
 * The tumbling windows of the drift job, aligned to the epoch.
 *
 * @param width milliseconds
 * @param allowedLateness milliseconds that a window stays open after its end
 */
record Windows(long width, long allowedLateness) implements Serializable {
  Windows {
    if (width <= 0 || allowedLateness < 0) {
      throw new IllegalArgumentException(
          "drift window is %d ms with %d ms of allowed lateness; the width must be positive, the lateness not negative"
              .formatted(width, allowedLateness));
    }
  }

  static Windows of(Drift drift) {
    return new Windows(drift.window(), drift.allowedLateness());
  }

  long start(long time) {
    return Math.floorDiv(time, width) * width;
  }

  long end(long start) {
    return start + width;
  }

  /** The watermark that closes a window. */
  long closing(long start) {
    return start + width - 1 + allowedLateness;
  }

  /** The window that a watermark or timer closes. */
  long startOfClosing(long closing) {
    return closing + 1 - width - allowedLateness;
  }
}
