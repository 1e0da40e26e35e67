package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

/** Out of order by 10, silent after 1000. */
class TableGateTest {
  private static final class Harness extends OneInputStreamOperatorTestHarness<Incoming, Incoming> {
    Harness(Map<Integer, Long> ends) throws Exception {
      super(new TableGate(() -> ends, 10, 1_000));
      setup(new IncomingTypeInfo().createSerializer(new ExecutionConfig().getSerializerConfig()));
    }

    void record(int partition, long offset, long timestamp) throws Exception {
      processElement(
          new StreamRecord<>(
              new Incoming("terminals", partition, offset, timestamp, null, null, null, null)));
    }

    /** What was said of time. */
    List<String> told() {
      List<String> told = new ArrayList<>();
      for (Object element : getOutput()) {
        if (element instanceof Watermark mark) {
          told.add("up to " + mark.getTimestamp());
        } else if (element instanceof WatermarkStatus status) {
          told.add(status.isIdle() ? "idle" : "active");
        }
      }
      return told;
    }
  }

  @Test
  void tellsNothingBeforeAllPartitionsWereReadToTheirEnds() throws Exception {
    try (Harness harness = new Harness(new HashMap<>(Map.of(0, 5L, 1, 2L)))) {
      harness.setProcessingTime(1);
      harness.open();
      harness.record(0, 5, 100);
      harness.record(1, 1, 300);
      harness.setProcessingTime(900);
      assertThat(harness.told()).isEmpty();
      harness.setProcessingTime(60_000);
      assertThat(harness.told()).as("silence is no end").isEmpty();
      harness.record(0, 6, 200);
      harness.record(1, 3, 310);
      harness.setProcessingTime(60_200);
      assertThat(harness.told()).containsExactly("up to 189");
    }
  }

  @Test
  void silencePassesForTheEndOnlyOnceItWasReached() throws Exception {
    try (Harness harness = new Harness(new HashMap<>())) {
      harness.setProcessingTime(1);
      harness.open();
      harness.setProcessingTime(200);
      assertThat(harness.told()).as("of an empty topic").containsExactly("idle");
      harness.record(0, 0, 1_000);
      harness.record(1, 0, 1_500);
      harness.setProcessingTime(400);
      assertThat(harness.told()).containsExactly("idle", "active", "up to 989");
      harness.setProcessingTime(1_000);
      harness.record(1, 1, 1_600);
      harness.setProcessingTime(1_300);
      assertThat(harness.told())
          .as("partition 0 is silent")
          .containsExactly("idle", "active", "up to 989", "up to 1589");
      harness.setProcessingTime(2_200);
      assertThat(harness.told()).endsWith("idle");
    }
  }

  @Test
  void afterARestoreItReadsToTheEndOfThen() throws Exception {
    OperatorSubtaskState state;
    try (Harness harness = new Harness(new HashMap<>(Map.of(0, 1L)))) {
      harness.open();
      harness.record(0, 1, 100);
      state = harness.snapshot(1, 1);
    }
    try (Harness harness = new Harness(new HashMap<>(Map.of(0, 1L)))) {
      harness.initializeState(state);
      harness.open();
      harness.setProcessingTime(200);
      assertThat(harness.told()).as("nothing is left to read").containsExactly("idle");
    }
    try (Harness harness = new Harness(new HashMap<>(Map.of(0, 2L)))) {
      harness.initializeState(state);
      harness.open();
      harness.setProcessingTime(5_000);
      assertThat(harness.told()).isEmpty();
      harness.record(0, 2, 200);
      harness.setProcessingTime(5_200);
      assertThat(harness.told()).containsExactly("up to 189");
    }
  }

  @Test
  void theLastWatermarkOfASourceThatEndsPasses() throws Exception {
    try (Harness harness = new Harness(new HashMap<>(Map.of(0, 1L)))) {
      harness.open();
      harness.processWatermark(new Watermark(5));
      assertThat(harness.told()).isEmpty();
      harness.processWatermark(Watermark.MAX_WATERMARK);
      assertThat(harness.told()).containsExactly("up to " + Long.MAX_VALUE);
    }
  }
}
