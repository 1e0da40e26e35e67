package io.pelton.benchmarks;

import io.pelton.model.ScoredRow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/** The end of every job: counts rows and, when asked, keeps when each was due and came. */
final class ScoredRows implements Sink<ScoredRow> {
  private static final long serialVersionUID = 1;
  private static final AtomicLong COUNT = new AtomicLong();
  private static volatile long[] due = {};
  private static volatile long[] came = {};

  static long count() {
    return COUNT.get();
  }

  static void keepTimes(int rows) {
    due = new long[rows];
    came = new long[rows];
  }

  /** Of the rows that were due from then on, nanoseconds; once all have come. */
  static long[] latencies(long from) {
    long[] dueTimes = due;
    long[] times = came;
    return IntStream.range(0, times.length)
        .filter(i -> times[i] != 0 && dueTimes[i] >= from)
        .mapToLong(i -> times[i] - dueTimes[i])
        .toArray();
  }

  @Override
  public SinkWriter<ScoredRow> createWriter(WriterInitContext context) {
    return new Writer();
  }

  private static final class Writer implements SinkWriter<ScoredRow> {
    private int count;

    @Override
    public void write(ScoredRow row, Context context) {
      long[] times = came;
      if (count < times.length) {
        times[count] = System.nanoTime();
        due[count] = row.time;
      }
      count++;
      COUNT.lazySet(count);
    }

    @Override
    public void flush(boolean endOfInput) {}

    @Override
    public void close() {}
  }
}
