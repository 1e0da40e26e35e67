package io.pelton.pipeline;

import io.pelton.drift.Persistence;
import io.pelton.drift.Thresholds;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How drift is measured, and when it is told of.
 *
 * @param windows that are measured, of different widths
 * @param allowedLateness how long after its end a window may still change, milliseconds
 * @param minimumCount windows with fewer rows decide nothing
 * @param persistence an alert opens when {@code k} of the last {@code n} windows drifted
 * @param coolDown how long after it was resolved an alert does not open again, milliseconds
 * @param previous how much before each window is its reference, milliseconds; null: the training
 *     set
 * @param segments what is measured apart, too; null: nothing
 * @param dependence entity whose rows depend on each other; null: all rows are independent
 * @param edges most edges a baseline profile keeps
 */
public record Drift(
    List<Window> windows,
    long allowedLateness,
    Thresholds thresholds,
    long minimumCount,
    Persistence persistence,
    long coolDown,
    @Nullable Long previous,
    @Nullable Segments segments,
    @Nullable String dependence,
    int edges)
    implements Serializable {

  /**
   * Windows of one width, aligned to the epoch.
   *
   * @param width milliseconds
   * @param every milliseconds from one to the next; the width, where they do not overlap
   */
  public record Window(long width, long every) implements Serializable {}

  /**
   * Rows by what a carried field holds.
   *
   * @param values that are told apart; empty: those of the model version's baseline
   * @param cap most values that are; all others are taken together
   */
  public record Segments(String by, List<String> values, int cap) implements Serializable {
    public Segments {
      values = List.copyOf(values);
    }
  }

  public Drift {
    windows = List.copyOf(windows);
  }

  /** Tumbling windows against the training set, rows independent. */
  public static Drift tumbling(
      long width,
      long allowedLateness,
      Thresholds thresholds,
      long minimumCount,
      Persistence persistence,
      int edges) {
    return new Drift(
        List.of(new Window(width, width)),
        allowedLateness,
        thresholds,
        minimumCount,
        persistence,
        0,
        null,
        null,
        null,
        edges);
  }

  /** Width of the first windows, milliseconds. */
  public long window() {
    return windows.get(0).width();
  }
}
