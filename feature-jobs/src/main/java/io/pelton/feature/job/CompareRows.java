package io.pelton.feature.job;

import io.pelton.parity.ParityRow;
import io.pelton.parity.ParityTally;
import java.util.List;
import org.apache.flink.api.common.accumulators.Accumulator;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/** Compares rows of a time range; the tally is the job's accumulator when all are there. */
final class CompareRows extends AbstractStreamOperator<Void>
    implements OneInputStreamOperator<ParityRow, Void>, BoundedOneInput {
  private static final long serialVersionUID = 1;

  private final List<String> features;
  private final List<String> maps;
  private final long from;
  private final long to;
  private final ParityTally tally;

  CompareRows(List<String> features, List<String> maps, long from, long to) {
    this.features = features;
    this.maps = maps;
    this.from = from;
    this.to = to;
    tally = new ParityTally(features, maps);
  }

  @Override
  public void processElement(StreamRecord<ParityRow> element) {
    ParityRow row = element.getValue();
    if (row.time >= from && row.time < to) {
      tally.add(row);
    }
  }

  @Override
  public void endInput() {
    // Only now: accumulators are read by another thread while the job runs.
    getRuntimeContext().addAccumulator(ParityTopology.TALLY, new Tally(features, maps, tally));
  }

  /** Tallies of subtasks add up. */
  private static final class Tally implements Accumulator<ParityTally, ParityTally> {
    private static final long serialVersionUID = 1;

    private final List<String> features;
    private final List<String> maps;
    private ParityTally tally;

    Tally(List<String> features, List<String> maps, ParityTally tally) {
      this.features = features;
      this.maps = maps;
      this.tally = tally;
    }

    @Override
    public void add(ParityTally more) {
      tally.merge(more);
    }

    @Override
    public ParityTally getLocalValue() {
      return tally;
    }

    @Override
    public void resetLocal() {
      tally = new ParityTally(features, maps);
    }

    @Override
    public void merge(Accumulator<ParityTally, ParityTally> other) {
      tally.merge(other.getLocalValue());
    }

    @Override
    public Accumulator<ParityTally, ParityTally> clone() {
      ParityTally copy = new ParityTally(features, maps);
      copy.merge(tally);
      return new Tally(features, maps, copy);
    }
  }
}
