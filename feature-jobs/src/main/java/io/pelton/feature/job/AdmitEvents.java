package io.pelton.feature.job;

import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.pipeline.Late;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Parts what the source read into rows, late events and dead letters, and counts them. It runs
 * beside the source, where the watermark is the newest, so an event that passes here is late after
 * only where watermarks went on without this subtask ({@link LateRows}). Late events that features
 * of others are to count pass as well, marked.
 */
final class AdmitEvents<T> extends ProcessFunction<Incoming, T> implements CheckpointedFunction {
  /** What goes on of an event that is admitted. */
  interface Passing<T> extends Serializable {
    T of(Incoming event, FeatureRow row);
  }

  static final OutputTag<LateEvent> LATE =
      new OutputTag<>("late", new SpecificRecordTypeInfo<>(LateEvent.class));
  static final OutputTag<DeadLetter> DEAD =
      new OutputTag<>("dead-letters", new SpecificRecordTypeInfo<>(DeadLetter.class));

  private static final long serialVersionUID = 1;
  private static final ListStateDescriptor<Long> WATERMARK =
      new ListStateDescriptor<>("admitted-watermark", Types.LONG);
  private static final int IN = 0;
  private static final int LATE_COUNT = 1;
  private static final int DEAD_COUNT = 2;
  private static final int DEFAULTED = 3;
  private static final int LIKE_SECONDS = 4;
  private static final Logger LOG = LoggerFactory.getLogger(AdmitEvents.class);

  // As seconds from 2001 to 2099, as milliseconds in the first weeks of 1970.
  private static final long LEAST_LIKE_SECONDS = 1_000_000_000;
  private static final long MOST_LIKE_SECONDS = 4_102_444_799L;

  private final Passing<T> passing;
  private final long allowedLateness;
  private final boolean includeLate;
  private final List<String> declaredRules;
  private transient @Nullable RuleCounters rules;
  private transient @Nullable Ledger ledger;
  private transient @Nullable ListState<Long> admittedUpTo;

  /** What was late before a restore stays late, though the watermark begins anew. */
  private transient long restoredWatermark;

  private transient @Nullable TimerService time;

  AdmitEvents(PipelineDefinition pipeline, Passing<T> passing) {
    this.passing = passing;
    // With a declared out-of-orderness the watermark itself waits that long.
    allowedLateness = pipeline.events().outOfOrderness() != null ? 0 : pipeline.allowedLateness();
    includeLate = pipeline.events().late() == Late.INCLUDE;
    declaredRules = FeaturePlan.rules(pipeline);
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    ledger =
        new Ledger(
            JobMetric.FEATURE_IN,
            JobMetric.FEATURE_LATE,
            JobMetric.FEATURE_DEAD,
            JobMetric.FEATURE_DEFAULTED,
            JobMetric.FEATURE_TIME_LIKE_SECONDS);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    rules = new RuleCounters(declaredRules, getRuntimeContext().getMetricGroup());
    // After a change of parallelism any subtask may go on where any other was.
    admittedUpTo = context.getOperatorStateStore().getUnionListState(WATERMARK);
    restoredWatermark = Long.MIN_VALUE;
    for (long watermark : admittedUpTo.get()) {
      restoredWatermark =
          restoredWatermark == Long.MIN_VALUE ? watermark : Math.min(restoredWatermark, watermark);
    }
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    ledger().snapshot();
    if (admittedUpTo != null) {
      long watermark = watermark();
      admittedUpTo.update(watermark == Long.MIN_VALUE ? List.of() : List.of(watermark));
    }
  }

  private long watermark() {
    return time == null ? restoredWatermark : Math.max(time.currentWatermark(), restoredWatermark);
  }

  private RuleCounters rules() {
    if (rules == null) {
      throw new IllegalStateException("used before its state was initialized");
    }
    return rules;
  }

  private Ledger ledger() {
    if (ledger == null) {
      throw new IllegalStateException("used before its state was initialized");
    }
    return ledger;
  }

  @Override
  public void processElement(Incoming incoming, Context context, Collector<T> out) {
    ledger().increment(IN);
    if (!incoming.replaced.isEmpty()) {
      ledger().add(DEFAULTED, incoming.replaced.size());
      incoming.replaced.forEach(rules()::defaulted);
    }
    FeatureRow row = incoming.row;
    if (row == null) {
      Incoming.Rejection rejection = rejection(incoming);
      if (rejection.fatal()) {
        throw BrokenRuleException.of(incoming, rejection);
      }
      ledger().increment(DEAD_COUNT);
      if (rejection.rule() != null) {
        rules().broken(rejection.rule());
      }
      context.output(DEAD, deadLetter(incoming, rejection));
    } else {
      if (row.time >= LEAST_LIKE_SECONDS && row.time <= MOST_LIKE_SECONDS) {
        noteLikeSeconds(incoming, row);
      }
      time = context.timerService();
      long watermark = watermark();
      if (!row.history && watermark != Long.MIN_VALUE && row.time <= watermark - allowedLateness) {
        ledger().increment(LATE_COUNT);
        context.output(LATE, late(incoming, row, watermark));
        if (includeLate) {
          row.history = true;
          row.late = true;
          out.collect(passing.of(incoming, row));
        }
      } else {
        out.collect(passing.of(incoming, row));
      }
    }
  }

  private void noteLikeSeconds(Incoming incoming, FeatureRow row) {
    if (ledger().count(LIKE_SECONDS) == 0) {
      LOG.warn(
          "event {} of {} {} is of {}; was its time, {}, meant as epoch seconds, {}?"
              + " Whole numbers are read as milliseconds: let its producer send these, or ISO 8601."
              + " The rule events.rules: {not_1970: \"time.getFullYear() > 1970\"} makes such events"
              + " dead letters. Each is counted as {}; this is said once",
          row.id,
          incoming.source,
          incoming.partition < 0
              ? "record " + incoming.offset
              : "partition " + incoming.partition + " offset " + incoming.offset,
          Instant.ofEpochMilli(row.time),
          row.time,
          Instant.ofEpochSecond(row.time),
          JobMetric.FEATURE_TIME_LIKE_SECONDS.id());
    }
    ledger().increment(LIKE_SECONDS);
  }

  static LateEvent late(Incoming incoming, FeatureRow row, long watermark) {
    return LateEvent.newBuilder()
        .setEventId(row.id)
        .setEventTime(Instant.ofEpochMilli(row.time))
        .setWatermark(Instant.ofEpochMilli(watermark))
        .setSource(incoming.source)
        .setPartition(incoming.partition)
        .setOffset(incoming.offset)
        .setKey(wrap(incoming.key))
        .setValue(wrap(incoming.value))
        .build();
  }

  static Incoming.Rejection rejection(Incoming incoming) {
    if (incoming.rejection == null) {
      throw new IllegalStateException("a record without a row has no reason: " + incoming.source);
    }
    return incoming.rejection;
  }

  static DeadLetter deadLetter(Incoming incoming, Incoming.Rejection rejection) {
    return DeadLetter.newBuilder()
        .setStage(rejection.stage())
        .setReason(rejection.reason())
        .setDetail(rejection.detail())
        .setRule(rejection.rule())
        .setEventId(rejection.eventId())
        .setSource(incoming.source)
        .setPartition(incoming.partition)
        .setOffset(incoming.offset)
        .setTimestamp(Instant.ofEpochMilli(incoming.timestamp))
        .setKey(wrap(incoming.key))
        .setValue(wrap(incoming.value))
        .build();
  }

  private static @Nullable ByteBuffer wrap(byte @Nullable [] bytes) {
    return bytes == null ? null : ByteBuffer.wrap(bytes);
  }
}
