package io.pelton.drift.performance;

import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.schemas.Outcome;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Joins predictions, keyed by event id, with their outcomes: whichever comes first waits for the
 * other, as long as an outcome may come. Findings are given out as they are made; where a later
 * record turns out to come before one that was taken, that one's finding is taken back, so that
 * what is counted in the end does not depend on the order of arrival.
 */
@SuppressWarnings("NullAway.Init") // Flink initializes state before anything else.
final class MatchOutcomes
    extends KeyedCoProcessFunction<String, Tuple2<String, Scored>, Outcome, Finding>
    implements CheckpointedFunction {
  private static final long serialVersionUID = 1;
  private static final int COUNTED = 0;
  private static final int REPEATED = 1;
  private static final int LATE = 2;
  private static final int OUTCOMES_IN = 3;
  private static final int JOINED = 4;
  private static final int UNMATCHED = 5;
  private static final int OUTCOMES_REPEATED = 6;

  private final Windows windows;
  private transient Ledger ledger;
  private transient ValueState<Scored> prediction;

  /** Those that wait for a prediction, and the one that a prediction has. */
  private transient ListState<Reported> outcomes;

  MatchOutcomes(Windows windows) {
    this.windows = windows;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    ledger =
        new Ledger(
            JobMetric.PERFORMANCE_COUNTED,
            JobMetric.PERFORMANCE_REPEATED,
            JobMetric.PERFORMANCE_LATE,
            JobMetric.PERFORMANCE_OUTCOMES_IN,
            JobMetric.PERFORMANCE_OUTCOMES_JOINED,
            JobMetric.PERFORMANCE_OUTCOMES_UNMATCHED,
            JobMetric.PERFORMANCE_OUTCOMES_REPEATED);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    prediction =
        context
            .getKeyedStateStore()
            .getState(new ValueStateDescriptor<>("prediction", TypeInformation.of(Scored.class)));
    outcomes =
        context
            .getKeyedStateStore()
            .getListState(
                new ListStateDescriptor<>("outcomes", TypeInformation.of(Reported.class)));
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    ledger.snapshot();
  }

  @Override
  public void processElement1(
      Tuple2<String, Scored> identified, Context context, Collector<Finding> out) throws Exception {
    Scored scored = identified.f1;
    if (isOver(scored.time(), context.timerService())) {
      ledger.increment(LATE);
      return;
    }
    Scored known = prediction.value();
    if (known != null) {
      ledger.increment(REPEATED);
      if (Scored.ORDER.compare(scored, known) >= 0) {
        return;
      }
    } else {
      ledger.increment(COUNTED);
    }
    List<Reported> waiting = waiting();
    if (known != null) {
      Reported joined = first(waiting, known);
      count(known, joined, -1, out);
      ledger.add(JOINED, joined == null ? 0 : -1);
      // One that had a prediction may have none now, and then waits.
      waiting.forEach(
          outcome -> context.timerService().registerEventTimeTimer(windows.expiry(outcome.time())));
    }
    prediction.update(scored);
    context.timerService().registerEventTimeTimer(windows.expiry(scored.time()));
    Reported first = first(waiting, scored);
    count(scored, first, 1, out);
    if (first != null) {
      ledger.increment(JOINED);
      int before = waiting.size();
      waiting.removeIf(
          outcome -> outcome != first && windows.reaches(scored.time(), outcome.time()));
      ledger.add(OUTCOMES_REPEATED, before - waiting.size());
      outcomes.update(waiting);
    }
  }

  @Override
  public void processElement2(Outcome outcome, Context context, Collector<Finding> out)
      throws Exception {
    ledger.increment(OUTCOMES_IN);
    Reported reported = new Reported(outcome.getReportedAt().toEpochMilli(), outcome.getLabel());
    if (isOver(reported.time(), context.timerService())) {
      ledger.increment(UNMATCHED);
      return;
    }
    Scored known = prediction.value();
    if (known == null || !windows.reaches(known.time(), reported.time())) {
      outcomes.add(reported);
      context.timerService().registerEventTimeTimer(windows.expiry(reported.time()));
      return;
    }
    List<Reported> waiting = waiting();
    Reported joined = first(waiting, known);
    if (joined == null) {
      ledger.increment(JOINED);
      outcomes.add(reported);
      out.collect(finding(known, reported, 1));
      return;
    }
    ledger.increment(OUTCOMES_REPEATED);
    if (Reported.ORDER.compare(reported, joined) < 0) {
      waiting.remove(joined);
      waiting.add(reported);
      outcomes.update(waiting);
      out.collect(finding(known, joined, -1));
      out.collect(finding(known, reported, 1));
    }
  }

  private boolean isOver(long time, TimerService service) {
    return windows.expiry(time) <= service.currentWatermark();
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<Finding> out) throws Exception {
    List<Reported> waiting = waiting();
    int before = waiting.size();
    Scored known = prediction.value();
    Reported joined = known == null ? null : first(waiting, known);
    int unmatched = 0;
    for (Reported outcome : List.copyOf(waiting)) {
      if (outcome != joined && windows.expiry(outcome.time()) <= time) {
        waiting.remove(outcome);
        unmatched++;
      }
    }
    ledger.add(UNMATCHED, unmatched);
    if (known != null && windows.expiry(known.time()) <= time) {
      prediction.clear();
      waiting.remove(joined);
    }
    if (waiting.size() < before) {
      outcomes.update(waiting);
    }
  }

  private List<Reported> waiting() throws Exception {
    List<Reported> waiting = new ArrayList<>();
    outcomes.get().forEach(waiting::add);
    return waiting;
  }

  private @Nullable Reported first(List<Reported> waiting, Scored scored) {
    Reported first = null;
    for (Reported outcome : waiting) {
      if (windows.reaches(scored.time(), outcome.time())
          && (first == null || Reported.ORDER.compare(outcome, first) < 0)) {
        first = outcome;
      }
    }
    return first;
  }

  private static void count(
      Scored scored, @Nullable Reported outcome, int times, Collector<Finding> out) {
    out.collect(new Finding(scored, scored.time(), null, times));
    if (outcome != null) {
      out.collect(finding(scored, outcome, times));
    }
  }

  /** Nothing is known of an event before it happens. */
  private static Finding finding(Scored scored, Reported outcome, int times) {
    return new Finding(scored, Math.max(scored.time(), outcome.time()), outcome.label(), times);
  }
}
