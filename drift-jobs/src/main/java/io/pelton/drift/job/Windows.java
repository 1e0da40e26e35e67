package io.pelton.drift.job;

import io.pelton.pipeline.Drift;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * The windows of the drift job, aligned to the epoch, and the panes that they are put together
 * from: the widest that tile all of them.
 *
 * @param windows of different widths
 * @param pane milliseconds
 * @param allowedLateness milliseconds that a pane takes rows after its end
 * @param previous milliseconds before a window that it is compared with; 0 for none
 */
record Windows(List<Drift.Window> windows, long pane, long allowedLateness, long previous)
    implements Serializable {

  static Windows of(Drift drift) {
    long previous = drift.previous() == null ? 0 : drift.previous();
    long pane = previous;
    for (Drift.Window window : drift.windows()) {
      if (window.every() <= 0 || window.width() % window.every() != 0) {
        throw new IllegalArgumentException(
            "drift window of %d ms slides by %d ms; its width must be a multiple of that"
                .formatted(window.width(), window.every()));
      }
      pane = greatestCommonDivisor(pane, window.every());
    }
    if (drift.allowedLateness() < 0) {
      throw new IllegalArgumentException(
          "allowed lateness of drift is %d ms; it must not be negative"
              .formatted(drift.allowedLateness()));
    }
    return new Windows(drift.windows(), pane, drift.allowedLateness(), previous);
  }

  private static long greatestCommonDivisor(long a, long b) {
    return b == 0 ? a : greatestCommonDivisor(b, a % b);
  }

  /** Start of the pane of a time. */
  long start(long time) {
    return Math.floorDiv(time, pane) * pane;
  }

  long end(long start) {
    return start + pane;
  }

  /** The watermark after which a pane takes no rows. */
  long closing(long start) {
    return start + pane - 1 + allowedLateness;
  }

  /**
   * The watermark at which what was counted of a pane is handed on: its end; of rows that came
   * after that, the next end of any pane, and no later than it closes.
   *
   * @param watermark that stands when the first of the rows comes
   */
  long due(long start, long watermark) {
    long last = start + pane - 1;
    return last > watermark ? last : Math.min(closing(start), start(watermark + 1) + pane - 1);
  }

  /** The windows that a pane is in. */
  List<WindowSpan> around(long start) {
    List<WindowSpan> spans = new ArrayList<>();
    for (Drift.Window window : windows) {
      long last = Math.floorDiv(start, window.every()) * window.every();
      for (long from = last; from > start - window.width(); from -= window.every()) {
        spans.add(new WindowSpan(from, from + window.width()));
      }
    }
    return spans;
  }

  /** The watermark after which a window does not change. */
  long closing(WindowSpan span) {
    return span.end() - 1 + allowedLateness;
  }

  /** The watermark after which a pane is in no window that may change, nor in its reference. */
  long forgotten(long start) {
    long widest = 0;
    for (Drift.Window window : windows) {
      widest = Math.max(widest, window.width());
    }
    return start + previous + widest - 1 + allowedLateness;
  }
}
