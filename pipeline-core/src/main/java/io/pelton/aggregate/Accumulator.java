package io.pelton.aggregate;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The running state of one aggregate over one window of one key: values come when they enter the
 * window and are taken away when they leave it, or, where an entity keeps tiles, what tiles hold is
 * merged. Its result may depend only on the values it holds and their times, never on the order in
 * which they came or were merged or on what has left again, and must not drift: then a stream, a
 * batch and a restored job give the same. Not thread-safe.
 */
public interface Accumulator {
  /**
   * A value enters the window; it is not missing.
   *
   * @param number the value of a number or truth (0 or 1), else NaN
   * @param text the value of a text, else null
   * @param time the event's, epoch milliseconds
   */
  void add(double number, @Nullable String text, long time);

  /**
   * A value that was added leaves the window.
   *
   * @throws UnsupportedOperationException when {@link AggregateExtension#removes} says so
   */
  default void remove(double number, @Nullable String text, long time) {
    throw new UnsupportedOperationException(getClass().getName() + " cannot take values away");
  }

  /**
   * Takes in all values that another one holds, which stays as it is.
   *
   * @param other one of the same aggregate
   * @throws UnsupportedOperationException when {@link AggregateExtension#merges} says so
   */
  default void merge(Accumulator other) {
    throw new UnsupportedOperationException(getClass().getName() + " cannot be merged");
  }

  /**
   * The aggregate as of an event at {@code now}, NaN when it has no value; not asked of aggregates
   * that give a map.
   */
  default double number(long now) {
    return Double.NaN;
  }

  /** The aggregate as of an event at {@code now}, when it is a map; in the order to be shown. */
  default Map<String, Double> map(long now) {
    return Map.of();
  }

  /** A copy that shares nothing that changes. */
  Accumulator copy();

  void write(DataOutput out) throws IOException;

  /** Takes what {@link #write} wrote into this one, which is new. */
  void read(DataInput in) throws IOException;
}
