package io.pelton.feature.job;

import io.pelton.feature.BlockStore;
import io.pelton.feature.EntityHistory;
import io.pelton.feature.EntityPlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.Layout;
import io.pelton.feature.RowNames;
import io.pelton.feature.RowQueue;
import io.pelton.job.FeatureRowSerializer;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds the windowed features of one entity to rows keyed by it. The order in which rows are taken
 * is a strategy: by the watermark, on arrival, or as a sorted batch brings them; what a row then
 * gives is {@link EntityHistory}'s alone.
 */
final class EntityFeaturesOperator extends AbstractStreamOperator<FeatureRow>
    implements OneInputStreamOperator<FeatureRow, FeatureRow>,
        BoundedOneInput,
        Triggerable<String, VoidNamespace> {
  private static final long serialVersionUID = 1;
  private static final byte FORMAT = 2;

  // Positions in the ledger.
  private static final int OVERTAKEN = 0;
  private static final int LATE = 1;

  private static final Logger LOG = LoggerFactory.getLogger(EntityFeaturesOperator.class);

  /** In which order rows are taken. */
  enum Order {
    /** Rows wait for the watermark and are taken by (time, id). */
    WATERMARK,
    /** Rows are taken as they come; none waits. */
    ARRIVAL,
    /**
     * Rows of history are taken as they come, others after all of them, as they come; until the
     * first watermark tells that all history is in, they wait.
     */
    ARRIVAL_AFTER_HISTORY,
    /** Rows come key by key and by time, as in a batch run; nothing is kept in state. */
    SORTED;

    /** Whether rows are taken as they come, be it after history. */
    boolean onArrival() {
      return this == ARRIVAL || this == ARRIVAL_AFTER_HISTORY;
    }
  }

  private final EntityPlan plan;
  private final Order order;
  private final LateRows lateRows;
  private final long retain;
  private final RowNames names;

  // Set up when the operator opens.
  private transient Ledger ledger;
  private transient ValueState<EntityHistory> histories;
  private transient BlockStore blocks;
  private transient Coverage coverage;
  private transient AwaitedHistory past;
  private transient InternalTimerService<VoidNamespace> timers;
  private transient StreamRecord<FeatureRow> outgoing;

  // Rows that wait for the watermark, or were restored as waiting for one; for a sorted run, those
  // of the current key and time.
  private transient RowQueue waiting;
  private transient WaitingState<FeatureRow> waitingState;
  private transient EntityHistory sortedHistory;
  private transient BlockStore.InMemory sortedBlocks;
  private transient String sortedKey;
  private transient long watermark;

  /**
   * @param names what the places in a row mean
   */
  @SuppressWarnings("NullAway.Init")
  EntityFeaturesOperator(EntityPlan plan, Order order, LateRows lateRows, RowNames names) {
    this.plan = plan;
    this.order = order;
    this.lateRows = lateRows;
    retain = lateRows.allowed();
    this.names = names;
  }

  /** The buffer of waiting rows is written by key group. */
  @Override
  protected boolean isUsingCustomRawKeyedState() {
    return true;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    ledger =
        plan.leading()
            ? new Ledger(JobMetric.FEATURE_OVERTAKEN, JobMetric.FEATURE_LATE_ROWS)
            : new Ledger(".tiles_of_" + plan.tile() + "ms", JobMetric.FEATURE_OVERTAKEN);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    waiting = new RowQueue();
    outgoing = new StreamRecord<>(null);
    watermark = Long.MIN_VALUE;
    sortedHistory = new EntityHistory(plan.layout());
    sortedBlocks = new BlockStore.InMemory();
    sortedKey = "";
    if (order == Order.SORTED) {
      return;
    }
    List<Layout> layouts = List.of(plan.layout());
    KeyedStateStore store = context.getKeyedStateStore();
    histories =
        store.getState(
            new ValueStateDescriptor<>("history", new HistorySerializer.Newest(layouts)));
    blocks =
        new StateBlocks(
            store.getMapState(
                new MapStateDescriptor<>(
                    "blocks", LongSerializer.INSTANCE, new HistorySerializer.Sealed(layouts))));
    coverage = new Coverage(plan, context.getOperatorStateStore());
    past =
        new AwaitedHistory(
            "features of " + plan.entity(),
            order == Order.ARRIVAL_AFTER_HISTORY,
            context.getOperatorStateStore());
    waitingState =
        new WaitingState<>(
            "rows waiting for the watermark",
            FORMAT,
            FeatureRowSerializer.INSTANCE,
            names,
            row -> row.keys[plan.key()]);
    waitingState.read(context, this::adopt);
  }

  @Override
  public void open() throws Exception {
    super.open();
    if (order != Order.SORTED) {
      timers = getInternalTimerService("expiry", VoidNamespaceSerializer.INSTANCE, this);
    }
    FlinkMeters meters = new FlinkMeters(getMetricGroup());
    meters.gauge(JobMetric.FEATURE_WAITING, waiting::size);
    if (order != Order.SORTED) {
      completeFrom()
          .forEach(
              (column, time) -> {
                LOG.info(
                    "{} is complete from {} on: the state that this job goes on with began to keep what it needs later",
                    column,
                    Instant.ofEpochMilli(time));
                meters.gauge(JobMetric.FEATURE_COLUMN_COMPLETE_FROM, () -> time, column);
              });
    }
    if (restoredWaits()) {
      // At once, though no row and no watermark may come for long.
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

  /** Whether rows that waited before a restore wait for nothing any more. */
  private boolean restoredWaits() {
    return order.onArrival() && !past.awaited() && !waiting.isEmpty();
  }

  /** Columns that are not complete from the start, with the event time from which they are. */
  Map<String, Long> completeFrom() {
    return coverage.completeFrom();
  }

  @Override
  public void processElement(StreamRecord<FeatureRow> element) throws Exception {
    FeatureRow row = element.getValue();
    if (order != Order.SORTED) {
      coverage.see(row.time);
    }
    if (restoredWaits()) {
      // They came before this one.
      takeWaiting(Long.MAX_VALUE);
      setCurrentKey(row.keys[plan.key()]);
    }
    if (order != Order.SORTED
        && plan.leading()
        && lateRows.end(row, null, watermark, ledger, LATE, output)) {
      return;
    }
    if (row.late) {
      processLate(row);
      return;
    }
    switch (order) {
      case WATERMARK -> {
        if (row.history) {
          fill(row);
        } else {
          waiting.add(row);
        }
      }
      case ARRIVAL, ARRIVAL_AFTER_HISTORY -> {
        if (row.history) {
          fill(row);
        } else if (past.awaited()) {
          waiting.add(row);
        } else {
          take(row);
        }
      }
      case SORTED -> {
        String key = row.keys[plan.key()];
        if (!key.equals(sortedKey)) {
          takeSorted();
          sortedKey = key;
          sortedHistory = new EntityHistory(plan.layout());
          sortedBlocks.clear();
        } else if (!waiting.isEmpty() && waiting.firstTime() != row.time) {
          takeSorted();
        }
        waiting.add(row);
      }
    }
  }

  /**
   * A late row is late by the watermark of its source, which may be ahead of this one, the least of
   * all sources': it must not pass rows before it that wait here.
   */
  private void processLate(FeatureRow row) throws IOException {
    boolean ahead = order.onArrival() ? past.awaited() : row.time > watermark;
    if (ahead) {
      waiting.add(row);
    } else if (watermark == Long.MIN_VALUE || row.time > watermark - plan.reach() - retain) {
      fill(row);
    } else {
      // No window of a row to come reaches back to it.
      emit(row);
    }
  }

  private void takeSorted() {
    while (!waiting.isEmpty()) {
      FeatureRow row = waiting.remove();
      if (row.outcome) {
        sortedHistory.add(plan, row, sortedBlocks);
        continue;
      }
      sortedHistory.update(plan, row, sortedBlocks, 0, row.time);
      emit(row);
    }
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
      // A sorted input's watermark follows its last row; whoever hears of it takes no more rows.
      takeSorted();
    } else if (order.onArrival()) {
      past.read(waiting.size());
      takeWaiting(Long.MAX_VALUE);
    } else {
      takeWaiting(watermark);
    }
    super.processWatermark(mark);
  }

  /** Takes the rows that wait, by (time, id), up to a time. */
  private void takeWaiting(long upTo) throws IOException {
    while (!waiting.isEmpty() && waiting.firstTime() <= upTo) {
      FeatureRow row = waiting.remove();
      setCurrentKey(row.keys[plan.key()]);
      if (row.late) {
        fill(row);
      } else {
        take(row);
      }
    }
  }

  /** Lets a row of history in under the key that is current, and passes it on to be let in. */
  private void fill(FeatureRow row) throws IOException {
    EntityHistory history = histories.value();
    if (history == null) {
      history = new EntityHistory(plan.layout());
    }
    if (row.late) {
      row.entered = true;
      history.add(plan, row, blocks, retain, order.onArrival() ? watermark : row.time);
    } else {
      history.add(plan, row, blocks);
    }
    if (history.expiry() == Long.MIN_VALUE) {
      expireAfter(history);
    }
    histories.update(history);
    emit(row);
  }

  /** Takes a row under the key that is current. */
  private void take(FeatureRow row) throws IOException {
    EntityHistory history = histories.value();
    if (history == null) {
      history = new EntityHistory(plan.layout());
    }
    long oldestExpected = order.onArrival() ? watermark : row.time;
    if (row.outcome) {
      history.add(plan, row, blocks, retain, oldestExpected);
    } else {
      int overtaken = history.update(plan, row, blocks, retain, oldestExpected);
      if (overtaken > 0) {
        ledger.add(OVERTAKEN, overtaken);
        if (plan.leading()) {
          row.overtook(plan.key(), overtaken);
        }
      }
    }
    if (history.expiry() == Long.MIN_VALUE) {
      expireAfter(history);
    }
    histories.update(history);
    emit(row);
  }

  private void expireAfter(EntityHistory history) {
    history.expiry(history.newest(blocks) + plan.reach() + retain);
    timers.registerEventTimeTimer(VoidNamespace.INSTANCE, history.expiry());
  }

  /** Forgets a key whose newest event no window reaches any more, or looks again later. */
  @Override
  public void onEventTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
    EntityHistory history = histories.value();
    if (history == null) {
      return;
    }
    if (history.newest(blocks) + plan.reach() + retain <= timer.getTimestamp()) {
      history.clear(blocks);
      histories.clear();
    } else {
      expireAfter(history);
      histories.update(history);
    }
  }

  @Override
  public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) {
    throw new IllegalStateException("no processing-time timer is ever set");
  }

  /** Passes a row on; one of an outcome ends where the features of outcomes are. */
  private void emit(FeatureRow row) {
    if (row.outcome) {
      return;
    }
    output.collect(outgoing.replace(row, row.time));
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    ledger.snapshot();
    if (order == Order.SORTED) {
      return;
    }
    coverage.snapshot();
    past.snapshot();
    waitingState.write(
        waiting, getRuntimeContext().getTaskInfo().getMaxNumberOfParallelSubtasks(), context);
  }

  private void adopt(List<FeatureRow> rows, RowNames written) {
    if (!rows.isEmpty() && !names.equals(written)) {
      LOG.info(
          "{} rows that waited for the watermark were made for other features; what these need and those did not is missing in them",
          rows.size());
    }
    rows.forEach(row -> waiting.add(names.adopt(row, written)));
  }
}
