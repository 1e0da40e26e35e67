package io.pelton.drift.report;

import io.pelton.drift.Decision;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A feature's windows on the columns of a time axis; of several in one, the worst. */
final class Trend {
  /** From this multiple of a threshold on, more is not told apart. */
  private static final double MOST = 4;

  private static final int HEIGHT = 32;

  private final TimeAxis axis;
  private final @Nullable Window[] columns;

  Trend(TimeAxis axis, List<Window> windows) {
    this.axis = axis;
    columns = new @Nullable Window[axis.columns()];
    for (Window window : windows) {
      int column = axis.column(window.end());
      Window other = columns[column];
      if (other == null
          || (window.drifted() && !other.drifted())
          || (window.drifted() == other.drifted() && window.excess() > other.excess())) {
        columns[column] = window;
      }
    }
  }

  /** The largest effect over time; drifted windows are dots. */
  void sparkline(Markup page, String label) {
    double top =
        Math.min(
            MOST,
            Math.max(
                1.5,
                Arrays.stream(columns)
                    .mapToDouble(window -> window == null ? 0 : window.excess())
                    .max()
                    .orElse(1)));
    StringBuilder line = new StringBuilder();
    StringBuilder dots = new StringBuilder();
    boolean isGap = true;
    for (int column = 0; column < columns.length; column++) {
      Window window = columns[column];
      if (window == null) {
        isGap = true;
        continue;
      }
      long y = y(window.excess(), top);
      line.append(isGap ? 'M' : line.length() > 0 && last(line) ? ' ' : 'L')
          .append(column)
          .append(' ')
          .append(y);
      isGap = false;
      if (window.drifted()) {
        dots.append('M').append(column).append(' ').append(y).append("h0");
      }
    }
    page.tags(
        "<svg class=spark viewBox='-1 0 %d %d' preserveAspectRatio=none role=img aria-label='%s'>"
            + "<path class=thr d='M-1 %dh%d'/><path class=sl d='%s'/>",
        columns.length + 1, HEIGHT, label, y(1, top), columns.length + 1, line.toString());
    if (dots.length() > 0) {
      page.tags("<path class=sd d='%s'/>", dots.toString());
    }
    page.tags("</svg>");
  }

  /** After a line's first step its letter need not be repeated. */
  private static boolean last(StringBuilder line) {
    return line.lastIndexOf("L") > line.lastIndexOf("M");
  }

  private static long y(double excess, double top) {
    return Math.round(HEIGHT - 3 - (HEIGHT - 6) * Math.max(0, Math.min(top, excess)) / top);
  }

  /** Every column's level as a colour, runs of one level as one piece. */
  void strip(Markup page, String label) {
    StringBuilder[] levels = new StringBuilder[Level.values().length];
    Arrays.setAll(levels, unused -> new StringBuilder());
    for (int column = 0; column < columns.length; ) {
      Window window = columns[column];
      int start = column++;
      if (window == null) {
        continue;
      }
      Level level = Level.of(window);
      while (column < columns.length && isOf(columns[column], level)) {
        column++;
      }
      int run = column - start;
      levels[level.ordinal()].append("M%d 0h%dv1h-%dz".formatted(start, run, run));
    }
    page.tags(
        "<svg viewBox='0 0 %d 1' preserveAspectRatio=none role=img aria-label='%s'>",
        columns.length, label);
    for (Level level : Level.values()) {
      StringBuilder path = levels[level.ordinal()];
      if (path.length() > 0) {
        page.tags("<path class=h%d d='%s'/>", level.ordinal(), path.toString());
      }
    }
    page.tags("</svg>");
  }

  private static boolean isOf(@Nullable Window window, Level level) {
    return window != null && Level.of(window) == level;
  }

  /** In words, for who does not see the colours. */
  static String inWords(List<Window> windows) {
    long drifted = windows.stream().filter(Window::drifted).count();
    if (drifted == 0) {
      return "no drift in %d windows".formatted(windows.size());
    }
    long first = windows.stream().filter(Window::drifted).findFirst().orElseThrow().end();
    return "drifted in %d of %d windows, first in the one that ended %s"
        .formatted(drifted, windows.size(), Words.time(first));
  }

  TimeAxis axis() {
    return axis;
  }

  /** How far a window is off, for its colour. */
  enum Level {
    NONE("under a third of a threshold"),
    LOW("under two thirds"),
    NEAR("under the threshold"),
    EFFECT("over it, but not significant"),
    DRIFTED("drifted"),
    CRITICAL("drifted, twice the threshold or more");

    private final String text;

    Level(String text) {
      this.text = text;
    }

    String text() {
      return text;
    }

    static Level of(Window window) {
      double excess = window.excess();
      if (window.drifted()) {
        return excess >= Decision.CRITICAL ? CRITICAL : DRIFTED;
      }
      return excess >= 1 ? EFFECT : excess >= 2 / 3.0 ? NEAR : excess >= 1 / 3.0 ? LOW : NONE;
    }
  }
}
