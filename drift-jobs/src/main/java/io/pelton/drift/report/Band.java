package io.pelton.drift.report;

import io.pelton.drift.Measures;
import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Where a window's numbers lie: their median, and what a tenth of them is below and above.
 *
 * @param low tenth percentile
 * @param high ninetieth percentile
 */
public record Band(double low, double middle, double high) {
  /**
   * Read off a distribution function, straight between its points.
   *
   * @param side rows at or below a point, of one of the sides
   * @return null where the side has no values, or infinite ones at these places
   */
  static @Nullable Band of(List<Measures.Point> points, ToLongFunction<Measures.Point> side) {
    if (points.isEmpty()) {
      return null;
    }
    long all = side.applyAsLong(points.get(points.size() - 1));
    Band band =
        new Band(
            at(points, side, 0.1 * all), at(points, side, 0.5 * all), at(points, side, 0.9 * all));
    return all > 0
            && Double.isFinite(band.low)
            && Double.isFinite(band.middle)
            && Double.isFinite(band.high)
        ? band
        : null;
  }

  private static double at(
      List<Measures.Point> points, ToLongFunction<Measures.Point> side, double rank) {
    Measures.Point before = points.get(0);
    for (Measures.Point point : points) {
      long rows = side.applyAsLong(point);
      if (rows >= rank) {
        long below = side.applyAsLong(before);
        double part = rows == below ? 1 : (rank - below) / (rows - below);
        return part <= 0 || before == point
            ? before.value()
            : before.value() + Math.min(1, part) * (point.value() - before.value());
      }
      before = point;
    }
    return before.value();
  }
}
