package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Counts rows whose last value is a label, and gives those without one the given label. */
final class FillLabels extends ProcessFunction<FeatureRow, FeatureRow>
    implements CheckpointedFunction {
  private static final long serialVersionUID = 1;
  private static final int LABELLED = 0;
  private static final int UNLABELLED = 1;

  private final double unlabelled;
  private transient @Nullable Ledger ledger;

  /**
   * @param unlabelled NaN to leave them without
   */
  FillLabels(double unlabelled) {
    this.unlabelled = unlabelled;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    ledger = new Ledger(JobMetric.TRAINING_LABELLED, JobMetric.TRAINING_UNLABELLED);
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
  public void processElement(FeatureRow row, Context context, Collector<FeatureRow> out) {
    int label = row.values.length - 1;
    boolean labelled = !Double.isNaN(row.values[label]);
    ledger().increment(labelled ? LABELLED : UNLABELLED);
    if (!labelled) {
      row.values[label] = unlabelled;
    }
    out.collect(row);
  }
}
