package io.pelton.benchmarks;

import java.util.Iterator;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Sliding sums as one writes them first: a map state of times and amounts, scanned once an event
 * for all windows, what is older than the widest taken out in passing. On arrival.
 */
final class SumsByHand extends KeyedProcessFunction<Long, CardPayment, CardPayment.Sums> {
  private static final long serialVersionUID = 1;

  private final long[] widths;
  private transient @Nullable MapState<Long, Double> amounts;

  /**
   * @param widths of the windows, milliseconds, from the narrowest
   */
  SumsByHand(long[] widths) {
    this.widths = widths.clone();
  }

  @Override
  public void open(OpenContext context) {
    amounts =
        getRuntimeContext()
            .getMapState(new MapStateDescriptor<>("amounts", Types.LONG, Types.DOUBLE));
  }

  @Override
  public void processElement(CardPayment payment, Context context, Collector<CardPayment.Sums> out)
      throws Exception {
    MapState<Long, Double> state = amounts;
    if (state == null) {
      throw new IllegalStateException("not open");
    }
    Double same = state.get(payment.time);
    state.put(payment.time, same == null ? payment.amount : same + payment.amount);
    double[] sums = new double[widths.length];
    Iterator<Map.Entry<Long, Double>> all = state.iterator();
    while (all.hasNext()) {
      Map.Entry<Long, Double> event = all.next();
      long age = payment.time - event.getKey();
      if (age >= widths[widths.length - 1]) {
        all.remove();
        continue;
      }
      double amount = event.getValue();
      for (int i = widths.length - 1; i >= 0 && age < widths[i]; i--) {
        sums[i] += amount;
      }
    }
    out.collect(new CardPayment.Sums(payment.id, sums));
  }
}
