package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import org.apache.flink.api.common.accumulators.LongMaximum;
import org.apache.flink.api.common.accumulators.LongMinimum;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFilterFunction;

/** Rows of a training set's range; tells the first and the last event time that there was. */
final class RowsOfRange extends RichFilterFunction<FeatureRow> {
  private static final long serialVersionUID = 1;

  private final TrainingSetTopology.Range range;
  private final LongMinimum first = new LongMinimum();
  private final LongMaximum last = new LongMaximum();

  RowsOfRange(TrainingSetTopology.Range range) {
    this.range = range;
  }

  @Override
  public void open(OpenContext context) {
    getRuntimeContext().addAccumulator(TrainingSetTopology.FIRST, first);
    getRuntimeContext().addAccumulator(TrainingSetTopology.LAST, last);
  }

  @Override
  public boolean filter(FeatureRow row) {
    first.add(row.time);
    last.add(row.time);
    return range.holds(row.time);
  }
}
