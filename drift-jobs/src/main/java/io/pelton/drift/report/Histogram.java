package io.pelton.drift.report;

import java.util.List;

/**
 * Shares of the baseline and the current rows in each bin: columns for numbers, rows for
 * categories.
 */
final class Histogram {
  private static final int WIDTH = 440;
  private static final int HEIGHT = 210;
  private static final int LEFT = 40;
  private static final int TOP = 10;
  private static final int BOTTOM = 26;

  /** Width of one, about. */
  private static final int LETTER = 7;

  private final List<Bar> bars;

  Histogram(List<Bar> bars) {
    this.bars = bars;
  }

  /** Columns of equal width, a bin each. */
  void columns(Markup page) {
    double most =
        bars.stream().mapToDouble(bar -> Math.max(bar.baseline(), bar.current())).max().orElse(1);
    double top = scale(most);
    int floor = HEIGHT - BOTTOM;
    double width = (double) (WIDTH - LEFT) / bars.size();
    page.tags("<svg class=chart viewBox='0 0 %d %d' role=img aria-label='", WIDTH, HEIGHT)
        .text("Histogram: share of rows by bin, baseline and current")
        .tags("'>");
    for (int tick = 0; tick <= 2; tick++) {
      int y = (int) Math.round(floor - (floor - TOP) * tick / 2.0);
      page.tags(
          "<path class=grid d='M%d %dH%d'/><text x=%d y=%d text-anchor=end>%s%%</text>",
          LEFT, y, WIDTH, LEFT - 5, y + 4, Words.value(100 * top * tick / 2));
    }
    boolean hasMissing = !bars.isEmpty() && bars.get(bars.size() - 1).isMissing();
    int right = hasMissing ? WIDTH - LETTER * "missing".length() : WIDTH + LETTER;
    int written = 0;
    for (int i = 0; i < bars.size(); i++) {
      Bar bar = bars.get(i);
      double x = LEFT + i * width;
      page.tags("<g><title>").text(tip(bar)).tags("</title>");
      column(page, "b", x + 0.1 * width, 0.4 * width, bar.baseline() / top, floor);
      column(page, "c", x + 0.5 * width, 0.4 * width, bar.current() / top, floor);
      page.tags("</g>");
      int middle = (int) Math.round(x + width);
      int half = LETTER * bar.upper().length() / 2 + 3;
      if (!bar.upper().isEmpty() && middle - half >= written && middle + half <= right) {
        page.tags("<text x=%d y=%d text-anchor=middle>%s</text>", middle, HEIGHT - 8, bar.upper());
        written = middle + half;
      }
    }
    if (hasMissing) {
      page.tags("<text x=%d y=%d text-anchor=end>missing</text>", WIDTH, HEIGHT - 8);
    }
    page.tags("</svg>");
  }

  private static void column(
      Markup page, String side, double x, double width, double height, int floor) {
    long pixels = Math.round((floor - TOP) * height);
    if (pixels > 0) {
      page.tags(
          "<path class=%s d='M%.0f %dv-%dh%.0fv%dz'/>", side, x, floor, pixels, width, pixels);
    }
  }

  private static String tip(Bar bar) {
    return "%s: baseline %s %%, current %s %%, PSI %.3f"
        .formatted(
            bar.label(), Words.percent(bar.baseline()), Words.percent(bar.current()), bar.psi());
  }

  /** A round number that is not below. */
  private static double scale(double most) {
    double unit = Math.pow(10, Math.floor(Math.log10(most)));
    for (double factor : new double[] {1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8}) {
      if (most <= factor * unit) {
        return factor * unit;
      }
    }
    return 10 * unit;
  }

  /** A table with a row a bin. */
  void rows(Markup page) {
    double most =
        bars.stream().mapToDouble(bar -> Math.max(bar.baseline(), bar.current())).max().orElse(1);
    page.tags(
        "<table class=bars><thead><tr><th scope=col>Value<th scope=col><span class=sr>Bars</span>"
            + "<th scope=col class=n>Baseline %<th scope=col class=n>Current %</thead><tbody>");
    for (Bar bar : bars) {
      page.tags(
          "<tr title='PSI %.3f'><th scope=row>%s<td><i class=b style=width:%.1f%%></i><i class=c style=width:%.1f%%></i><td class=n>%s<td class=n>%s",
          bar.psi(),
          bar.label(),
          100 * bar.baseline() / most,
          100 * bar.current() / most,
          Words.percent(bar.baseline()),
          Words.percent(bar.current()));
    }
    page.tags("</tbody></table>");
  }
}
