package io.pelton.drift.job;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.metrics.Counter;

/**
 * Where every row ended: in = counted + late + dead, over all subtasks. Part of the checkpoint, so
 * that a restore neither loses nor doubles a row; shown as accumulators and metrics.
 */
final class Accounts {
  private static final ListStateDescriptor<long[]> DESCRIPTOR =
      new ListStateDescriptor<>("accounts", PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO);

  final LongCounter in = new LongCounter();
  final LongCounter counted = new LongCounter();
  final LongCounter late = new LongCounter();
  final LongCounter dead = new LongCounter();

  private final ListState<long[]> state;

  /** Restores what the checkpoint holds; any distribution over subtasks keeps the sums. */
  Accounts(OperatorStateStore store, RuntimeContext context) throws Exception {
    state = store.getListState(DESCRIPTOR);
    for (long[] saved : state.get()) {
      in.add(saved[0]);
      counted.add(saved[1]);
      late.add(saved[2]);
      dead.add(saved[3]);
    }
    named()
        .forEach(
            (name, total) -> {
              context.addAccumulator(name, total);
              context.getMetricGroup().counter(name, new Metric(total));
            });
  }

  /** Shows an account as a metric, so that both always agree. */
  private record Metric(LongCounter total) implements Counter {
    @Override
    public void inc() {
      inc(1);
    }

    @Override
    public void inc(long n) {
      total.add(n);
    }

    @Override
    public void dec() {
      inc(-1);
    }

    @Override
    public void dec(long n) {
      inc(-n);
    }

    @Override
    public long getCount() {
      return total.getLocalValuePrimitive();
    }
  }

  private Map<String, LongCounter> named() {
    Map<String, LongCounter> named = new LinkedHashMap<>();
    named.put(DriftMetrics.IN, in);
    named.put(DriftMetrics.COUNTED, counted);
    named.put(DriftMetrics.LATE, late);
    named.put(DriftMetrics.DEAD, dead);
    return named;
  }

  void snapshot() throws Exception {
    state.update(
        List.of(
            new long[] {
              in.getLocalValuePrimitive(),
              counted.getLocalValuePrimitive(),
              late.getLocalValuePrimitive(),
              dead.getLocalValuePrimitive()
            }));
  }
}
