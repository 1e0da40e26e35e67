package io.pelton.feature.job;

import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.RowNames;
import io.pelton.feature.TableJoin;
import io.pelton.job.FeatureRowSerializer;
import io.pelton.job.FlinkMeters;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingSerializer;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.pipeline.Late;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.table.ReferenceTable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.jspecify.annotations.Nullable;

/**
 * Joins events with a table whose rows come from a topic, both keyed by the table's key. Of each
 * key the versions are kept that an event to come may see: those after the watermark, and the
 * newest before it. An event is held until its time has come by the watermark of events and of the
 * table, so that nothing depends on which came first; where events are taken on arrival, until the
 * table was read to the end that it had at the start.
 *
 * <p>The watermark that goes on is that of the events, held back; the table's alone never moves it.
 */
final class JoinTable extends AbstractStreamOperator<Incoming>
    implements TwoInputStreamOperator<Incoming, FeatureRow, Incoming>, Triggerable<String, String> {
  /** How long it is known that a key had events, to tell that a row is late; milliseconds. */
  static final long REMEMBERED = 86_400_000;

  private static final long serialVersionUID = 1;
  private static final byte FORMAT = 1;
  private static final int LATE = 0;
  private static final int ROW_LATE = 1;
  private static final int EVENTS = 0;

  // What a timer is for.
  private static final String VERSIONS = "versions";
  private static final String JOINED = "joined";

  private final PipelineDefinition pipeline;
  private final String name;
  private final boolean onArrival;
  private final LateRows lateRows;
  private final long keep;

  // Set up when the operator opens.
  private transient TableJoin join;
  private transient RowNames eventNames;
  private transient KeptNames rowNames;
  private transient @Nullable ReferenceTable files;
  private transient Ledger ledger;
  private transient InternalTimerService<String> timers;
  private transient MapState<Long, FeatureRow> versions;

  /** Time of the newest event that was joined. */
  private transient ValueState<Long> joined;

  private transient PriorityQueue<Incoming> waiting;
  private transient WaitingState<Incoming> waitingState;
  private transient boolean tableIsRead;
  private transient boolean tableIsIdle;
  private transient boolean eventsAreIdle;
  private transient long tableWatermark;
  private transient long eventWatermark;
  private transient long watermark;

  /**
   * @param pipeline with its files held to what they were
   * @param name the table's
   * @param onArrival whether events are taken as they come
   */
  @SuppressWarnings("NullAway.Init")
  JoinTable(PipelineDefinition pipeline, String name, boolean onArrival) {
    this.pipeline = pipeline;
    this.name = name;
    this.onArrival = onArrival;
    lateRows = LateRows.of(pipeline, onArrival);
    keep =
        (onArrival ? pipeline.allowedLateness() : 0)
            + (pipeline.events().late() == Late.INCLUDE ? pipeline.reach() : 0);
  }

  /** The buffer of waiting events is written by key group. */
  @Override
  protected boolean isUsingCustomRawKeyedState() {
    return true;
  }

  /** The key that an event is taken to the table's rows by; one of its own when it has none. */
  static final class EventKey implements KeySelector<Incoming, String> {
    private static final long serialVersionUID = 1;

    private final PipelineDefinition pipeline;
    private final String name;
    private transient @Nullable TableJoin join;

    EventKey(PipelineDefinition pipeline, String name) {
      this.pipeline = pipeline;
      this.name = name;
    }

    @Override
    public String getKey(Incoming event) {
      if (join == null) {
        join = join(new FeaturePlan(pipeline), name);
      }
      return key(event, join);
    }
  }

  private static String key(Incoming event, TableJoin join) {
    FeatureRow row = DeduplicateEvents.row(event);
    String key = join.key(row.carried);
    return key == null ? "no key: " + row.id : key;
  }

  private static TableJoin join(FeaturePlan plan, String name) {
    return plan.streamedTables().stream()
        .filter(join -> join.table().name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    ledger = new Ledger(JobMetric.FEATURE_TABLE_ROWS_LATE, JobMetric.FEATURE_LATE_ROWS);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    FeaturePlan plan = new FeaturePlan(pipeline);
    eventNames = plan.admittedNames();
    join = join(plan, name);
    files = join.table().inputs().isEmpty() ? null : TableFiles.load(join.table());
    rowNames =
        new KeptNames(
            new RowNames(
                List.of(),
                List.of("version of names", "partition", "offset"),
                List.of(),
                join.names()),
            context.getOperatorStateStore());
    versions =
        context
            .getKeyedStateStore()
            .getMapState(
                new MapStateDescriptor<>(
                    "versions", LongSerializer.INSTANCE, FeatureRowSerializer.INSTANCE));
    joined =
        context
            .getKeyedStateStore()
            .getState(new ValueStateDescriptor<>("joined", LongSerializer.INSTANCE));
    waiting =
        new PriorityQueue<>(Comparator.comparingLong(event -> DeduplicateEvents.row(event).time));
    tableWatermark = Long.MIN_VALUE;
    eventWatermark = Long.MIN_VALUE;
    watermark = Long.MIN_VALUE;
    waitingState =
        new WaitingState<>(
            "events waiting for table " + name,
            FORMAT,
            IncomingSerializer.INSTANCE,
            eventNames,
            event -> key(event, join));
    waitingState.read(
        context,
        (events, written) ->
            events.forEach(
                event ->
                    waiting.add(
                        event.with(eventNames.adopt(DeduplicateEvents.row(event), written)))));
  }

  @Override
  public void open() throws Exception {
    super.open();
    timers = getInternalTimerService("forget", StringSerializer.INSTANCE, this);
    new FlinkMeters(getMetricGroup()).gauge(JobMetric.FEATURE_WAITING, waiting::size);
  }

  /** Rows of the key that is current, by the time from which they hold. */
  MapState<Long, FeatureRow> versions() {
    return versions;
  }

  @Override
  public void processElement1(StreamRecord<Incoming> element) throws Exception {
    Incoming event = element.getValue();
    FeatureRow row = DeduplicateEvents.row(event);
    if (lateRows.end(row, event, watermark, ledger, ROW_LATE, output)) {
      return;
    }
    if (join.key(row.carried) == null) {
      output.collect(element);
    } else if (tableIsRead && (onArrival || row.history && !row.late || row.time <= watermark)) {
      join(event);
    } else {
      waiting.add(event);
    }
  }

  /** Joins an event under the key that is current, and passes it on. */
  private void join(Incoming event) throws Exception {
    FeatureRow row = DeduplicateEvents.row(event);
    FeatureRow version = newest(row.time);
    int inFiles = files == null ? ReferenceTable.NONE : files.find(key(event, join), row.time);
    if (files != null
        && inFiles != ReferenceTable.NONE
        && (version == null || version.time < files.time(inFiles))) {
      join.fill(row.carried, files, inFiles);
    } else if (version != null && version.carried.length > 0) {
      join.fill(row.carried, rowNames.adopt(version).carried);
    }
    Long before = joined.value();
    if (before == null || before < row.time) {
      joined.update(row.time);
    }
    if (before == null) {
      timers.registerEventTimeTimer(JOINED, row.time + REMEMBERED);
    }
    output.collect(new StreamRecord<>(event, row.time));
  }

  private @Nullable FeatureRow newest(long time) throws Exception {
    FeatureRow newest = null;
    for (FeatureRow version : versions.values()) {
      if (version.time <= time && (newest == null || version.time > newest.time)) {
        newest = version;
      }
    }
    return newest;
  }

  @Override
  public void processElement2(StreamRecord<FeatureRow> element) throws Exception {
    FeatureRow version = element.getValue();
    Long newestJoined = joined.value();
    if (newestJoined != null && version.time <= newestJoined) {
      ledger.increment(LATE);
    }
    FeatureRow known = versions.get(version.time);
    if (known != null && !precedes(known, version)) {
      return;
    }
    boolean first = versions.isEmpty();
    rowNames.mark(version);
    versions.put(
        version.time,
        new FeatureRow("", version.time, new String[0], version.values, version.carried));
    if (!first) {
      timers.registerEventTimeTimer(VERSIONS, version.time + keep);
    }
    if (version.carried.length == 0) {
      timers.registerEventTimeTimer(VERSIONS, version.time + keep + REMEMBERED);
    }
  }

  /** Of rows of one key and time the last of the topic counts, in whatever order they come. */
  private static boolean precedes(FeatureRow a, FeatureRow b) {
    int order = Double.compare(a.values[TableDecoder.PARTITION], b.values[TableDecoder.PARTITION]);
    return order != 0 ? order < 0 : a.values[TableDecoder.OFFSET] < b.values[TableDecoder.OFFSET];
  }

  /** Forgets versions that no event to come sees, and that a key had events, after a while. */
  @Override
  public void onEventTime(InternalTimer<String, String> timer) throws Exception {
    if (timer.getNamespace().equals(VERSIONS)) {
      forgetVersions(timer.getTimestamp() - keep);
      return;
    }
    Long newest = joined.value();
    if (newest != null && newest + REMEMBERED <= timer.getTimestamp()) {
      joined.clear();
    } else if (newest != null) {
      timers.registerEventTimeTimer(JOINED, newest + REMEMBERED);
    }
  }

  private void forgetVersions(long upTo) throws Exception {
    FeatureRow held = newest(upTo);
    if (held == null) {
      return;
    }
    // That nothing is known is kept for a while, or an older row that comes late would be news; and
    // always where files have rows that it ends.
    boolean over = held.carried.length == 0 && held.time + REMEMBERED <= upTo && files == null;
    List<Long> gone = new ArrayList<>();
    for (long time : versions.keys()) {
      if (time < held.time || over && time == held.time) {
        gone.add(time);
      }
    }
    for (long time : gone) {
      versions.remove(time);
    }
  }

  @Override
  public void onProcessingTime(InternalTimer<String, String> timer) {
    throw new IllegalStateException("no processing-time timer is ever set");
  }

  @Override
  public void processWatermark1(Watermark mark) throws Exception {
    eventWatermark = mark.getTimestamp();
    advance();
  }

  @Override
  public void processWatermark2(Watermark mark) throws Exception {
    tableWatermark = mark.getTimestamp();
    tableIsRead();
    advance();
  }

  @Override
  protected void processWatermarkStatus(WatermarkStatus status, int input) throws Exception {
    if (input == EVENTS) {
      eventsAreIdle = status.isIdle();
      output.emitWatermarkStatus(status);
      return;
    }
    tableIsIdle = status.isIdle();
    if (tableIsIdle) {
      tableIsRead();
    }
    advance();
  }

  /** Takes what waited for nothing but the table: history, and on arrival all. */
  private void tableIsRead() throws Exception {
    if (tableIsRead) {
      return;
    }
    tableIsRead = true;
    List<Incoming> still = new ArrayList<>();
    while (!waiting.isEmpty()) {
      Incoming event = waiting.remove();
      FeatureRow row = DeduplicateEvents.row(event);
      if (onArrival || row.history && !row.late) {
        setCurrentKey(key(event, join));
        join(event);
      } else {
        still.add(event);
      }
    }
    waiting.addAll(still);
  }

  private void advance() throws Exception {
    if (!tableIsRead) {
      return;
    }
    long to = onArrival || tableIsIdle ? eventWatermark : Math.min(eventWatermark, tableWatermark);
    if (to <= watermark) {
      return;
    }
    watermark = to;
    while (!waiting.isEmpty() && firstTime() <= watermark) {
      Incoming event = waiting.remove();
      setCurrentKey(key(event, join));
      join(event);
    }
    if (eventsAreIdle) {
      // Of one that is idle no watermark is heard.
      output.emitWatermarkStatus(WatermarkStatus.ACTIVE);
    }
    super.processWatermark(new Watermark(watermark));
    if (eventsAreIdle) {
      output.emitWatermarkStatus(WatermarkStatus.IDLE);
    }
  }

  private long firstTime() {
    return DeduplicateEvents.row(waiting.element()).time;
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    ledger.snapshot();
    rowNames.snapshot();
    waitingState.write(
        waiting, getRuntimeContext().getTaskInfo().getMaxNumberOfParallelSubtasks(), context);
  }
}
