package io.pelton.drift.job;

import io.micrometer.core.instrument.Counter;
import io.pelton.drift.job.Baselines.Baseline;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.Drift;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Counts rows where they are, before anything is shuffled: one partial a feature and pane leaves a
 * subtask, not one a row. Partials add up downstream, so a pane may be handed on in pieces: when it
 * ends, when rows came after that, when the input falls idle, or early, when more panes are open
 * than memory should hold. Rows with declared outputs are passed over: they say nothing of a
 * version.
 */
@SuppressWarnings("NullAway.Init") // Flink initializes state and opens before anything else.
final class LocalCounts extends AbstractStreamOperator<PartialCounts>
    implements OneInputStreamOperator<ScoredRow, PartialCounts>, BoundedOneInput {
  static final OutputTag<LateEvent> LATE =
      new OutputTag<>("late", new SpecificRecordTypeInfo<>(LateEvent.class));
  static final OutputTag<DeadLetter> DEAD_LETTERS =
      new OutputTag<>("dead-letters", new SpecificRecordTypeInfo<>(DeadLetter.class));

  /** Panes held at once; each takes up to 33 KB a feature. Only a batch run reaches it. */
  static final int MOST_OPEN = 64;

  private static final long serialVersionUID = 1;

  // Positions in the ledger.
  private static final int IN = 0;
  private static final int COUNTED = 1;
  private static final int LATE_COUNT = 2;
  private static final int DEAD = 3;
  private static final int DECLARED = 4;

  private static final ListStateDescriptor<PartialCounts> OPEN =
      new ListStateDescriptor<>("open-panes", TypeInformation.of(PartialCounts.class));
  private static final ListStateDescriptor<Long> CLOSED =
      new ListStateDescriptor<>("closed-up-to", Types.LONG);

  private final Windows windows;
  private final BaselineProvider provider;
  private final String source;
  private final Drift.@Nullable Segments segments;
  private final PaneCounts.Counting counting;
  private final List<String> carry;

  /** The one used last comes first. */
  private transient List<PaneCounts> open;

  /** Counts from before a restore; they wait for their pane to end like the others. */
  private transient List<PartialCounts> restored;

  /** The watermark before the restore. */
  private transient long restoredAt;

  private transient long closedUpTo;
  private transient Baselines baselines;
  private transient Ledger ledger;
  private transient Counter handedOnEarly;
  private transient ListState<PartialCounts> openState;
  private transient ListState<Long> closedState;

  /**
   * @param source topic that the rows are from
   * @param segments that are measured apart; null for none
   * @param carry the fields that rows carry
   */
  LocalCounts(
      Windows windows,
      BaselineProvider provider,
      String source,
      Drift.@Nullable Segments segments,
      PaneCounts.Counting counting,
      List<String> carry) {
    this.windows = windows;
    this.provider = provider;
    this.source = source;
    this.segments = segments;
    this.counting = counting;
    this.carry = List.copyOf(carry);
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    open = new ArrayList<>();
    restored = new ArrayList<>();
    baselines = new Baselines(provider, segments, windows.previous() > 0, carry);
    ledger =
        new Ledger(
            JobMetric.DRIFT_IN,
            JobMetric.DRIFT_COUNTED,
            JobMetric.DRIFT_LATE,
            JobMetric.DRIFT_DEAD,
            JobMetric.DRIFT_DECLARED);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    handedOnEarly =
        new FlinkMeters(getMetricGroup()).counter(JobMetric.DRIFT_WINDOWS_HANDED_ON_EARLY);

    openState = context.getOperatorStateStore().getListState(OPEN);
    openState.get().forEach(restored::add);
    // After a change of parallelism any subtask may go on where any other was: only what all of
    // them had closed was closed downstream.
    closedState = context.getOperatorStateStore().getUnionListState(CLOSED);
    closedUpTo = Long.MAX_VALUE;
    boolean any = false;
    for (long closed : closedState.get()) {
      closedUpTo = Math.min(closedUpTo, closed);
      any = true;
    }
    if (!any) {
      closedUpTo = Long.MIN_VALUE;
    }
    restoredAt = closedUpTo;
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    List<PartialCounts> partials = new ArrayList<>(restored);
    open.forEach(pane -> partials.addAll(pane.partials()));
    openState.update(partials);
    closedState.update(List.of(closedUpTo));
    ledger.snapshot();
  }

  @Override
  public void processElement(StreamRecord<ScoredRow> element) {
    ScoredRow row = element.getValue();
    ledger.increment(IN);
    if (row.served.version() == ServedVersion.DECLARED) {
      ledger.increment(DECLARED);
      return;
    }
    PaneCounts pane = openPane(row);
    if (pane == null) {
      long start = windows.start(row.time);
      if (windows.closing(start) <= closedUpTo) {
        ledger.increment(LATE_COUNT);
        output.collect(LATE, new StreamRecord<>(late(row), row.time));
        return;
      }
      Baseline baseline = baselines.get(row.served, start);
      if (!baseline.found()) {
        ledger.increment(DEAD);
        output.collect(
            DEAD_LETTERS, new StreamRecord<>(deadLetter(row, baseline.problem()), row.time));
        return;
      }
      pane =
          new PaneCounts(
              row.served,
              start,
              windows.end(start),
              windows.due(start, closedUpTo),
              baseline,
              counting);
      open.add(0, pane);
      if (open.size() > MOST_OPEN) {
        handOn(open.remove(open.size() - 1));
        handedOnEarly.increment();
      }
    }
    pane.add(row);
    ledger.increment(COUNTED);
  }

  private @Nullable PaneCounts openPane(ScoredRow row) {
    for (int i = 0; i < open.size(); i++) {
      PaneCounts pane = open.get(i);
      if (pane.takes(row)) {
        if (i > 0) {
          open.remove(i);
          open.add(0, pane);
        }
        return pane;
      }
    }
    return null;
  }

  private LateEvent late(ScoredRow row) {
    return new LateEvent(
        row.id,
        Instant.ofEpochMilli(row.time),
        Instant.ofEpochMilli(closedUpTo),
        source,
        -1,
        -1L,
        null,
        null);
  }

  private DeadLetter deadLetter(ScoredRow row, String problem) {
    return DeadLetter.newBuilder()
        .setStage("drift")
        .setReason("no-baseline")
        .setDetail(problem)
        .setEventId(row.id)
        .setSource(source)
        .setPartition(-1)
        .setOffset(-1)
        .setTimestamp(Instant.ofEpochMilli(row.time))
        .setModel(row.served.model() + "@" + row.served.version())
        .build();
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    closedUpTo = Math.max(closedUpTo, mark.getTimestamp());
    handOnUpTo(closedUpTo);
    super.processWatermark(mark);
  }

  /** Others move the watermark on while this subtask is idle, so it must not hold anything back. */
  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    if (status.isIdle()) {
      handOnUpTo(Long.MAX_VALUE);
    }
    super.processWatermarkStatus(status);
  }

  @Override
  public void endInput() {
    handOnUpTo(Long.MAX_VALUE);
  }

  private void handOnUpTo(long watermark) {
    Iterator<PaneCounts> iterator = open.iterator();
    while (iterator.hasNext()) {
      PaneCounts pane = iterator.next();
      if (pane.due() <= watermark) {
        iterator.remove();
        handOn(pane);
      }
    }
    Iterator<PartialCounts> earlier = restored.iterator();
    while (earlier.hasNext()) {
      PartialCounts partial = earlier.next();
      long due = windows.due(partial.paneStart(), restoredAt);
      if (due <= watermark) {
        earlier.remove();
        output.collect(new StreamRecord<>(partial, due));
      }
    }
  }

  /** With the watermark at which it is due as its time. */
  private void handOn(PaneCounts pane) {
    pane.partials().forEach(partial -> output.collect(new StreamRecord<>(partial, pane.due())));
  }
}
