package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Parts outcomes, or rows of tables, from records that cannot be used as such; counts both. */
final class AdmitRecords extends ProcessFunction<Incoming, FeatureRow>
    implements CheckpointedFunction {
  private static final long serialVersionUID = 1;
  private static final int IN = 0;
  private static final int DEAD = 1;

  private final @Nullable String label;
  private final JobMetric in;
  private final JobMetric dead;
  private transient @Nullable Ledger ledger;

  /**
   * @param label the outcomes' field with it; null for rows of tables
   * @param in counter of all that come
   * @param dead counter of those that cannot be used
   */
  AdmitRecords(@Nullable String label, JobMetric in, JobMetric dead) {
    this.label = label;
    this.in = in;
    this.dead = dead;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    ledger = new Ledger(in, dead);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
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
  public void processElement(Incoming incoming, Context context, Collector<FeatureRow> out) {
    ledger().increment(IN);
    FeatureRow row = incoming.row;
    if (row != null && (label == null || !Double.isNaN(row.values[0]))) {
      out.collect(row);
      return;
    }
    ledger().increment(DEAD);
    Incoming refused = row == null ? incoming : refused(incoming, row);
    context.output(
        AdmitEvents.DEAD, AdmitEvents.deadLetter(refused, AdmitEvents.rejection(refused)));
  }

  private Incoming refused(Incoming incoming, FeatureRow row) {
    return incoming.with(
        new Incoming.Rejection(
            "validate",
            "missing-label",
            "field \"" + label + "\", the outcome's label, is null",
            null,
            row.id,
            false));
  }
}
