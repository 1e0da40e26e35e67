package io.pelton.drift.report;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Collection;
import java.util.Locale;
import java.util.TreeSet;

/**
 * Time in columns: one a window, or one for several when they are many.
 *
 * @param first end of the first column's first window, epoch milliseconds
 * @param step from one column to the next
 * @param windows that a column stands for at most
 */
record TimeAxis(long first, long step, int columns, long windows) {
  private static final int MOST_TICKS = 8;
  private static final long[] TICKS = {
    minutes(1),
    minutes(5),
    minutes(15),
    minutes(30),
    hours(1),
    hours(3),
    hours(6),
    hours(12),
    hours(24),
    hours(48),
    hours(24 * 7),
    hours(24 * 14),
    hours(24 * 28),
    hours(24 * 91),
    hours(24 * 182),
    hours(24 * 364)
  };

  /**
   * @param ends of all windows, epoch milliseconds; one or more
   * @param most columns
   */
  static TimeAxis of(Collection<Long> ends, int most) {
    TreeSet<Long> sorted = new TreeSet<>(ends);
    long smallest = Long.MAX_VALUE;
    long before = sorted.first();
    for (long end : sorted) {
      if (end > before) {
        smallest = Math.min(smallest, end - before);
      }
      before = end;
    }
    long span = sorted.last() - sorted.first();
    long step = span == 0 ? hours(1) : smallest;
    long thinned = (span / step + most) / most;
    return new TimeAxis(
        sorted.first(), step * thinned, (int) (span / (step * thinned)) + 1, thinned);
  }

  private static long minutes(int minutes) {
    return Duration.ofMinutes(minutes).toMillis();
  }

  private static long hours(int hours) {
    return Duration.ofHours(hours).toMillis();
  }

  int column(long end) {
    return (int) Math.max(0, Math.min(columns - 1, (end - first) / step));
  }

  /** Where a column's middle is, in percent of the width. */
  double percent(double column) {
    return 100 * (column + 0.5) / columns;
  }

  /** Dates below a chart. */
  void ticks(Markup page) {
    page.tags("<div class=ticks aria-hidden=true>");
    long span = step * columns;
    long tick = TICKS[TICKS.length - 1];
    for (long candidate : TICKS) {
      if (span / candidate <= MOST_TICKS) {
        tick = candidate;
        break;
      }
    }
    DateTimeFormatter format =
        DateTimeFormatter.ofPattern(
                tick < hours(24) ? "d MMM HH:mm" : span > hours(24 * 300) ? "d MMM uuuu" : "d MMM",
                Locale.ENGLISH)
            .withZone(ZoneOffset.UTC);
    if (columns == 1) {
      page.tags("<span style=left:50%%>%s</span>", Words.time(first));
    } else {
      for (long at = -Math.floorDiv(-first, tick) * tick; at <= first + span; at += tick) {
        double percent = percent((double) (at - first) / step);
        if (percent >= 4 && percent <= 96) {
          page.tags(
              "<span style=left:%.1f%%>%s</span>",
              percent, format.format(Instant.ofEpochMilli(at)));
        }
      }
    }
    page.tags("</div>");
  }

  /** Says so where a column is of more than one window. */
  String thinning() {
    return windows == 1
        ? ""
        : "Each column stands for up to " + windows + " windows: the worst of them. ";
  }
}
