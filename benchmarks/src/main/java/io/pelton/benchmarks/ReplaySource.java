package io.pelton.benchmarks;

import java.io.Serializable;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource.NumberSequenceSplit;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * Gives the events that lie in this process's memory, up to a limit that may be moved while the job
 * runs: a job that waits at it can be snapshot with nothing in flight. For one subtask in the
 * process that measures.
 */
final class ReplaySource<T>
    implements Source<T, NumberSequenceSplit, Collection<NumberSequenceSplit>> {
  private static final long serialVersionUID = 1;
  private static final int MOST_AT_ONCE = 64;
  private static volatile CompletableFuture<Void> moved = new CompletableFuture<>();
  private static volatile long limit;
  private static volatile long given;
  private static volatile ReplayedEvents events = ReplayedEvents.hotKey(1);

  /** Makes a job's own record of an event. */
  interface Form<T> extends Serializable {
    T of(ReplayedEvents events, long number);
  }

  private final Form<T> form;
  // The enumerator of a whole number range; events are numbers here.
  private final NumberSequenceSource numbers = new NumberSequenceSource(0, Long.MAX_VALUE - 1);

  ReplaySource(Form<T> form) {
    this.form = form;
  }

  static void replay(ReplayedEvents replayed) {
    events = replayed;
  }

  /** Lets events with numbers below {@code number} go out. */
  static synchronized void limit(long number) {
    limit = number;
    CompletableFuture<Void> before = moved;
    moved = new CompletableFuture<>();
    before.complete(null);
  }

  /** Number of events given; exact once the source waits. */
  static long given() {
    return given;
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.CONTINUOUS_UNBOUNDED;
  }

  @Override
  public SourceReader<T, NumberSequenceSplit> createReader(SourceReaderContext context) {
    return new Reader<>(context, form, events);
  }

  @Override
  public SplitEnumerator<NumberSequenceSplit, Collection<NumberSequenceSplit>> createEnumerator(
      SplitEnumeratorContext<NumberSequenceSplit> context) {
    return numbers.createEnumerator(context);
  }

  @Override
  public SplitEnumerator<NumberSequenceSplit, Collection<NumberSequenceSplit>> restoreEnumerator(
      SplitEnumeratorContext<NumberSequenceSplit> context,
      Collection<NumberSequenceSplit> checkpoint) {
    return numbers.restoreEnumerator(context, checkpoint);
  }

  @Override
  public SimpleVersionedSerializer<NumberSequenceSplit> getSplitSerializer() {
    return numbers.getSplitSerializer();
  }

  @Override
  public SimpleVersionedSerializer<Collection<NumberSequenceSplit>>
      getEnumeratorCheckpointSerializer() {
    return numbers.getEnumeratorCheckpointSerializer();
  }

  private static final class Reader<T> implements SourceReader<T, NumberSequenceSplit> {
    private final SourceReaderContext context;
    private final Form<T> form;
    private final ReplayedEvents events;
    private long next = Long.MAX_VALUE;

    Reader(SourceReaderContext context, Form<T> form, ReplayedEvents events) {
      this.context = context;
      this.form = form;
      this.events = events;
    }

    @Override
    public void start() {
      context.sendSplitRequest();
    }

    @Override
    public InputStatus pollNext(ReaderOutput<T> output) {
      long end = Math.min(limit, next + MOST_AT_ONCE);
      if (next >= end) {
        return InputStatus.NOTHING_AVAILABLE;
      }
      for (; next < end; next++) {
        output.collect(form.of(events, next), events.time(next));
      }
      given = next;
      return InputStatus.MORE_AVAILABLE;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      // Taken before the limit is looked at, so that no move is missed.
      CompletableFuture<Void> move = moved;
      return next < limit ? CompletableFuture.allOf() : move;
    }

    @Override
    public void addSplits(List<NumberSequenceSplit> splits) {
      next = splits.get(0).from();
      limit(limit);
    }

    @Override
    public List<NumberSequenceSplit> snapshotState(long checkpoint) {
      return next == Long.MAX_VALUE
          ? List.of()
          : List.of(new NumberSequenceSplit("replay", next, Long.MAX_VALUE - 1));
    }

    @Override
    public void notifyNoMoreSplits() {}

    @Override
    public void close() {}
  }
}
