package io.pelton.feature.job;

import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.OutcomePlan;
import io.pelton.feature.RejectedEventException;
import io.pelton.feature.job.EntityFeaturesOperator.Order;
import io.pelton.job.FeatureRowSerializer;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Joins events, keyed by id, with their outcomes: whichever comes first waits for the other, as
 * long as an outcome may come. The first outcome of an event counts, by time and then label: taken
 * twice it would be counted twice. It counts from its own time on, or from its event's when that is
 * later, for nothing is known of an event before it happens.
 *
 * <p>Each step is taken at the event time that it belongs to, when the watermark says that all
 * before it has come, so that nothing depends on the order of arrival. Where rows are taken on
 * arrival an outcome is too; where history is read, once the first watermark tells that all of it
 * is in.
 */
final class JoinOutcomes extends KeyedCoProcessFunction<String, FeatureRow, FeatureRow, FeatureRow>
    implements CheckpointedFunction {
  private static final long serialVersionUID = 1;
  private static final ListStateDescriptor<Long> WATERMARK =
      new ListStateDescriptor<>("joined-watermark", Types.LONG);
  private static final int USED = 0;
  private static final int UNMATCHED = 1;
  private static final int REPEATED = 2;
  private static final int LATE = 3;
  private static final int DEAD = 4;

  private final PipelineDefinition pipeline;
  private final Order order;
  private final long within;
  private final long lateness;

  // Set up when its state is initialized.
  private transient OutcomePlan plan;
  private transient Ledger ledger;
  private transient KeptNames names;
  private transient ValueState<FeatureRow> waitingEvent;

  /** Time of an event whose outcome is known. */
  private transient ValueState<Long> answered;

  private transient ListState<FeatureRow> waitingOutcomes;
  private transient ListState<Long> joinedUpTo;

  /** What was late before a restore stays late, though the watermark begins anew. */
  private transient long watermark;

  private transient @Nullable TimerService time;

  /**
   * @param lateness how late an outcome may come when rows are taken on arrival, milliseconds
   */
  @SuppressWarnings("NullAway.Init")
  JoinOutcomes(PipelineDefinition pipeline, Order order, long lateness) {
    this.pipeline = pipeline;
    this.order = order;
    this.lateness = lateness;
    within = Objects.requireNonNull(pipeline.outcomes()).within();
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    ledger =
        new Ledger(
            JobMetric.FEATURE_OUTCOMES_USED,
            JobMetric.FEATURE_OUTCOMES_UNMATCHED,
            JobMetric.FEATURE_OUTCOMES_REPEATED,
            JobMetric.FEATURE_OUTCOMES_LATE,
            JobMetric.FEATURE_OUTCOMES_DEAD);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    plan = Objects.requireNonNull(new FeaturePlan(pipeline).outcomes());
    names = new KeptNames(plan.names(), context.getOperatorStateStore());
    waitingEvent =
        context
            .getKeyedStateStore()
            .getState(new ValueStateDescriptor<>("event", FeatureRowSerializer.INSTANCE));
    answered =
        context.getKeyedStateStore().getState(new ValueStateDescriptor<>("answered", Types.LONG));
    waitingOutcomes =
        context
            .getKeyedStateStore()
            .getListState(new ListStateDescriptor<>("outcomes", FeatureRowSerializer.INSTANCE));
    joinedUpTo = context.getOperatorStateStore().getUnionListState(WATERMARK);
    watermark = Long.MIN_VALUE;
    for (long restored : joinedUpTo.get()) {
      watermark = watermark == Long.MIN_VALUE ? restored : Math.min(watermark, restored);
    }
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    ledger.snapshot();
    names.snapshot();
    if (time != null) {
      see(time);
    }
    joinedUpTo.update(watermark == Long.MIN_VALUE ? List.of() : List.of(watermark));
  }

  @Override
  public void processElement1(FeatureRow event, Context context, Collector<FeatureRow> out)
      throws Exception {
    see(context.timerService());
    if (answered.value() != null) {
      return; // the id came before, and its outcome too
    }
    FeatureRow known = waitingEvent.value();
    if (known != null && !before(event, names.adopt(known))) {
      return;
    }
    names.mark(event);
    waitingEvent.update(event);
    context.timerService().registerEventTimeTimer(expiry(event.time));
    step(context, out);
  }

  /** Of an id that came twice the first event counts, in whatever order they come. */
  private static boolean before(FeatureRow event, FeatureRow known) {
    return event.time != known.time
        ? event.time < known.time
        : FeatureRow.compareAtOneTime(event, known) < 0;
  }

  @Override
  public void processElement2(FeatureRow outcome, Context context, Collector<FeatureRow> out)
      throws Exception {
    see(context.timerService());
    if (!outcome.history && watermark != Long.MIN_VALUE && outcome.time <= watermark - lateness) {
      ledger.increment(LATE);
      context.output(AdmitEvents.LATE, LateRows.late("outcomes", outcome, watermark));
      return;
    }
    waitingOutcomes.add(outcome);
    context.timerService().registerEventTimeTimer(expiry(outcome.time));
    step(context, out);
  }

  private void see(TimerService service) {
    time = service;
    watermark = Math.max(watermark, service.currentWatermark());
  }

  private long expiry(long time) {
    return time + within + lateness;
  }

  /** Takes what can be taken on arrival, and sets the alarm for what has to wait for its time. */
  private void step(Context context, Collector<FeatureRow> out) throws Exception {
    FeatureRow event = waitingEvent.value();
    List<FeatureRow> outcomes = outcomes();
    FeatureRow first = event == null ? null : first(outcomes, event.time);
    if (event != null && first != null) {
      long at = Math.max(event.time, first.time);
      boolean historyIsIn = watermark != Long.MIN_VALUE;
      if (order == Order.ARRIVAL || order == Order.ARRIVAL_AFTER_HISTORY && historyIsIn) {
        use(event, first, at, outcomes, context, out);
      } else {
        context.timerService().registerEventTimeTimer(at);
      }
    }
    settle(outcomes);
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<FeatureRow> out)
      throws Exception {
    FeatureRow event = waitingEvent.value();
    List<FeatureRow> outcomes = outcomes();
    FeatureRow first = event == null ? null : first(outcomes, event.time);
    if (event != null && first != null && Math.max(event.time, first.time) <= time) {
      use(event, first, Math.max(event.time, first.time), outcomes, context, out);
    } else if (event != null && expiry(event.time) <= time) {
      waitingEvent.clear();
    }
    settle(outcomes);
    int waiting = outcomes.size();
    outcomes.removeIf(outcome -> expiry(outcome.time) <= time);
    if (outcomes.size() < waiting) {
      ledger.add(UNMATCHED, waiting - outcomes.size());
      waitingOutcomes.update(outcomes);
    }
    Long answeredAt = answered.value();
    if (answeredAt != null && expiry(answeredAt) <= time) {
      answered.clear();
    }
  }

  private List<FeatureRow> outcomes() throws Exception {
    List<FeatureRow> outcomes = new ArrayList<>();
    waitingOutcomes.get().forEach(outcomes::add);
    return outcomes;
  }

  /**
   * Whether an event's time for outcomes holds one; symmetric, for either may wait for the other.
   */
  private boolean reaches(long event, long outcome) {
    return Math.abs(event - outcome) <= within;
  }

  private @Nullable FeatureRow first(List<FeatureRow> outcomes, long event) {
    FeatureRow first = null;
    for (FeatureRow outcome : outcomes) {
      if (reaches(event, outcome.time)
          && (first == null
              || outcome.time < first.time
              || (outcome.time == first.time && outcome.values[0] < first.values[0]))) {
        first = outcome;
      }
    }
    return first;
  }

  /** Gives out the row of an outcome; from then on its event has one. */
  private void use(
      FeatureRow event,
      FeatureRow outcome,
      long at,
      List<FeatureRow> outcomes,
      Context context,
      Collector<FeatureRow> out)
      throws Exception {
    outcomes.remove(outcome);
    answered.update(event.time);
    waitingEvent.clear();
    waitingOutcomes.update(outcomes);
    try {
      FeatureRow row = plan.row(names.adopt(event), outcome.values[0], at);
      row.history = outcome.history;
      ledger.increment(USED);
      out.collect(row);
    } catch (RejectedEventException e) {
      ledger.increment(DEAD);
      context.output(AdmitEvents.DEAD, deadLetter(outcome, e));
    }
  }

  /** Ends the outcomes of an event that has one. */
  private void settle(List<FeatureRow> outcomes) throws Exception {
    Long answeredAt = answered.value();
    if (answeredAt == null || outcomes.isEmpty()) {
      return;
    }
    for (FeatureRow outcome : outcomes) {
      ledger.increment(reaches(answeredAt, outcome.time) ? REPEATED : UNMATCHED);
    }
    outcomes.clear();
    waitingOutcomes.clear();
  }

  private static DeadLetter deadLetter(FeatureRow outcome, RejectedEventException broken) {
    return DeadLetter.newBuilder()
        .setStage("outcomes")
        .setReason(broken.reason())
        .setDetail(
            "%s (outcome %s of event %s, known from %s)"
                .formatted(
                    broken.detail(),
                    outcome.values[0],
                    outcome.id,
                    Instant.ofEpochMilli(outcome.time)))
        .setEventId(outcome.id)
        .setSource("outcomes")
        .setPartition(-1)
        .setOffset(-1)
        .setTimestamp(Instant.ofEpochMilli(outcome.time))
        .build();
  }
}
