package io.pelton.benchmarks;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/**
 * The end of every job: counts rows and writes down each n-th event's values for {@link
 * WindowCheck}; what comes in is otherwise thrown away. For one subtask in the process that
 * measures.
 */
final class TakenRows<T> implements Sink<T> {
  private static final long serialVersionUID = 1;
  private static final AtomicLong TAKEN = new AtomicLong();

  /** Reads a job's rows. */
  interface View<T> extends Serializable {
    long number(T row);

    /** The windows' values; none when there is nothing to check. */
    double[] values(T row);
  }

  private final View<T> view;
  private final String sample;
  private final int sampleEvery;

  /**
   * @param sample file for the sample
   */
  TakenRows(View<T> view, Path sample, int sampleEvery) {
    this.view = view;
    this.sample = sample.toString();
    this.sampleEvery = sampleEvery;
  }

  static long count() {
    return TAKEN.get();
  }

  @Override
  public SinkWriter<T> createWriter(WriterInitContext context) throws IOException {
    return new Writer<>(
        view,
        sampleEvery,
        new DataOutputStream(
            new BufferedOutputStream(Files.newOutputStream(Path.of(sample)), 1 << 16)));
  }

  private static final class Writer<T> implements SinkWriter<T> {
    private final View<T> view;
    private final int sampleEvery;
    private final DataOutputStream sample;
    private long taken;

    Writer(View<T> view, int sampleEvery, DataOutputStream sample) {
      this.view = view;
      this.sampleEvery = sampleEvery;
      this.sample = sample;
    }

    @Override
    public void write(T row, Context context) throws IOException {
      long number = view.number(row);
      if (number % sampleEvery == 0) {
        double[] values = view.values(row);
        sample.writeLong(number);
        sample.writeInt(values.length);
        for (double value : values) {
          sample.writeDouble(value);
        }
      }
      TAKEN.lazySet(++taken);
    }

    /** Called before a snapshot. */
    @Override
    public void flush(boolean endOfInput) throws IOException {
      sample.flush();
    }

    @Override
    public void close() throws IOException {
      sample.close();
    }
  }
}
