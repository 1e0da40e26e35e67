package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureRowSerializer;
import io.pelton.parity.ParityRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Pairs the rows of one event id, of the log and of the replay, by event time; of one that came
 * twice, in the order of (time, what they hold). A batch brings all rows of an id together; its
 * timer comes when all of them are there.
 */
final class PairRows extends KeyedCoProcessFunction<String, FeatureRow, FeatureRow, ParityRow> {
  private static final long serialVersionUID = 1;
  private static final Comparator<FeatureRow> ORDER =
      Comparator.<FeatureRow>comparingLong(row -> row.time)
          .thenComparing(FeatureRow::compareAtOneTime);

  private transient @Nullable ListState<FeatureRow> logged;
  private transient @Nullable ListState<FeatureRow> replayed;

  @Override
  public void open(OpenContext context) {
    logged = getRuntimeContext().getListState(state("logged"));
    replayed = getRuntimeContext().getListState(state("replayed"));
  }

  private static ListStateDescriptor<FeatureRow> state(String name) {
    return new ListStateDescriptor<>(name, FeatureRowSerializer.INSTANCE);
  }

  private static ListState<FeatureRow> opened(@Nullable ListState<FeatureRow> state) {
    if (state == null) {
      throw new IllegalStateException("used before it was opened");
    }
    return state;
  }

  @Override
  public void processElement1(FeatureRow row, Context context, Collector<ParityRow> out)
      throws Exception {
    opened(logged).add(row);
    context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
  }

  @Override
  public void processElement2(FeatureRow row, Context context, Collector<ParityRow> out)
      throws Exception {
    opened(replayed).add(row);
    context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<ParityRow> out)
      throws Exception {
    List<FeatureRow> left = sorted(opened(logged));
    List<FeatureRow> right = sorted(opened(replayed));
    int l = 0;
    int r = 0;
    while (l < left.size() || r < right.size()) {
      int order =
          l == left.size()
              ? 1
              : r == right.size() ? -1 : Long.compare(left.get(l).time, right.get(r).time);
      out.collect(
          ParityRow.of(order <= 0 ? left.get(l++) : null, order >= 0 ? right.get(r++) : null));
    }
  }

  private static List<FeatureRow> sorted(ListState<FeatureRow> state) throws Exception {
    List<FeatureRow> rows = new ArrayList<>();
    state.get().forEach(rows::add);
    rows.sort(ORDER);
    state.clear();
    return rows;
  }
}
