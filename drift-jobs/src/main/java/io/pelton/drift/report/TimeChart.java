package io.pelton.drift.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Values over time, with their bands; a line for each version, which is marked where it begins. */
final class TimeChart {
  private static final int HEIGHT = 100;
  private static final int MOST_TICKS = 4;

  /** Colours of lines, by turns. */
  private static final int COLOURS = 3;

  /**
   * A value in time.
   *
   * @param low lower end of its band; NaN without one
   */
  record Value(long time, double value, double low, double high) {}

  private record Line(String label, List<Value> values, @Nullable Double level) {}

  private final TimeAxis axis;
  private final String label;
  private final List<Line> lines = new ArrayList<>();

  TimeChart(TimeAxis axis, String label) {
    this.axis = axis;
    this.label = label;
  }

  /**
   * Adds a version's line.
   *
   * @param level drawn beside it over its time; null for none
   */
  void line(String version, List<Value> values, @Nullable Double level) {
    lines.add(new Line(version, thinned(values), level));
  }

  /** The mean of a column's values, and the whole of their bands. */
  private List<Value> thinned(List<Value> values) {
    Map<Integer, List<Value>> byColumn = new TreeMap<>();
    for (Value value : values) {
      byColumn.computeIfAbsent(axis.column(value.time), unused -> new ArrayList<>()).add(value);
    }
    List<Value> thinned = new ArrayList<>();
    for (List<Value> column : byColumn.values()) {
      thinned.add(
          new Value(
              column.get(0).time,
              column.stream().mapToDouble(Value::value).average().orElseThrow(),
              column.stream().mapToDouble(Value::low).min().orElseThrow(),
              column.stream().mapToDouble(Value::high).max().orElseThrow()));
    }
    return thinned;
  }

  void draw(Markup page) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (Line line : lines) {
      for (Value value : line.values) {
        low = Math.min(low, Double.isNaN(value.low) ? value.value : value.low);
        high = Math.max(high, Double.isNaN(value.high) ? value.value : value.high);
      }
      if (line.level != null) {
        low = Math.min(low, line.level);
        high = Math.max(high, line.level);
      }
    }
    double margin = high > low ? 0.06 * (high - low) : Math.max(Math.abs(high) * 0.05, 1e-6);
    Scale scale = new Scale(low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin);
    page.tags(
        "<div class=time><div class=plot><svg viewBox='0 0 %d %d' preserveAspectRatio=none role=img aria-label='%s'>",
        axis.columns(), HEIGHT, label);
    for (double tick : scale.ticks()) {
      page.tags("<path class=grid d='M0 %dH%d'/>", scale.y(tick), axis.columns());
    }
    for (int i = 0; i < lines.size(); i++) {
      draw(page, lines.get(i), i % COLOURS, scale);
    }
    page.tags("</svg>");
    for (double tick : scale.ticks()) {
      page.tags("<span class=y style=top:%d%%>%s</span>", scale.y(tick), Words.value(tick));
    }
    for (Line line : lines) {
      if (!line.values.isEmpty()) {
        page.tags(
            "<span class=mark style=left:%.1f%%><b>%s</b></span>",
            axis.percent(axis.column(line.values.get(0).time) - 0.5), line.label);
      }
    }
    page.tags("</div>");
    axis.ticks(page);
    page.tags("</div>");
  }

  private record Scale(double low, double high) {
    long y(double value) {
      return Math.round(HEIGHT * (high - value) / (high - low));
    }

    /** A few round values. */
    double[] ticks() {
      double rough = (high - low) / MOST_TICKS;
      double unit = Math.pow(10, Math.floor(Math.log10(rough)));
      double step = unit * (rough <= 2 * unit ? 2 : rough <= 5 * unit ? 5 : 10);
      return LongStream.rangeClosed((long) Math.ceil(low / step), (long) Math.floor(high / step))
          .mapToDouble(tick -> tick * step)
          .toArray();
    }
  }

  private void draw(Markup page, Line line, int colour, Scale scale) {
    if (line.values.isEmpty()) {
      return;
    }
    StringBuilder path = new StringBuilder();
    StringBuilder upper = new StringBuilder();
    StringBuilder lower = new StringBuilder();
    for (Value value : line.values) {
      String x = x(value.time);
      path.append(path.length() == 0 ? 'M' : 'L')
          .append(x)
          .append(' ')
          .append(scale.y(value.value));
      if (!Double.isNaN(value.low)) {
        upper
            .append(upper.length() == 0 ? 'M' : 'L')
            .append(x)
            .append(' ')
            .append(scale.y(value.high));
        lower.insert(0, "L" + x + " " + scale.y(value.low));
      }
    }
    if (upper.length() > 0) {
      page.tags("<path class='band l%d' d='%s%sz'/>", colour, upper.toString(), lower.toString());
    }
    String first = x(line.values.get(0).time);
    String last = x(line.values.get(line.values.size() - 1).time);
    if (line.level != null) {
      long y = scale.y(line.level);
      page.tags(
          "<path class=ref d='M%s %dH%s'/>",
          first, y, first.equals(last) ? String.valueOf(axis.columns()) : last);
    }
    if (line.values.size() == 1) {
      path.append("h0");
    }
    page.tags("<path class='tl l%d' d='%s'/>", colour, path.toString());
  }

  private String x(long time) {
    return axis.column(time) + ".5";
  }
}
