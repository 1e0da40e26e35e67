package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.feature.LabelRule;
import io.pelton.job.FeatureRowSerializer;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Gives rows, keyed by event id, the label that their outcomes make, as their last value. A batch
 * brings the rows and outcomes of an id together; its timer comes when all of them are there.
 */
final class JoinLabels extends KeyedCoProcessFunction<String, FeatureRow, FeatureRow, FeatureRow>
    implements CheckpointedFunction {
  private static final long serialVersionUID = 1;
  private static final int LABELLED = 0;
  private static final int UNLABELLED = 1;
  private static final int OPEN = 2;
  private static final int UNMATCHED = 3;

  private final LabelRule rule;
  private transient @Nullable Ledger ledger;
  private transient @Nullable ListState<FeatureRow> rows;
  private transient @Nullable ListState<FeatureRow> outcomes;

  JoinLabels(LabelRule rule) {
    this.rule = rule;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    ledger =
        new Ledger(
            JobMetric.TRAINING_LABELLED,
            JobMetric.TRAINING_UNLABELLED,
            JobMetric.TRAINING_OPEN,
            JobMetric.OUTCOMES_UNMATCHED);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    rows = context.getKeyedStateStore().getListState(state("rows"));
    outcomes = context.getKeyedStateStore().getListState(state("outcomes"));
  }

  private static ListStateDescriptor<FeatureRow> state(String name) {
    return new ListStateDescriptor<>(name, FeatureRowSerializer.INSTANCE);
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    opened(ledger).snapshot();
  }

  private static <T> T opened(@Nullable T state) {
    if (state == null) {
      throw new IllegalStateException("used before its state was initialized");
    }
    return state;
  }

  @Override
  public void processElement1(FeatureRow row, Context context, Collector<FeatureRow> out)
      throws Exception {
    opened(rows).add(row);
    context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
  }

  @Override
  public void processElement2(FeatureRow outcome, Context context, Collector<FeatureRow> out)
      throws Exception {
    opened(outcomes).add(outcome);
    context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<FeatureRow> out)
      throws Exception {
    Ledger ledger = opened(this.ledger);
    List<FeatureRow> known = new ArrayList<>();
    opened(outcomes).get().forEach(known::add);
    boolean matched = false;
    for (FeatureRow row : opened(rows).get()) {
      matched = true;
      LabelRule.Outcomes label = rule.of(row.time);
      known.forEach(outcome -> label.add(outcome.time, outcome.values[0]));
      ledger.increment(label.found() ? LABELLED : label.open() ? OPEN : UNLABELLED);
      row.values = Arrays.copyOf(row.values, row.values.length + 1);
      row.values[row.values.length - 1] = label.label();
      out.collect(row);
    }
    if (!matched) {
      ledger.add(UNMATCHED, known.size());
    }
    opened(rows).clear();
    opened(outcomes).clear();
  }
}
