package io.pelton.inference.job;

import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.jspecify.annotations.Nullable;

/**
 * How many rows came in, were scored, and died: part of the checkpoint, so that a restore neither
 * loses nor doubles one. Whenever a batch has been flushed, in = out + dead.
 */
final class Accounting {
  static final String IN = "inference.in";
  static final String OUT = "inference.out";
  static final String DEAD = "inference.dead";
  private static final String STATE = "rows-in-out-dead";

  private final ListState<long[]> state;
  private long in;
  private long out;
  private long dead;
  private @Nullable LongCounter inCounter;
  private @Nullable LongCounter outCounter;
  private @Nullable LongCounter deadCounter;

  Accounting(StateInitializationContext context) throws Exception {
    state =
        context
            .getOperatorStateStore()
            .getListState(
                new ListStateDescriptor<>(
                    STATE, PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO));
    // After a change of parallelism a subtask finds the counts of several, or of none.
    for (long[] counts : state.get()) {
      in += counts[0];
      out += counts[1];
      dead += counts[2];
    }
  }

  void register(RuntimeContext context) {
    inCounter = register(context, IN, in);
    outCounter = register(context, OUT, out);
    deadCounter = register(context, DEAD, dead);
  }

  void add(long scored, long died) {
    in += scored + died;
    out += scored;
    dead += died;
    if (inCounter != null && outCounter != null && deadCounter != null) {
      inCounter.add(scored + died);
      outCounter.add(scored);
      deadCounter.add(died);
    }
  }

  void snapshot() throws Exception {
    state.clear();
    state.add(new long[] {in, out, dead});
  }

  private static LongCounter register(RuntimeContext context, String name, long restored) {
    LongCounter counter = new LongCounter(restored);
    context.addAccumulator(name, counter);
    return counter;
  }
}
