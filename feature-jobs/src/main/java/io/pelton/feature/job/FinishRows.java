package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Ledger;
import java.util.Arrays;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Leaves the inputs of aggregates behind and counts the rows that go out; rows that only filled the
 * state end here.
 */
final class FinishRows extends ProcessFunction<FeatureRow, FeatureRow>
    implements CheckpointedFunction {
  private static final long serialVersionUID = 1;

  private final int featureCount;
  private transient @Nullable Ledger ledger;

  FinishRows(int featureCount) {
    this.featureCount = featureCount;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    ledger = new Ledger(FeatureMetrics.ROWS_OUT, FeatureMetrics.HISTORY);
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
    if (row.history) {
      ledger().increment(1);
      return;
    }
    row.values = Arrays.copyOf(row.values, featureCount);
    ledger().increment(0);
    out.collect(row);
  }
}
