package io.pelton.job;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeutils.base.LongSerializer;

/**
 * An operator's counts of records, kept in the checkpoint, so that a restore neither loses nor
 * doubles one. They show as metrics and as the job's accumulators, both under their names.
 */
public final class Ledger {
  private final String[] names;
  private final JobMetric[] metrics;
  private final long[] counts;
  private final List<ListState<Long>> states = new ArrayList<>();
  private final List<LongCounter> accumulators = new ArrayList<>();

  /**
   * @param metrics of kind {@link JobMetric.Kind#ACCOUNT}; an index below is a position in this
   *     list
   */
  public Ledger(JobMetric... metrics) {
    this("", metrics);
  }

  /**
   * One of several in a job that must not share a state or an accumulator.
   *
   * @param suffix sets its names apart from the others'; its metrics are its operator's anyway
   */
  public Ledger(String suffix, JobMetric... metrics) {
    this.metrics = metrics.clone();
    names = new String[metrics.length];
    for (int i = 0; i < names.length; i++) {
      names[i] = metrics[i].id() + suffix;
    }
    counts = new long[names.length];
  }

  /** Takes up the counts of the checkpoint; call from {@code initializeState}. */
  public void open(OperatorStateStore store, RuntimeContext context) throws Exception {
    FlinkMeters meters = new FlinkMeters(context.getMetricGroup());
    for (int i = 0; i < names.length; i++) {
      ListState<Long> state =
          store.getListState(
              new ListStateDescriptor<>("ledger-" + names[i], LongSerializer.INSTANCE));
      long sum = 0;
      for (long count : state.get()) {
        sum += count;
      }
      states.add(state);
      counts[i] = sum;
      LongCounter accumulator = new LongCounter(sum);
      accumulators.add(accumulator);
      context.addAccumulator(names[i], accumulator);
      int index = i;
      meters.account(metrics[i], () -> counts[index]);
    }
  }

  /** Writes the counts to the checkpoint; call from {@code snapshotState}. */
  public void snapshot() throws Exception {
    for (int i = 0; i < counts.length; i++) {
      states.get(i).update(List.of(counts[i]));
    }
  }

  public void increment(int index) {
    add(index, 1);
  }

  public void add(int index, long more) {
    counts[index] += more;
    accumulators.get(index).add(more);
  }

  public long count(int index) {
    return counts[index];
  }
}
