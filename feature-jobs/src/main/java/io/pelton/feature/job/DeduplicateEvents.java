package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.feature.RowNames;
import io.pelton.feature.job.EntityFeaturesOperator.Order;
import io.pelton.job.FlinkMeters;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingSerializer;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.pipeline.Late;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple4;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.util.OutputTag;

/**
 * Lets the first of events with one id pass, keyed by it; others whose time is within a bound of
 * that one's become dead letters. Events are taken in the order in which {@link
 * EntityFeaturesOperator} takes rows, so that where those wait for the watermark the first by time
 * passes, whatever came first. Rows of history are taken as they come.
 *
 * <p>A late event that is to enter histories counts as one taken; repeated, it is left out: it is
 * accounted for as late already.
 */
final class DeduplicateEvents extends AbstractStreamOperator<FeatureRow>
    implements OneInputStreamOperator<Incoming, FeatureRow>,
        BoundedOneInput,
        Triggerable<String, VoidNamespace> {
  static final OutputTag<DeadLetter> DEAD =
      new OutputTag<>("duplicates", new SpecificRecordTypeInfo<>(DeadLetter.class));

  private static final long serialVersionUID = 1;
  private static final byte FORMAT = 1;
  private static final int DUPLICATES = 0;
  private static final int LATE_DUPLICATES = 1;
  private static final int LATE = 2;

  /** Time, source, partition and offset of events taken, of one id. */
  private static final ListStateDescriptor<Tuple4<Long, String, Integer, Long>> TAKEN =
      new ListStateDescriptor<>(
          "taken", Types.TUPLE(Types.LONG, Types.STRING, Types.INT, Types.LONG));

  private final Order order;
  private final LateRows lateRows;
  private final long within;
  private final long reach;
  private final long retain;
  private final long keep;
  private final RowNames names;

  // Set up when the operator opens.
  private transient Ledger ledger;
  private transient ListState<Tuple4<Long, String, Integer, Long>> state;
  private transient InternalTimerService<VoidNamespace> timers;
  private transient StreamRecord<FeatureRow> outgoing;
  private transient AwaitedHistory past;

  // Events that wait for the watermark, or were restored as waiting for one; for a sorted run,
  // those of the current id and time.
  private transient PriorityQueue<Incoming> waiting;
  private transient WaitingState<Incoming> waitingState;
  private transient List<Tuple4<Long, String, Integer, Long>> sortedTaken;
  private transient String sortedId;
  private transient long watermark;

  /**
   * @param names what the places in a row mean
   */
  @SuppressWarnings("NullAway.Init")
  DeduplicateEvents(PipelineDefinition pipeline, Order order, RowNames names) {
    Long bound = pipeline.events().duplicatesWithin();
    if (bound == null) {
      throw new IllegalArgumentException("the pipeline file declares no deduplication");
    }
    within = bound;
    this.order = order;
    this.names = names;
    lateRows = LateRows.of(pipeline, order.onArrival());
    reach = pipeline.reach();
    retain = order.onArrival() ? pipeline.allowedLateness() : 0;
    // An event that comes again late must not enter histories that still hold it.
    keep = within + retain + (pipeline.events().late() == Late.INCLUDE ? reach : 0);
  }

  /** The row of an event that was admitted. */
  static FeatureRow row(Incoming event) {
    if (event.row == null) {
      throw new IllegalStateException("a record without a row was admitted: " + event.source);
    }
    return event.row;
  }

  /** The buffer of waiting events is written by key group. */
  @Override
  protected boolean isUsingCustomRawKeyedState() {
    return true;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    ledger =
        new Ledger(
            JobMetric.FEATURE_DUPLICATES,
            JobMetric.FEATURE_LATE_DUPLICATES,
            JobMetric.FEATURE_LATE_ROWS);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    waiting = new PriorityQueue<>(EventOrder.INSTANCE);
    outgoing = new StreamRecord<>(null);
    watermark = Long.MIN_VALUE;
    sortedTaken = new ArrayList<>();
    sortedId = "";
    if (order != Order.SORTED) {
      state = context.getKeyedStateStore().getListState(TAKEN);
      past =
          new AwaitedHistory(
              "deduplicate events",
              order == Order.ARRIVAL_AFTER_HISTORY,
              context.getOperatorStateStore());
      waitingState =
          new WaitingState<>(
              "events waiting to be deduplicated",
              FORMAT,
              IncomingSerializer.INSTANCE,
              names,
              event -> row(event).id);
      waitingState.read(
          context,
          (events, written) ->
              events.forEach(event -> waiting.add(event.with(names.adopt(row(event), written)))));
    }
  }

  @Override
  public void open() throws Exception {
    super.open();
    if (order != Order.SORTED) {
      timers = getInternalTimerService("forget", VoidNamespaceSerializer.INSTANCE, this);
    }
    new FlinkMeters(getMetricGroup()).gauge(JobMetric.FEATURE_WAITING, waiting::size);
    if (restoredWaits()) {
      // At once, though no event and no watermark may come for long.
      ProcessingTimeService clock = getProcessingTimeService();
      clock.registerTimer(
          clock.getCurrentProcessingTime(),
          at -> {
            if (restoredWaits()) {
              takeWaiting(Long.MAX_VALUE);
            }
          });
    }
  }

  /** Whether events that waited before a restore wait for nothing any more. */
  private boolean restoredWaits() {
    return order.onArrival() && !past.awaited() && !waiting.isEmpty();
  }

  @Override
  public void processElement(StreamRecord<Incoming> element) throws Exception {
    Incoming event = element.getValue();
    FeatureRow row = row(event);
    if (restoredWaits()) {
      // They came before this one.
      takeWaiting(Long.MAX_VALUE);
      setCurrentKey(row.id);
    }
    if (order != Order.SORTED && lateRows.end(row, event, watermark, ledger, LATE, output)) {
      return;
    }
    if (order == Order.SORTED) {
      if (!row.id.equals(sortedId)) {
        takeSorted();
        sortedId = row.id;
        sortedTaken.clear();
      } else if (!waiting.isEmpty() && row(waiting.element()).time != row.time) {
        takeSorted();
      }
      waiting.add(event);
    } else if (row.history && !row.late) {
      take(event);
    } else if (order.onArrival() ? past.awaited() : !row.late || row.time > watermark) {
      waiting.add(event);
    } else if (!row.late || watermark == Long.MIN_VALUE || row.time > watermark - reach - retain) {
      take(event);
    }
    // Else it is late, accounted for as such, and no window of a row to come reaches back to it.
  }

  /** Takes an event under the id that is current. */
  private void take(Incoming event) throws Exception {
    FeatureRow row = row(event);
    List<Tuple4<Long, String, Integer, Long>> taken = new ArrayList<>();
    state.get().forEach(taken::add);
    if (pass(event, taken)) {
      state.update(taken);
      timers.registerEventTimeTimer(VoidNamespace.INSTANCE, row.time + keep);
    }
  }

  private void takeSorted() {
    while (!waiting.isEmpty()) {
      Incoming event = waiting.remove();
      sortedTaken.removeIf(first -> first.f0 < row(event).time - within);
      pass(event, sortedTaken);
    }
  }

  /** Whether an event passes, and is now among those taken. */
  private boolean pass(Incoming event, List<Tuple4<Long, String, Integer, Long>> taken) {
    FeatureRow row = row(event);
    for (Tuple4<Long, String, Integer, Long> first : taken) {
      if (Math.abs(row.time - first.f0) <= within) {
        if (row.late) {
          ledger.increment(LATE_DUPLICATES);
        } else {
          ledger.increment(DUPLICATES);
          output.collect(DEAD, new StreamRecord<>(deadLetter(event, row, first), row.time));
        }
        return false;
      }
    }
    taken.add(Tuple4.of(row.time, event.source, event.partition, event.offset));
    output.collect(outgoing.replace(row, row.time));
    return true;
  }

  private DeadLetter deadLetter(
      Incoming event, FeatureRow row, Tuple4<Long, String, Integer, Long> first) {
    String detail =
        "event %s of %s repeats that of %s, taken from %s%s; within %d ms of each other events of one id are duplicates"
            .formatted(
                row.id,
                Instant.ofEpochMilli(row.time),
                Instant.ofEpochMilli(first.f0),
                first.f1,
                first.f2 < 0
                    ? " record " + first.f3
                    : " partition " + first.f2 + " offset " + first.f3,
                within);
    return AdmitEvents.deadLetter(
        event, new Incoming.Rejection("deduplicate", "duplicate", detail, null, row.id, false));
  }

  @Override
  public void endInput() {
    if (order == Order.SORTED) {
      takeSorted();
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    watermark = mark.getTimestamp();
    if (order == Order.SORTED) {
      takeSorted();
    } else if (order.onArrival()) {
      past.read(waiting.size());
      takeWaiting(Long.MAX_VALUE);
    } else {
      takeWaiting(watermark);
    }
    super.processWatermark(mark);
  }

  /** Takes the events that wait, by time, up to one. */
  private void takeWaiting(long upTo) throws Exception {
    while (!waiting.isEmpty() && row(waiting.element()).time <= upTo) {
      Incoming event = waiting.remove();
      setCurrentKey(row(event).id);
      take(event);
    }
  }

  /** Forgets events that none to come may repeat. */
  @Override
  public void onEventTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
    List<Tuple4<Long, String, Integer, Long>> taken = new ArrayList<>();
    for (Tuple4<Long, String, Integer, Long> first : state.get()) {
      if (first.f0 + keep > timer.getTimestamp()) {
        taken.add(first);
      }
    }
    if (taken.isEmpty()) {
      state.clear();
    } else {
      state.update(taken);
    }
  }

  @Override
  public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) {
    throw new IllegalStateException("no processing-time timer is ever set");
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    ledger.snapshot();
    if (order == Order.SORTED) {
      return;
    }
    past.snapshot();
    waitingState.write(
        waiting, getRuntimeContext().getTaskInfo().getMaxNumberOfParallelSubtasks(), context);
  }
}
