package io.pelton.drift.report;

import io.pelton.drift.Measures;
import java.util.ArrayList;
import java.util.List;

/** Both distribution functions, and where they are farthest apart. */
final class DistributionChart {
  private static final int WIDTH = 440;
  private static final int HEIGHT = 210;
  private static final int LEFT = 40;
  private static final int TOP = 10;
  private static final int BOTTOM = 26;
  private static final int RIGHT = 8;

  /** So few points are all values that there are. */
  private static final int FEW = 25;

  private static final int FEWEST_WITH_TAILS = 12;

  /** A tail that takes more of the width than this is cut. */
  private static final double TAIL = 2.5;

  private final Measures measures;
  private final List<Measures.Point> points;
  private final double low;
  private final double high;

  DistributionChart(Measures measures) {
    this.measures = measures;
    points =
        measures.distribution().stream().filter(point -> Double.isFinite(point.value())).toList();
    if (points.isEmpty()) {
      low = 0;
      high = 0;
      return;
    }
    double first = points.get(0).value();
    double last = points.get(points.size() - 1).value();
    // Points lie at even ranks: tails are what is beyond the second and the last but one.
    int inner = points.size() < FEWEST_WITH_TAILS ? 0 : 1;
    double from = points.get(inner).value();
    double to = points.get(points.size() - 1 - inner).value();
    Double gap = measures.ksAt();
    if (gap != null && Double.isFinite(gap)) {
      from = Math.min(from, gap);
      to = Math.max(to, gap);
    }
    double margin = 0.1 * (to - from);
    boolean isLong = last - first > TAIL * (to - from) && to > from;
    low = isLong ? Math.max(first, from - margin) : first;
    high = isLong ? Math.min(last, to + margin) : last;
  }

  /** Whether there is anything to draw. */
  boolean isEmpty() {
    return measures.ks() == null || points.size() < 2 || high <= low;
  }

  boolean isCut() {
    return low > points.get(0).value() || high < points.get(points.size() - 1).value();
  }

  void draw(Markup page) {
    page.tags("<svg class=chart viewBox='0 0 %d %d' role=img aria-label='", WIDTH, HEIGHT)
        .text(
            "Distribution functions of baseline and current; the largest gap is KS "
                + Words.measure(measures.ks()))
        .tags("'>");
    for (int tick = 0; tick <= 2; tick++) {
      page.tags(
          "<path class=grid d='M%d %dH%d'/><text x=%d y=%d text-anchor=end>%d%%</text>",
          LEFT, y(tick / 2.0), WIDTH, LEFT - 5, y(tick / 2.0) + 4, 50 * tick);
    }
    for (int tick = 0; tick <= 3; tick++) {
      double value = low + (high - low) * tick / 3;
      page.tags(
          "<text x=%d y=%d text-anchor=%s>%s</text>",
          x(value),
          HEIGHT - 8,
          tick == 0 ? "start" : tick == 3 ? "end" : "middle",
          Words.value(value));
    }
    long n = measures.baselineCount() - measures.missingBaseline();
    long m = measures.currentCount() - measures.missingCurrent();
    page.tags("<path class='line b' d='%s'/>", path(point -> (double) point.baseline() / n));
    page.tags("<path class='line c' d='%s'/>", path(point -> (double) point.current() / m));
    gap(page, n, m);
    page.tags("</svg>");
  }

  private void gap(Markup page, long n, long m) {
    Double at = measures.ksAt();
    Measures.Point marked = null;
    for (Measures.Point point : points) {
      if (at != null && point.value() == at) {
        marked = point;
      }
    }
    if (marked == null || marked.value() < low || marked.value() > high) {
      return;
    }
    int x = x(marked.value());
    int from = y((double) marked.baseline() / n);
    int to = y((double) marked.current() / m);
    // The curves rise to the right, so that there is room below them there, else above to the left.
    boolean isBelow = x < WIDTH - 100;
    page.tags(
        "<path class=gap d='M%d %dV%d'><title>KS %s at %s</title></path><text class=gaptext x=%d y=%d text-anchor=%s>KS %s</text>",
        x,
        from,
        to,
        Words.measure(measures.ks()),
        Words.value(marked.value()),
        isBelow ? x + 8 : x - 8,
        isBelow
            ? Math.min(Math.max(from, to) + 13, y(0) - 4)
            : Math.max(Math.min(from, to) - 4, TOP + 10),
        isBelow ? "start" : "end",
        Words.measure(measures.ks()));
  }

  private interface Height {
    double of(Measures.Point point);
  }

  private String path(Height height) {
    List<String> steps = new ArrayList<>();
    boolean isStepped = points.size() <= FEW;
    int lastX = LEFT;
    int lastY = y(0);
    steps.add("M" + lastX + " " + lastY);
    Measures.Point before = points.get(0);
    for (Measures.Point point : points) {
      if (point.value() > high) {
        double part = (high - before.value()) / (point.value() - before.value());
        double from = height.of(before);
        steps.add("L" + x(high) + " " + y(from + part * (height.of(point) - from)));
        return String.join("", steps);
      }
      int x = x(Math.max(low, point.value()));
      int y = y(height.of(point));
      if (isStepped || point == points.get(0)) {
        steps.add("H" + x + "V" + y);
      } else if (x != lastX || y != lastY) {
        steps.add("L" + x + " " + y);
      }
      lastX = x;
      lastY = y;
      before = point;
    }
    steps.add("H" + WIDTH);
    return String.join("", steps);
  }

  private int x(double value) {
    return (int) Math.round(LEFT + (WIDTH - RIGHT - LEFT) * ((value - low) / (high - low)));
  }

  private static int y(double share) {
    return (int) Math.round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share);
  }
}
