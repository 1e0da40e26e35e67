package io.pelton.drift.plan;

import io.pelton.drift.Persistence;
import io.pelton.drift.Thresholds;

/**
 * What is planned for.
 *
 * @param window width of a window, milliseconds
 * @param every milliseconds from one window to the next; the width, where they do not overlap
 * @param rows of a window, in each group
 * @param groups segments times versions that are decided on together
 * @param designEffect by how much rows say less than as many independent ones would; 1 where they
 *     do not depend on each other
 */
public record Request(
    long window,
    long every,
    double rows,
    int groups,
    double designEffect,
    Thresholds thresholds,
    long minimumCount,
    Persistence persistence) {
  /**
   * @throws IllegalArgumentException that names what cannot be
   */
  public Request {
    if (!(rows >= 1) || Double.isInfinite(rows)) {
      throw new IllegalArgumentException(
          "rows of a window are %s; there must be 1 or more".formatted(rows));
    }
    if (groups < 1) {
      throw new IllegalArgumentException(
          "groups are %d; there must be 1 or more".formatted(groups));
    }
    if (!(designEffect >= 1) || Double.isInfinite(designEffect)) {
      throw new IllegalArgumentException(
          "design effect is %s; it must be 1 or more".formatted(designEffect));
    }
  }

  /** The same of other windows, as many rows coming in as long a time. */
  Request withWindow(long other) {
    return new Request(
        other,
        Math.max(1, every * other / window),
        Math.max(1, rows * other / window),
        groups,
        designEffect,
        thresholds,
        minimumCount,
        persistence);
  }

  /** Whether windows share rows: several of them say little more than one. */
  boolean overlapping() {
    return every < window;
  }

  Request withRows(double other) {
    return new Request(
        window, every, other, groups, designEffect, thresholds, minimumCount, persistence);
  }
}
