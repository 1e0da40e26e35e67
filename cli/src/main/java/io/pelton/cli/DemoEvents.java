package io.pelton.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import io.pelton.cli.simulator.Transaction;
import io.pelton.event.EventFile;
import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * The demo's events in order of time, simulated or from files: first the history, then the live
 * ones. Not thread-safe.
 */
final class DemoEvents {
  private static final long DAY = 86_400_000;

  private final EventSchema schema;
  private final Iterator<@Nullable Object[]> events;
  private final int time;
  private @Nullable Object @Nullable [] next;

  private DemoEvents(EventSchema schema, String time, Iterator<@Nullable Object[]> events) {
    this.schema = schema;
    this.time = schema.indexOf(time);
    this.events = events;
    advance();
  }

  /** Simulated transactions as events of the demo's schema. */
  static DemoEvents simulated(EventSchema schema, String time, Iterator<Transaction> transactions) {
    return new DemoEvents(
        schema,
        time,
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return transactions.hasNext();
          }

          @Override
          public @Nullable Object[] next() {
            Transaction payment = transactions.next();
            return new Object[] {
              payment.transactionId(),
              payment.eventTimeMillis(),
              payment.customerId(),
              payment.terminalId(),
              payment.amount(),
              payment.fraud() ? 1L : 0L
            };
          }
        });
  }

  /** The events of files, one file after the other. */
  static DemoEvents files(
      EventSchema schema,
      String time,
      Set<String> required,
      List<org.apache.flink.core.fs.Path> files) {
    return new DemoEvents(schema, time, new FileEvents(schema, required, files));
  }

  private static final class FileEvents implements Iterator<@Nullable Object[]> {
    private final EventSchema schema;
    private final Set<String> required;
    private final Iterator<org.apache.flink.core.fs.Path> files;
    private @Nullable EventFile file;
    private boolean ready;

    FileEvents(
        EventSchema schema, Set<String> required, List<org.apache.flink.core.fs.Path> files) {
      this.schema = schema;
      this.required = required;
      this.files = files.iterator();
    }

    @Override
    public boolean hasNext() {
      try {
        while (!ready) {
          if (file != null && file.next()) {
            ready = true;
            break;
          }
          if (file != null) {
            file.close();
            file = null;
          }
          if (!files.hasNext()) {
            return false;
          }
          org.apache.flink.core.fs.Path path = files.next();
          file = EventFile.open(path.toString(), path.getFileSystem().open(path), schema, required);
        }
        return true;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public @Nullable Object[] next() {
      if (!hasNext() || file == null) {
        throw new NoSuchElementException();
      }
      ready = false;
      return file.fields();
    }
  }

  private void advance() {
    next = events.hasNext() ? events.next() : null;
  }

  /** Event time of the next event. */
  long nextTime() {
    if (next == null) {
      throw new NoSuchElementException("there are no more events");
    }
    return time(next);
  }

  private long time(@Nullable Object[] event) {
    if (event[time] instanceof Long millis) {
      return millis;
    }
    throw new IllegalStateException("an event has no time: " + java.util.Arrays.toString(event));
  }

  boolean hasNext() {
    return next != null;
  }

  @Nullable Object[] next() {
    @Nullable Object[] event = next;
    if (event == null) {
      throw new NoSuchElementException("there are no more events");
    }
    advance();
    return event;
  }

  /** Midnight before the next event. */
  Instant nextDay() {
    return Instant.ofEpochMilli(Math.floorDiv(nextTime(), DAY) * DAY);
  }

  /**
   * Writes the events before {@code until} to a CSV file with gzip.
   *
   * @param reached is told the event time reached, now and then
   * @return how many
   */
  long writeUntil(Instant until, Path file, LongConsumer reached) throws IOException {
    long count = 0;
    try (CsvWriter csv =
        CsvWriter.builder()
            .build(
                new OutputStreamWriter(
                    new BufferedOutputStream(
                        new GZIPOutputStream(Files.newOutputStream(file)), 1 << 16),
                    StandardCharsets.UTF_8))) {
      csv.writeRecord(schema.fields().stream().map(EventSchema.Field::name).toList());
      while (next != null && nextTime() < until.toEpochMilli()) {
        @Nullable Object[] event = next();
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < event.length; i++) {
          Object value = event[i];
          texts.add(
              value == null
                  ? ""
                  : value instanceof Long millis
                          && schema.fields().get(i).type() == FieldType.TIMESTAMP
                      ? Instant.ofEpochMilli(millis).toString()
                      : value.toString());
        }
        csv.writeRecord(texts);
        count++;
        if (count % 1_000 == 0) {
          reached.accept(time(event));
        }
      }
    }
    return count;
  }
}
