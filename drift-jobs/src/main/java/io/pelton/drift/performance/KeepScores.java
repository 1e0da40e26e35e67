package io.pelton.drift.performance;

import io.pelton.job.JobMetric;
import io.pelton.job.Ledger;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.performance.ScoreCounts;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;

/** Keeps of predictions, by event id, what is small: the first output as the score, no features. */
@SuppressWarnings("NullAway.Init") // Flink initializes state before anything else.
final class KeepScores extends ProcessFunction<ScoredRow, Tuple2<String, Scored>>
    implements CheckpointedFunction {
  private static final long serialVersionUID = 1;
  private static final int IN = 0;
  private static final int DECLARED = 1;
  private static final int UNSCORED = 2;

  private final Segments segments;
  private final Evaluations source;
  private transient KnownEvaluations evaluations;
  private transient Ledger ledger;

  KeepScores(Segments segments, Evaluations source) {
    this.segments = segments;
    this.source = source;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    evaluations = new KnownEvaluations(source);
    ledger =
        new Ledger(
            JobMetric.PERFORMANCE_IN,
            JobMetric.PERFORMANCE_DECLARED,
            JobMetric.PERFORMANCE_UNSCORED);
    ledger.open(context.getOperatorStateStore(), getRuntimeContext());
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    ledger.snapshot();
  }

  @Override
  public void processElement(
      ScoredRow row, Context context, Collector<Tuple2<String, Scored>> out) {
    ledger.increment(IN);
    if (row.served.version() == ServedVersion.DECLARED) {
      ledger.increment(DECLARED);
      return;
    }
    if (row.outputs.length == 0 || !Double.isFinite(row.outputs[0])) {
      ledger.increment(UNSCORED);
      return;
    }
    out.collect(
        Tuple2.of(
            row.id,
            new Scored(
                row.time,
                row.served.model(),
                row.served.version(),
                row.served.variant(),
                segments.of(row, evaluations),
                ScoreCounts.millionths(row.outputs[0]),
                missing(row.features))));
  }

  private static boolean missing(double[] features) {
    for (double feature : features) {
      if (Double.isNaN(feature)) {
        return true;
      }
    }
    return false;
  }
}
