package io.pelton.feature.job;

import io.pelton.job.FlinkMeters;
import io.pelton.job.Incoming;
import io.pelton.job.JobMetric;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * Says how far a table's topic was read, as watermarks of when its records were written: none until
 * it was read to the end that it had when this operator started, so that nobody joins with half a
 * table; then the least that its partitions have come to, those left out that are silent; and when
 * all are, that it is idle, for silence is normal. Runs beside the topic's only reader, so it sees
 * every record, and where reading goes on after a restore.
 */
final class TableGate extends AbstractStreamOperator<Incoming>
    implements OneInputStreamOperator<Incoming, Incoming> {
  /** How often it looks whether partitions are silent, milliseconds. */
  static final long PERIOD = 100;

  private static final long serialVersionUID = 1;
  private static final ListStateDescriptor<Tuple2<Integer, Long>> READ =
      new ListStateDescriptor<>("read-up-to", Types.TUPLE(Types.INT, Types.LONG));

  private final TopicEnds ends;
  private final long outOfOrderness;
  private final long idleAfter;

  // Set up when the operator opens.
  private transient ListState<Tuple2<Integer, Long>> state;

  /** Offset of the last record, by partition. */
  private transient Map<Integer, Long> read;

  /** Offset that is still to come, by partition. */
  private transient Map<Integer, Long> awaited;

  private transient Map<Integer, Progress> progress;
  private transient long emitted;
  private transient boolean idle;

  private static final class Progress {
    long written = Long.MIN_VALUE;
    long seenAt;
  }

  /**
   * @param outOfOrderness by how much the times of records of a partition are out of order,
   *     milliseconds
   * @param idleAfter a partition is silent when nothing came for this long, milliseconds
   */
  @SuppressWarnings("NullAway.Init")
  TableGate(TopicEnds ends, long outOfOrderness, long idleAfter) {
    this.ends = ends;
    this.outOfOrderness = outOfOrderness;
    this.idleAfter = idleAfter;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    state = context.getOperatorStateStore().getListState(READ);
    read = new HashMap<>();
    for (Tuple2<Integer, Long> entry : state.get()) {
      read.put(entry.f0, entry.f1);
    }
    progress = new HashMap<>();
    emitted = Long.MIN_VALUE;
    idle = false;
  }

  @Override
  public void open() throws Exception {
    super.open();
    awaited = new HashMap<>(ends.last());
    awaited.entrySet().removeIf(end -> read.getOrDefault(end.getKey(), -1L) >= end.getValue());
    new FlinkMeters(getMetricGroup())
        .gauge(JobMetric.FEATURE_TABLE_READ, () -> awaited.isEmpty() ? 1 : 0);
    lookLater();
  }

  @Override
  public void processElement(StreamRecord<Incoming> element) {
    Incoming record = element.getValue();
    output.collect(element);
    read.put(record.partition, record.offset);
    Long end = awaited.get(record.partition);
    if (end != null && record.offset >= end) {
      awaited.remove(record.partition);
    }
    Progress seen = progress.computeIfAbsent(record.partition, unused -> new Progress());
    seen.written = Math.max(seen.written, record.timestamp);
    seen.seenAt = getProcessingTimeService().getCurrentProcessingTime();
  }

  private void lookLater() {
    ProcessingTimeService clock = getProcessingTimeService();
    clock.registerTimer(
        clock.getCurrentProcessingTime() + PERIOD,
        at -> {
          tell(clock.getCurrentProcessingTime());
          lookLater();
        });
  }

  private void tell(long now) {
    if (!awaited.isEmpty()) {
      return;
    }
    long least = Long.MAX_VALUE;
    for (Progress partition : progress.values()) {
      if (now - partition.seenAt < idleAfter) {
        least = Math.min(least, partition.written);
      }
    }
    boolean silent = least == Long.MAX_VALUE;
    if (silent != idle) {
      idle = silent;
      output.emitWatermarkStatus(silent ? WatermarkStatus.IDLE : WatermarkStatus.ACTIVE);
    }
    if (!silent && least - outOfOrderness - 1 > emitted) {
      emitted = least - outOfOrderness - 1;
      output.emitWatermark(new Watermark(emitted));
    }
  }

  /** A source's own watermarks say nothing, but for the last, when it has ended. */
  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (mark.equals(Watermark.MAX_WATERMARK)) {
      emitted = Long.MAX_VALUE;
      super.processWatermark(mark);
    }
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) {}

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    state.clear();
    for (Map.Entry<Integer, Long> entry : read.entrySet()) {
      state.add(Tuple2.of(entry.getKey(), entry.getValue()));
    }
  }
}
