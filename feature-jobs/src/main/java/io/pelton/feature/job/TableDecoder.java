package io.pelton.feature.job;

import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.job.RecordReader;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Table;
import io.pelton.table.TableRow;
import io.pelton.wire.SchemaStore;
import io.pelton.wire.UndecodableException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Turns records of a reference table's topic into rows: id is the key, time the time from which the
 * row holds, carried its values in the order of the table's fields, none where nothing is known of
 * the key any more. Made where it runs; not thread-safe.
 */
final class TableDecoder {
  /** Positions among a row's values, after {@link io.pelton.feature.OutcomePlan#VERSION}. */
  static final int PARTITION = 1;

  static final int OFFSET = 2;

  private static final int VALUES = 3;

  private final Table table;
  private final TableRow rows;
  private final RecordReader reader;

  /**
   * @param writers where schemas of Avro records are found, beside the table's own
   */
  TableDecoder(PipelineDefinition pipeline, Table table, SchemaStore writers) {
    this.table = table;
    rows = new TableRow(table);
    reader =
        new RecordReader(new EventSchema(table.written()), pipeline.events().format(), writers);
  }

  Incoming decode(
      String source,
      int partition,
      long offset,
      long timestamp,
      byte @Nullable [] key,
      byte @Nullable [] value) {
    FeatureRow row = null;
    Incoming.Rejection rejection = null;
    try {
      row = value == null ? deletion(key, timestamp) : row(reader.read(value), timestamp);
      row.values[PARTITION] = partition;
      row.values[OFFSET] = offset;
    } catch (EventFormatException e) {
      rejection = rejection(UndecodableException.UNDECODABLE, e.getMessage());
    } catch (UndecodableException e) {
      rejection = rejection(e.reason(), e.getMessage());
    } catch (InvalidRowException e) {
      rejection =
          new Incoming.Rejection("table", "invalid-row", detail(e.getMessage()), null, null, false);
    }
    return new Incoming(source, partition, offset, timestamp, key, value, row, rejection);
  }

  private Incoming.Rejection rejection(String reason, @Nullable String detail) {
    return new Incoming.Rejection("decode", reason, detail(detail), null, null, false);
  }

  private String detail(@Nullable String problem) {
    return "table " + table.name() + ": " + problem;
  }

  /** A record that can be read, but is no row of the table. */
  private static final class InvalidRowException extends Exception {
    private static final long serialVersionUID = 1L;

    InvalidRowException(@Nullable String message) {
      super(message);
    }
  }

  private FeatureRow row(@Nullable Object[] read, long timestamp) throws InvalidRowException {
    @Nullable Object[] fields = read;
    if (table.ofRecordTime()) {
      // The last field of the table, which records do not hold.
      fields = Arrays.copyOf(read, read.length + 1);
      fields[read.length] = timestamp;
    }
    try {
      rows.check(fields);
      String key = rows.key(fields);
      long time = rows.time(fields);
      for (int i = 0; i < fields.length; i++) {
        if (fields[i] != null && !isScalar(fields[i])) {
          fields[i] = null; // no expression reads such a field of a table of a topic
        }
      }
      return new FeatureRow(key, time, new String[0], new double[VALUES], fields);
    } catch (EventFormatException e) {
      throw new InvalidRowException(e.getMessage());
    }
  }

  private static boolean isScalar(Object value) {
    return value instanceof String
        || value instanceof Long
        || value instanceof Double
        || value instanceof Boolean;
  }

  /** Of a record without a value: from its time on nothing is known of its key. */
  private FeatureRow deletion(byte @Nullable [] key, long timestamp) throws InvalidRowException {
    try {
      return new FeatureRow(
          rows.recordKey(key), timestamp, new String[0], new double[VALUES], new Object[0]);
    } catch (EventFormatException e) {
      throw new InvalidRowException(e.getMessage());
    }
  }
}
