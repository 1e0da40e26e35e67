package io.pelton.benchmarks;

import io.pelton.feature.FeatureRow;

/**
 * The rows that {@link ReplaySource} gives by number. Each is a new one, as from a topic, around
 * values that are held; its time is when it is due, by {@link System#nanoTime}.
 */
final class PacedRows {
  private static final String[] NO_KEYS = {};
  private static final Object[] NOTHING = {};
  private static volatile double[][] rows = {};
  private static volatile long start;
  private static volatile long rate;

  private PacedRows() {}

  static void hold(double[][] held) {
    rows = held;
  }

  static double[][] held() {
    return rows;
  }

  /** Row 1 is due at the start, for row 0 is sent before. */
  static void pace(long from, int rowsASecond) {
    start = from;
    rate = rowsASecond;
  }

  static FeatureRow row(ReplayedEvents unused, long number) {
    double[][] held = rows;
    long pace = rate;
    long due = pace == 0 ? 0 : start + (number - 1) * 1_000_000_000L / pace;
    return new FeatureRow("row", due, NO_KEYS, held[(int) (number % held.length)], NOTHING);
  }
}
