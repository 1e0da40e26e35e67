package io.pelton.benchmarks;

import io.pelton.feature.FeatureRow;
import java.util.Arrays;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/** Makes requests of several rows: of so many, or of what came within the delay. */
final class GatherRows extends AbstractStreamOperator<FeatureRow[]>
    implements OneInputStreamOperator<FeatureRow, FeatureRow[]> {
  private static final long serialVersionUID = 1;

  private final int most;
  private final int delay;
  private transient FeatureRow[] rows;
  private transient int size;
  private transient long deadline;
  private transient boolean timerPending;

  /**
   * @param delay milliseconds from the first row's arrival
   */
  @SuppressWarnings("NullAway.Init") // Flink calls open() on the copy that it ships
  GatherRows(int most, int delay) {
    this.most = most;
    this.delay = delay;
  }

  @Override
  public void open() {
    rows = new FeatureRow[most];
  }

  @Override
  public void processElement(StreamRecord<FeatureRow> element) {
    rows[size++] = element.getValue();
    if (size == most) {
      give();
    } else if (size == 1) {
      deadline = getProcessingTimeService().getCurrentProcessingTime() + delay;
      if (!timerPending) {
        awaitDeadline();
      }
    }
  }

  private void awaitDeadline() {
    timerPending = true;
    getProcessingTimeService().registerTimer(deadline, this::onTimer);
  }

  private void onTimer(long time) {
    timerPending = false;
    if (size > 0 && time >= deadline) {
      give();
    } else if (size > 0) {
      awaitDeadline();
    }
  }

  private void give() {
    output.collect(new StreamRecord<>(Arrays.copyOf(rows, size)));
    size = 0;
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) {
    if (size > 0) {
      give();
    }
  }
}
