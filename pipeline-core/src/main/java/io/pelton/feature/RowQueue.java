package io.pelton.feature;

import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Rows that wait, the first by (time, id) first. A heap of four children a node that keeps the
 * times beside each other, so that ordering looks into rows only when their times are equal.
 */
public final class RowQueue implements Iterable<FeatureRow> {
  private static final int CHILDREN = 4;
  private static final int SMALLEST = 64;

  private long[] times = new long[SMALLEST];
  private @Nullable FeatureRow[] rows = new FeatureRow[SMALLEST];
  private int size;

  public int size() {
    return size;
  }

  public boolean isEmpty() {
    return size == 0;
  }

  /**
   * Time of the first row.
   *
   * @throws NoSuchElementException when there is none
   */
  public long firstTime() {
    requireRow();
    return times[0];
  }

  public void add(FeatureRow row) {
    if (size == times.length) {
      times = Arrays.copyOf(times, 2 * size);
      rows = Arrays.copyOf(rows, 2 * size);
    }
    int at = size++;
    while (at > 0) {
      int parent = (at - 1) / CHILDREN;
      if (times[parent] < row.time || (times[parent] == row.time && !before(row, row(parent)))) {
        break;
      }
      move(parent, at);
      at = parent;
    }
    times[at] = row.time;
    rows[at] = row;
  }

  /**
   * Takes the first row out.
   *
   * @throws NoSuchElementException when there is none
   */
  public FeatureRow remove() {
    requireRow();
    FeatureRow first = row(0);
    FeatureRow last = row(--size);
    long time = last.time;
    rows[size] = null;
    if (size > 0) {
      sink(last, time);
    }
    if (size < times.length / CHILDREN && times.length > SMALLEST) {
      times = Arrays.copyOf(times, times.length / 2);
      rows = Arrays.copyOf(rows, rows.length / 2);
    }
    return first;
  }

  /** Places a row that is not in the heap from its top on. */
  private void sink(FeatureRow row, long time) {
    int at = 0;
    while (true) {
      int child = CHILDREN * at + 1;
      if (child >= size) {
        break;
      }
      int least = child;
      int end = Math.min(child + CHILDREN, size);
      for (int other = child + 1; other < end; other++) {
        if (times[other] < times[least]
            || (times[other] == times[least] && before(row(other), row(least)))) {
          least = other;
        }
      }
      if (time < times[least] || (time == times[least] && before(row, row(least)))) {
        break;
      }
      move(least, at);
      at = least;
    }
    times[at] = time;
    rows[at] = row;
  }

  private static boolean before(FeatureRow row, FeatureRow other) {
    return FeatureRow.compareAtOneTime(row, other) < 0;
  }

  private void move(int from, int to) {
    times[to] = times[from];
    rows[to] = rows[from];
  }

  private FeatureRow row(int at) {
    FeatureRow row = rows[at];
    if (row == null) {
      throw new NoSuchElementException("there is no row " + at);
    }
    return row;
  }

  private void requireRow() {
    if (size == 0) {
      throw new NoSuchElementException("no row waits");
    }
  }

  /** All rows in no order. */
  @Override
  public Iterator<FeatureRow> iterator() {
    return new Iterator<>() {
      private int next;

      @Override
      public boolean hasNext() {
        return next < size;
      }

      @Override
      public FeatureRow next() {
        return row(next++);
      }
    };
  }
}
