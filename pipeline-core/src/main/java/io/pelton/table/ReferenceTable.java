package io.pelton.table;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a reference table by key and time, in sorted arrays. A row holds from its time on,
 * until the next of its key does. Immutable: subtasks of one process share it.
 */
public final class ReferenceTable {
  /** No row. */
  public static final int NONE = -1;

  private final Map<String, Integer> positions;
  private final int[] starts;
  private final long[] times;
  private final @Nullable Object[][] columns;

  /**
   * @param positions of a key among all keys
   * @param starts of each key its first row, and last the number of rows
   * @param times of rows, ascending within a key
   * @param columns of rows, by the schema's fields
   */
  ReferenceTable(
      Map<String, Integer> positions, int[] starts, long[] times, @Nullable Object[][] columns) {
    this.positions = positions;
    this.starts = starts;
    this.times = times;
    this.columns = columns;
  }

  /**
   * The row of a key that holds at a time: the newest whose own time is that or earlier.
   *
   * @return the row, {@link #NONE} when the key has none yet
   */
  public int find(String key, long time) {
    Integer position = positions.get(key);
    if (position == null) {
      return NONE;
    }
    int first = starts[position];
    int low = first;
    int high = starts[position + 1];
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (times[middle] <= time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low == first ? NONE : low - 1;
  }

  /** The time from which a row holds, epoch milliseconds. */
  public long time(int row) {
    return times[row];
  }

  /** A row's value of a field of the table's schema. */
  public @Nullable Object value(int row, int field) {
    return columns[field][row];
  }

  public int rows() {
    return times.length;
  }

  public int keys() {
    return positions.size();
  }
}
