package io.pelton.job;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Writes rows that come sorted by time into one file of the staging directory, those of one time by
 * the table's order. Each attempt writes a file of its own; the one that reaches the end of the
 * input gives it its name and says beside it what it holds.
 */
final class OrderedFileOperator<T> extends AbstractStreamOperator<Void>
    implements OneInputStreamOperator<T, Void>, BoundedOneInput {
  private static final long serialVersionUID = 1;

  private final OrderedRows<T> table;
  private final BatchOutput.Format format;
  private final String staging;
  private final String file;
  private transient @Nullable Writing<T> writing;

  OrderedFileOperator(
      OrderedRows<T> table, BatchOutput.Format format, String staging, String file) {
    this.table = table;
    this.format = format;
    this.staging = staging;
    this.file = file;
  }

  /** Where the operator says what a file holds. */
  static Path stats(Path staging, String file) {
    return new Path(staging, file + ".stats");
  }

  /** An open file and the rows of the current time. */
  private static final class Writing<T> {
    final Path attempt;
    final MessageDigest digest;
    final OutputStream out;
    final OrderedRows.Appender<T> rows;
    final List<T> ties = new ArrayList<>();
    long order = Long.MIN_VALUE;
    long written;
    @Nullable Long first;
    @Nullable Long last;

    Writing(Path attempt, MessageDigest digest, OutputStream out, OrderedRows.Appender<T> rows) {
      this.attempt = attempt;
      this.digest = digest;
      this.out = out;
      this.rows = rows;
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    Path directory = new Path(staging);
    FileSystem fs = directory.getFileSystem();
    fs.mkdirs(directory);
    int number = getRuntimeContext().getTaskInfo().getAttemptNumber();
    Path attempt = new Path(directory, file + ".attempt-" + number);
    MessageDigest digest = sha256();
    OutputStream out =
        new BufferedOutputStream(
            new DigestOutputStream(fs.create(attempt, FileSystem.WriteMode.OVERWRITE), digest),
            1 << 16);
    String name = file.substring(0, file.lastIndexOf('.'));
    writing = new Writing<>(attempt, digest, out, table.open(format, name, out));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  @Override
  public void processElement(StreamRecord<T> element) throws Exception {
    Writing<T> writing = writing();
    T row = element.getValue();
    long order = element.getTimestamp();
    if (order != writing.order) {
      if (order < writing.order) {
        throw new IllegalStateException(
            file
                + ": a row of "
                + order
                + " came after one of "
                + writing.order
                + "; ordered files need a job in BATCH mode: set execution.runtime-mode");
      }
      writeTies(writing);
      writing.order = order;
    }
    writing.ties.add(row);
  }

  private void writeTies(Writing<T> writing) throws IOException {
    writing.ties.sort(table.ties());
    for (T row : writing.ties) {
      writing.rows.append(row);
      Long time = table.time(row);
      if (writing.first == null) {
        writing.first = time;
      }
      writing.last = time;
      writing.written++;
    }
    writing.ties.clear();
  }

  @Override
  public void endInput() throws Exception {
    Writing<T> writing = writing();
    writeTies(writing);
    writing.rows.finish();
    writing.out.close();
    this.writing = null;

    Path directory = new Path(staging);
    FileSystem fs = directory.getFileSystem();
    Path named = new Path(directory, file);
    fs.delete(named, false);
    if (!fs.rename(writing.attempt, named)) {
      throw new IOException(writing.attempt + ": cannot be renamed to " + named);
    }
    BatchOutput.Written written =
        new BatchOutput.Written(
            file,
            table.names(),
            writing.written,
            writing.first,
            writing.last,
            HexFormat.of().formatHex(writing.digest.digest()));
    try (OutputStream out = fs.create(stats(directory, file), FileSystem.WriteMode.OVERWRITE)) {
      out.write(BatchOutput.JSON.writeValueAsBytes(written));
    }
  }

  @Override
  public void close() throws Exception {
    Writing<T> open = writing;
    if (open != null) {
      open.out.close();
    }
    super.close();
  }

  private Writing<T> writing() {
    if (writing == null) {
      throw new IllegalStateException(file + " is not open");
    }
    return writing;
  }
}
