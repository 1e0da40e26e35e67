package io.pelton.drift.performance;

import io.pelton.drift.Segment;
import io.pelton.performance.ScoreTally;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * Counts findings where they are made, before anything is shuffled again. Counts add up downstream,
 * so they are handed on in pieces: when a step closes, before a checkpoint, which is why they are
 * in no state, when the input falls idle, and when there are many.
 */
@SuppressWarnings("NullAway.Init") // Flink opens it before anything else.
final class LocalFindings extends AbstractStreamOperator<PartialFindings>
    implements OneInputStreamOperator<Finding, PartialFindings>, BoundedOneInput {
  /** Findings held at once; each takes up to a few hundred bytes where all steps differ. */
  private static final int MOST_HELD = 1 << 18;

  private static final long serialVersionUID = 1;

  private record Slot(VariantKey key, WindowStep step) {}

  private final Windows windows;
  private transient Map<Slot, ScoreTally> open;
  private transient int held;
  private transient long nextClosing;

  LocalFindings(Windows windows) {
    this.windows = windows;
  }

  @Override
  public void open() throws Exception {
    super.open();
    open = new HashMap<>();
    nextClosing = Long.MAX_VALUE;
  }

  @Override
  public void processElement(StreamRecord<Finding> element) {
    Finding finding = element.getValue();
    String segment = finding.scored().segment();
    count(finding, Segment.ALL);
    if (!segment.equals(Segment.ALL)) {
      count(finding, segment);
    }
    if (held >= MOST_HELD) {
      handOn();
    }
  }

  private void count(Finding finding, String segment) {
    Scored scored = finding.scored();
    long start = windows.start(scored.time());
    WindowStep step = new WindowStep(start, windows.step(start, finding.at()));
    ScoreTally tally =
        open.computeIfAbsent(
            new Slot(VariantKey.of(scored, segment), step), slot -> new ScoreTally());
    if (finding.label() == null) {
      tally.predicted(scored.score(), scored.missing(), finding.times());
    } else {
      tally.happened(scored.score(), finding.label(), finding.times());
    }
    nextClosing = Math.min(nextClosing, windows.closing(start, step.step()));
    held++;
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    if (nextClosing <= mark.getTimestamp()) {
      handOn();
    }
    super.processWatermark(mark);
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
    handOn();
    super.prepareSnapshotPreBarrier(checkpoint);
  }

  /** Others move the watermark on while this subtask is idle, so it must not hold anything back. */
  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    if (status.isIdle()) {
      handOn();
    }
    super.processWatermarkStatus(status);
  }

  @Override
  public void endInput() {
    handOn();
  }

  private void handOn() {
    open.forEach(
        (slot, tally) ->
            output.collect(
                new StreamRecord<>(
                    new PartialFindings(slot.key(), slot.step(), tally.counts().toBytes()))));
    open.clear();
    held = 0;
    nextClosing = Long.MAX_VALUE;
  }
}
