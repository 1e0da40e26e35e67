package io.pelton.feature.job;

import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.RejectedEventException;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.job.RowJson;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import java.nio.ByteBuffer;
import java.time.Instant;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Computes what reads windowed features, holds features to their bounds, leaves the inputs of
 * aggregates behind and counts the rows that go out; rows that only filled the state end here.
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
  private static final int LATE_INCLUDED = 4;

  private final PipelineDefinition pipeline;
  private transient FeaturePlan plan;
  private transient RuleCounters rules;
  private transient @Nullable Ledger ledger;

  @SuppressWarnings("NullAway.Init")
  FinishRows(PipelineDefinition pipeline) {
    this.pipeline = pipeline;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    ledger =
        new Ledger(
            JobMetric.FEATURE_OUT,
            JobMetric.FEATURE_HISTORY,
            JobMetric.FEATURE_DEAD_ROWS,
            JobMetric.FEATURE_DEFAULTED_ROWS,
            JobMetric.FEATURE_LATE_INCLUDED);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    plan = new FeaturePlan(pipeline);
    rules =
        new RuleCounters(FeaturePlan.finalRules(pipeline), getRuntimeContext().getMetricGroup());
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
    if (row.late) {
      // The late events are counted where they were found late.
      ledger().add(LATE_INCLUDED, row.entered ? 1 : 0);
      return;
    }
    if (row.history) {
      ledger().increment(HISTORY);
      return;
    }
    try {
      plan.finish(row);
      ledger().increment(OUT);
      out.collect(row);
    } catch (RejectedEventException e) {
      if (e.fatal()) {
        throw BrokenRuleException.of(row, e.detail());
      }
      ledger().increment(DEAD_COUNT);
      if (e.rule() != null) {
        rules.broken(e.rule());
      }
      context.output(DEAD, deadLetter(row, e));
    }
    for (String rule : plan.takeReplaced()) {
      ledger().increment(DEFAULTED);
      rules.defaulted(rule);
    }
  }

  /** The event's own bytes and place stayed with its source; id, time and keys lead back to it. */
  private DeadLetter deadLetter(FeatureRow row, RejectedEventException broken) {
    return DeadLetter.newBuilder()
        .setStage("features")
        .setReason(broken.reason())
        .setDetail(
            "%s (event %s of %s, keys %s)"
                .formatted(
                    broken.detail(),
                    row.id,
                    Instant.ofEpochMilli(row.time),
                    String.join(", ", row.keys)))
        .setRule(broken.rule())
        .setEventId(row.id)
        .setSource("events")
        .setPartition(-1)
        .setOffset(-1)
        .setTimestamp(Instant.ofEpochMilli(row.time))
        .setValue(ByteBuffer.wrap(RowJson.of(row, pipeline.featureNames(), row.values)))
        .build();
  }
}
