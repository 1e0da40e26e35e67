package io.pelton.feature.job;

import io.pelton.feature.FeatureBounds;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.RejectedEventException;
import io.pelton.job.Ledger;
import io.pelton.job.RowJson;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.schemas.DeadLetter;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Leaves the inputs of aggregates behind, holds windowed features to their bounds and counts the
 * rows that go out; rows that only filled the state end here.
 */
final class FinishRows extends ProcessFunction<FeatureRow, FeatureRow>
    implements CheckpointedFunction {
  static final OutputTag<DeadLetter> DEAD =
      new OutputTag<>("dead-rows", new SpecificRecordTypeInfo<>(DeadLetter.class));

  private static final long serialVersionUID = 1;
  private static final int OUT = 0;
  private static final int HISTORY = 1;
  private static final int DEAD_COUNT = 2;
  private static final int DEFAULTED = 3;

  private final List<String> features;
  private final @Nullable FeatureBounds bounds;
  private transient @Nullable RuleCounters rules;
  private transient Consumer<String> countDefaulted;
  private transient @Nullable Ledger ledger;

  /**
   * @param features names of the feature columns
   * @param bounds of windowed features, null when they have none
   */
  @SuppressWarnings("NullAway.Init")
  FinishRows(List<String> features, @Nullable FeatureBounds bounds) {
    this.features = features;
    this.bounds = bounds;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    ledger =
        new Ledger(
            FeatureMetrics.ROWS_OUT,
            FeatureMetrics.HISTORY,
            FeatureMetrics.ROWS_DEAD,
            FeatureMetrics.ROWS_DEFAULTED);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    countDefaulted = this::countDefaulted;
    rules =
        new RuleCounters(
            bounds == null ? List.of() : bounds.rules(), getRuntimeContext().getMetricGroup());
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    ledger().snapshot();
  }

  private Ledger ledger() {
    if (ledger == null) {
      throw new IllegalStateException("used before its state was initialized");
    }
    return ledger;
  }

  @Override
  public void processElement(FeatureRow row, Context context, Collector<FeatureRow> out) {
    if (row.history) {
      ledger().increment(HISTORY);
      return;
    }
    row.values = Arrays.copyOf(row.values, features.size());
    if (bounds == null || holds(row, bounds, context)) {
      ledger().increment(OUT);
      out.collect(row);
    }
  }

  private boolean holds(FeatureRow row, FeatureBounds declared, Context context) {
    int broken = declared.settle(row.values, countDefaulted);
    if (broken < 0) {
      return true;
    }
    String detail = declared.detail(broken, row.values);
    if (declared.fatal(broken)) {
      throw BrokenRuleException.of(row, detail);
    }
    String rule = declared.brokenRule(broken, row.values);
    ledger().increment(DEAD_COUNT);
    rules().broken(rule);
    context.output(DEAD, deadLetter(row, rule, detail));
    return false;
  }

  private void countDefaulted(String rule) {
    ledger().increment(DEFAULTED);
    rules().defaulted(rule);
  }

  private RuleCounters rules() {
    if (rules == null) {
      throw new IllegalStateException("used before its state was initialized");
    }
    return rules;
  }

  /** The event's own bytes and place stayed with its source; id, time and keys lead back to it. */
  private DeadLetter deadLetter(FeatureRow row, String rule, String detail) {
    return DeadLetter.newBuilder()
        .setStage("features")
        .setReason(RejectedEventException.RULE)
        .setDetail(
            "%s (event %s of %s, keys %s)"
                .formatted(
                    detail, row.id, Instant.ofEpochMilli(row.time), String.join(", ", row.keys)))
        .setRule(rule)
        .setEventId(row.id)
        .setSource("events")
        .setPartition(-1)
        .setOffset(-1)
        .setTimestamp(Instant.ofEpochMilli(row.time))
        .setValue(ByteBuffer.wrap(RowJson.of(row, features, row.values)))
        .build();
  }
}
