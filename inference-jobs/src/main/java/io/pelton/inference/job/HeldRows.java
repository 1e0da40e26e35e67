package io.pelton.inference.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureRowTypeInfo;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.jspecify.annotations.Nullable;

/**
 * Rows of and after the event time of a change, while the subtasks agree on it, with the watermark
 * that came behind them. They are part of a checkpoint.
 */
final class HeldRows {
  private static final ListStateDescriptor<FeatureRow> ROWS =
      new ListStateDescriptor<>("held-rows", new FeatureRowTypeInfo());

  /** Where they go when it is decided. */
  interface Next {
    void row(FeatureRow row) throws Exception;

    void watermark(Watermark mark) throws Exception;

    void status(WatermarkStatus status) throws Exception;
  }

  private final int limit;
  private final ListState<FeatureRow> state;
  private List<FeatureRow> rows = new ArrayList<>();
  private @Nullable Watermark mark;
  private @Nullable WatermarkStatus status;

  /**
   * @param limit rows, above which {@link #full} holds
   */
  HeldRows(int limit, OperatorStateStore store) throws Exception {
    this.limit = limit;
    state = store.getListState(ROWS);
    state.get().forEach(rows::add);
  }

  void add(FeatureRow row) {
    rows.add(row);
  }

  boolean isEmpty() {
    return rows.isEmpty();
  }

  boolean full() {
    return rows.size() >= limit;
  }

  int size() {
    return rows.size();
  }

  void add(Watermark next) {
    mark = next;
  }

  void add(WatermarkStatus next) {
    status = next;
  }

  void snapshot() throws Exception {
    state.update(rows);
  }

  /** Hands on all that came before now, in order. */
  void release(Next next) throws Exception {
    List<FeatureRow> released = rows;
    Watermark behind = mark;
    WatermarkStatus last = status;
    rows = new ArrayList<>();
    mark = null;
    status = null;
    for (FeatureRow row : released) {
      next.row(row);
    }
    if (behind != null) {
      next.watermark(behind);
    }
    if (last != null) {
      next.status(last);
    }
  }
}
