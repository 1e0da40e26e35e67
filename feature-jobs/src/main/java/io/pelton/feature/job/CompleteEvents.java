package io.pelton.feature.job;

import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.RejectedEventException;
import io.pelton.job.Incoming;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import java.util.Objects;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * Checks the rules and computes the row features of events that were joined with tables of topics,
 * which an event without such tables has behind it when it is decoded.
 */
final class CompleteEvents<T> extends ProcessFunction<Incoming, T> implements CheckpointedFunction {
  static final OutputTag<DeadLetter> DEAD =
      new OutputTag<>("dead-joined", new SpecificRecordTypeInfo<>(DeadLetter.class));

  private static final long serialVersionUID = 1;
  private static final int DEAD_COUNT = 0;
  private static final int DEFAULTED = 1;

  private final PipelineDefinition pipeline;
  private final AdmitEvents.Passing<T> passing;
  private transient @Nullable FeaturePlan plan;
  private transient @Nullable RuleCounters rules;
  private transient @Nullable Ledger ledger;

  CompleteEvents(PipelineDefinition pipeline, AdmitEvents.Passing<T> passing) {
    this.pipeline = pipeline;
    this.passing = passing;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    plan = new FeaturePlan(pipeline);
    ledger = new Ledger(JobMetric.FEATURE_DEAD_JOINED, JobMetric.FEATURE_DEFAULTED_JOINED);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
    rules = new RuleCounters(FeaturePlan.rules(pipeline), getRuntimeContext().getMetricGroup());
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    Objects.requireNonNull(ledger).snapshot();
  }

  @Override
  public void processElement(Incoming event, Context context, Collector<T> out) {
    FeaturePlan features = Objects.requireNonNull(plan);
    Ledger counts = Objects.requireNonNull(ledger);
    RuleCounters broken = Objects.requireNonNull(rules);
    FeatureRow joined = DeduplicateEvents.row(event);
    try {
      out.collect(passing.of(event, features.complete(joined)));
    } catch (RejectedEventException e) {
      Incoming.Rejection rejection = Incoming.Rejection.of(e);
      if (rejection.fatal()) {
        throw BrokenRuleException.of(event, rejection);
      }
      if (rejection.rule() != null) {
        broken.broken(rejection.rule());
      }
      // A late event is accounted for as such already, with its bytes.
      if (!joined.late) {
        counts.increment(DEAD_COUNT);
        context.output(DEAD, AdmitEvents.deadLetter(event, rejection));
      }
    }
    for (String rule : features.takeReplaced()) {
      counts.increment(DEFAULTED);
      broken.defaulted(rule);
    }
  }
}
