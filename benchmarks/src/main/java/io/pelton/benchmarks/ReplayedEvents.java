package io.pelton.benchmarks;

import io.pelton.event.EventFile;
import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.avro.Schema;

/**
 * Events in memory, as columns, ordered by time. They are replayed without end: each lap comes
 * after the one before, as many days later as the events span. An event's id is its number.
 */
final class ReplayedEvents {
  private static final long DAY = 86_400_000;
  private static final int BUFFER = 1 << 20;
  private static final int HIGHEST_CENTS = 50_000;
  private static final List<String> COLUMNS = List.of("event_time", "customer_id", "amount");

  private final long[] times;
  private final int[] keys;
  private final int[] cents;
  private final long span;

  private ReplayedEvents(long[] times, int[] keys, int[] cents) {
    this.times = times;
    this.keys = keys;
    this.cents = cents;
    // Whole days, so that a lap begins at midnight as the first did.
    span = Math.floorDiv(times[times.length - 1] - times[0], DAY) * DAY + DAY;
  }

  /**
   * Time, customer and amount of card transactions.
   *
   * @param files in the order of time
   * @throws IOException when one cannot be read, lacks a value or is not in the order of time
   */
  static ReplayedEvents read(List<Path> files, Schema transaction) throws IOException {
    EventSchema schema = new EventSchema(transaction);
    int time = schema.indexOf("event_time");
    int customer = schema.indexOf("customer_id");
    int amount = schema.indexOf("amount");
    long[] times = new long[1 << 20];
    int[] keys = new int[times.length];
    int[] cents = new int[times.length];
    int size = 0;
    for (Path path : files) {
      try (EventFile file =
          EventFile.open(path.toString(), Files.newInputStream(path), schema, COLUMNS)) {
        while (file.next()) {
          if (size == times.length) {
            times = Arrays.copyOf(times, size * 2);
            keys = Arrays.copyOf(keys, size * 2);
            cents = Arrays.copyOf(cents, size * 2);
          }
          Object[] fields = file.fields();
          if (!(fields[time] instanceof Long at)
              || !(fields[customer] instanceof Long key)
              || !(fields[amount] instanceof Double value)) {
            throw new IOException(
                path + ": a record has no event_time, customer_id or amount: " + size);
          }
          if (size > 0 && at < times[size - 1]) {
            throw new IOException(
                path + " is not in the order of time, or begins before the file before it ends");
          }
          times[size] = at;
          keys[size] = Math.toIntExact(key);
          cents[size++] = (int) Math.round(value * 100);
        }
      } catch (EventFormatException e) {
        throw new IOException(path + ": " + e.getMessage(), e);
      }
    }
    if (size == 0) {
      throw new IOException("no events in " + files);
    }
    return new ReplayedEvents(
        Arrays.copyOf(times, size), Arrays.copyOf(keys, size), Arrays.copyOf(cents, size));
  }

  /** A day of events of one key, evenly spread. */
  static ReplayedEvents hotKey(int eventsADay) {
    long[] times = new long[eventsADay];
    int[] cents = new int[eventsADay];
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < eventsADay; i++) {
      times[i] = 17_622 * DAY + DAY * i / eventsADay;
      cents[i] = random.nextInt(1, HIGHEST_CENTS);
    }
    return new ReplayedEvents(times, new int[eventsADay], cents);
  }

  /** The same with so many neighbouring keys taken as one. */
  ReplayedEvents folded(int keysInOne) {
    return new ReplayedEvents(
        times, Arrays.stream(keys).map(key -> key / keysInOne).toArray(), cents);
  }

  int size() {
    return times.length;
  }

  long distinctKeys() {
    return Arrays.stream(keys).distinct().count();
  }

  double eventsAKeyAndDay() {
    return (double) size() / distinctKeys() / (span / DAY);
  }

  long time(long number) {
    return times[(int) (number % times.length)] + number / times.length * span;
  }

  int key(long number) {
    return keys[(int) (number % times.length)];
  }

  int cents(long number) {
    return cents[(int) (number % times.length)];
  }

  double amount(long number) {
    return cents(number) / 100.0;
  }

  /** Numbers of each key's events in one lap. */
  int[][] numbersByKey() {
    int[] counts = new int[Arrays.stream(keys).max().orElse(0) + 1];
    for (int key : keys) {
      counts[key]++;
    }
    int[][] numbers = new int[counts.length][];
    for (int i = keys.length - 1; i >= 0; i--) {
      int key = keys[i];
      if (numbers[key] == null) {
        numbers[key] = new int[counts[key]];
      }
      numbers[key][--counts[key]] = i;
    }
    return numbers;
  }

  void save(Path file) throws IOException {
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file), BUFFER))) {
      out.writeInt(times.length);
      for (int i = 0; i < times.length; i++) {
        out.writeLong(times[i]);
        out.writeInt(keys[i]);
        out.writeInt(cents[i]);
      }
    }
  }

  static ReplayedEvents load(Path file) throws IOException {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file), BUFFER))) {
      int size = in.readInt();
      long[] times = new long[size];
      int[] keys = new int[size];
      int[] cents = new int[size];
      for (int i = 0; i < size; i++) {
        times[i] = in.readLong();
        keys[i] = in.readInt();
        cents[i] = in.readInt();
      }
      return new ReplayedEvents(times, keys, cents);
    }
  }
}
