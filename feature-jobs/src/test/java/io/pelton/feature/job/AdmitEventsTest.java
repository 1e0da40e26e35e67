package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.ProcessOperator;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdmitEventsTest {
  @TempDir Path directory;
  private PipelineDefinition pipeline;

  @BeforeEach
  void readPipeline() throws Exception {
    pipeline = TestEvents.pipeline(directory, true);
  }

  private OneInputStreamOperatorTestHarness<Incoming, FeatureRow> harness() throws Exception {
    return new OneInputStreamOperatorTestHarness<>(
        new ProcessOperator<>(new AdmitEvents<>(pipeline, (event, row) -> row)));
  }

  private Incoming event(long id, long time) {
    return TestEvents.event(
        pipeline,
        id,
        "{\"transaction_id\":%d,\"event_time\":%d,\"customer_id\":1,\"terminal_id\":1,\"amount\":1.0,\"fraud\":0}"
            .formatted(id, time));
  }

  @Test
  void aLateEventThatIsToBeIncludedPassesMarkedBesideItsOwnOutput() throws Exception {
    pipeline = TestEvents.pipeline(directory, "out-of-orderness: 10s\nlate: include");
    try (var harness = harness()) {
      harness.open();
      harness.processElement(event(1, 100_000), 100_000);
      harness.processWatermark(90_000);
      harness.processElement(event(2, 90_000), 90_000);
      assertThat(harness.extractOutputValues())
          .extracting(row -> row.id, row -> row.late, row -> row.history)
          .containsExactly(tuple("1", false, false), tuple("2", true, true));
      assertThat(harness.getSideOutput(AdmitEvents.LATE))
          .extracting(late -> late.getValue().getEventId())
          .containsExactly("2");
    }
  }

  @Test
  void countsTimesThatLookLikeSecondsAndARuleRefusesThem() throws Exception {
    long millis = 1_600_000_000_000L;
    try (var harness = harness()) {
      harness.open();
      for (long time : new long[] {0, 30_000, millis / 1000, millis / 1000 + 1, millis}) {
        harness.processElement(event(time, time), time);
      }
      assertThat(harness.extractOutputValues()).hasSize(5);
      assertThat(
              harness
                  .getEnvironment()
                  .getAccumulatorRegistry()
                  .getUserMap()
                  .get(JobMetric.FEATURE_TIME_LIKE_SECONDS.id())
                  .getLocalValue())
          .isEqualTo(2L);
    }
    Path file = directory.resolve("pipeline.yaml");
    Files.writeString(
        file,
        Files.readString(file)
            .replace(
                "amount_not_negative: \"amount >= 0.0\"",
                "not_1970: \"time.getFullYear() > 1970\""));
    pipeline = PipelineFile.read(file);
    assertThat(event(1, millis / 1000).rejection).extracting("rule").isEqualTo("not_1970");
    assertThat(event(2, millis).rejection).isNull();
  }

  @Test
  void whatWasLateBeforeARestoreIsLateAfterIt() throws Exception {
    OperatorSubtaskState state;
    try (var before = harness()) {
      before.open();
      before.processElement(event(1, 100_000), 100_000);
      before.processWatermark(90_000);
      state = before.snapshot(1, 1);
    }
    try (var after = harness()) {
      after.initializeState(state);
      after.open();
      after.processElement(event(2, 90_000), 90_000);
      after.processElement(event(3, 90_001), 90_001);
      assertThat(after.extractOutputValues()).extracting(row -> row.id).containsExactly("3");
      assertThat(after.getSideOutput(AdmitEvents.LATE))
          .extracting(late -> late.getValue().getEventId())
          .containsExactly("2");
    }
  }
}
