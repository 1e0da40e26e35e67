package io.pelton.job;

import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows that are written to a file in an order, by {@link OrderedFileOperator}. */
interface OrderedRows<T> extends Serializable {
  /** Adds rows to an open file. */
  interface Appender<T> {
    void append(T row) throws IOException;

    /** Completes the file; the stream stays open. */
    void finish() throws IOException;
  }

  /** What a row consists of, for the account of the file. */
  List<String> names();

  /** Rows are written by this first. */
  long order(T row);

  /** Then by this. */
  Comparator<T> ties();

  /** Event time in epoch milliseconds, null where time does not choose rows. */
  @Nullable Long time(T row);

  /**
   * Begins a file.
   *
   * @param name of the file without its ending
   */
  Appender<T> open(BatchOutput.Format format, String name, OutputStream out) throws IOException;
}
