package io.pelton.benchmarks;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Function;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Computes the windows of sampled events the plain way, by scanning their key's events in whole
 * cents, and compares: rates of wrong numbers are worth nothing. Where events are kept in tiles,
 * one is as old as the last millisecond of its tile, for windows take tiles whole.
 */
final class WindowCheck {
  private static final double TOLERANCE = 1e-6;
  private static final long MOST_STEPS = 100_000_000;

  /** An aggregate of the amounts in {@code (t - width, t]}. */
  record Column(Function function, long width) {}

  /**
   * @param compared values compared
   * @param different values that differ by more than 1e-6
   * @param leftOut events that were not compared because they share key and time with a later one
   * @param example the first difference; empty when there is none
   */
  record Outcome(long compared, long different, long leftOut, String example) {
    Outcome plus(Outcome other) {
      return new Outcome(
          compared + other.compared,
          different + other.different,
          leftOut + other.leftOut,
          example.isEmpty() ? other.example : example);
    }
  }

  private final ReplayedEvents events;
  private final int[][] numbersByKey;
  private final List<Column> columns;
  private final long[] widths;

  /** Of the tiles that each width's windows are made of, 0 for single events. */
  private final long[] tiles;

  /**
   * @param resolution of the entity, milliseconds; 0 for an exact history
   */
  WindowCheck(ReplayedEvents events, List<Column> columns, long resolution) {
    this.events = events;
    this.columns = columns;
    numbersByKey = events.numbersByKey();
    widths = columns.stream().mapToLong(Column::width).distinct().sorted().toArray();
    tiles =
        Arrays.stream(widths)
            .map(width -> PipelineDefinition.Entity.tileFor(resolution, width))
            .toArray();
  }

  /**
   * @param sample what {@link TakenRows} wrote down
   * @param taken rows that the job gave
   * @param peers whether an event's windows hold all events of its key and time, as in SQL
   * @throws IOException when a sampled event is missing or out of turn
   */
  Outcome compare(Path sample, long taken, int sampleEvery, boolean peers) throws IOException {
    long compared = 0;
    long different = 0;
    long leftOut = 0;
    String example = "";
    long steps = 0;
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(sample), 1 << 16))) {
      for (long number = 0; number < taken && steps < MOST_STEPS; number += sampleEvery) {
        long read = in.readLong();
        double[] values = new double[in.readInt()];
        for (int i = 0; i < values.length; i++) {
          values[i] = in.readDouble();
        }
        if (read != number || values.length != columns.size()) {
          throw new IOException(
              "event %d with %d values was to come, but %d with %d came"
                  .formatted(number, columns.size(), read, values.length));
        }
        if (peers && hasLaterPeer(number)) {
          leftOut++;
          continue;
        }
        Sums sums = new Sums();
        steps += sums.scan(number);
        for (int i = 0; i < values.length; i++) {
          compared++;
          double expected = sums.value(columns.get(i));
          if (!(Math.abs(values[i] - expected) <= TOLERANCE)) {
            different++;
            if (example.isEmpty()) {
              example =
                  "event %d, %s: %s instead of %s"
                      .formatted(number, columns.get(i), values[i], expected);
            }
          }
        }
      }
    }
    return new Outcome(compared, different, leftOut, example);
  }

  private boolean hasLaterPeer(long number) {
    for (long later = number + 1; events.time(later) == events.time(number); later++) {
      if (events.key(later) == events.key(number)) {
        return true;
      }
    }
    return false;
  }

  /** Aggregates by window of one event, from the narrowest. */
  private final class Sums {
    private final long[] count = new long[widths.length];
    private final long[] cents = new long[widths.length];
    private final long[] least = new long[widths.length];
    private final long[] greatest = new long[widths.length];

    /** Goes back through the key's events, lap by lap; returns how many it saw. */
    long scan(long number) {
      int[] own = numbersByKey[events.key(number)];
      long lap = number / events.size();
      int place = Arrays.binarySearch(own, (int) (number % events.size()));
      long steps = 0;
      int window = 0;
      long least = Long.MAX_VALUE;
      long greatest = Long.MIN_VALUE;
      long sum = 0;
      while (lap >= 0) {
        long at = lap * events.size() + own[place];
        while (window < widths.length
            && events.time(number) - dated(events.time(at), tiles[window]) >= widths[window]) {
          close(window++, steps, sum, least, greatest);
        }
        if (window == widths.length) {
          return steps;
        }
        int value = events.cents(at);
        sum += value;
        least = Math.min(least, value);
        greatest = Math.max(greatest, value);
        steps++;
        if (--place < 0) {
          place = own.length - 1;
          lap--;
        }
      }
      while (window < widths.length) {
        close(window++, steps, sum, least, greatest);
      }
      return steps;
    }

    private static long dated(long time, long tile) {
      return tile == 0 ? time : Math.floorDiv(time, tile) * tile + tile - 1;
    }

    private void close(int window, long count, long sum, long least, long greatest) {
      this.count[window] = count;
      this.cents[window] = sum;
      this.least[window] = least;
      this.greatest[window] = greatest;
    }

    double value(Column column) {
      int window = Arrays.binarySearch(widths, column.width());
      return switch (column.function()) {
        case COUNT -> count[window];
        case SUM -> cents[window] / 100.0;
        case MEAN -> cents[window] / 100.0 / count[window];
        case MIN -> least[window] / 100.0;
        case MAX -> greatest[window] / 100.0;
        default ->
            throw new IllegalArgumentException(column.function() + " is not checked by this");
      };
    }
  }
}
