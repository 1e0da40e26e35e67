package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.job.EntityFeaturesOperator.Order;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.co.KeyedCoProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Times are milliseconds after {@link #START}; the pipeline waits 10 minutes for an outcome. */
class JoinOutcomesTest {
  private static final long START = 1_600_000_000_000L;
  private static final long WITHIN = 600_000;

  @TempDir Path directory;
  private PipelineDefinition pipeline;

  /** An outcome's row, with the amount that its features take of its event. */
  private record Joined(String id, long time, double lost) {}

  @BeforeEach
  void readPipeline() throws Exception {
    pipeline = OutcomeFeaturesTest.pipeline(directory, true);
  }

  private final class Harness
      extends KeyedTwoInputStreamOperatorTestHarness<String, FeatureRow, FeatureRow, FeatureRow> {
    private final int lost;

    Harness(PipelineDefinition pipeline, Order order) throws Exception {
      super(
          new KeyedCoProcessOperator<>(
              new JoinOutcomes(pipeline, order, order.onArrival() ? 1_000 : 0)),
          row -> row.id,
          row -> row.id,
          Types.STRING);
      setup(new FeatureRowTypeInfo().createSerializer(new ExecutionConfig().getSerializerConfig()));
      lost = new FeaturePlan(pipeline).rowNames().values().indexOf("input outcome: label * amount");
      assertThat(lost).isPositive();
    }

    void event(PipelineDefinition of, int id, long time, double amount) throws Exception {
      FeatureRow row =
          TestEvents.event(
                  of,
                  0,
                  "{\"transaction_id\":%d,\"event_time\":%d,\"customer_id\":1,\"terminal_id\":2,\"amount\":%s,\"fraud\":0}"
                      .formatted(id, START + time, amount))
              .row;
      FeatureRow kept = Objects.requireNonNull(new FeaturePlan(of).outcomes()).keep(row);
      processElement1(
          new org.apache.flink.streaming.runtime.streamrecord.StreamRecord<>(kept, kept.time));
    }

    void outcome(int id, long time, double label) throws Exception {
      FeatureRow row =
          new FeatureRow(
              Integer.toString(id),
              START + time,
              new String[0],
              new double[] {label},
              new Object[0]);
      processElement2(
          new org.apache.flink.streaming.runtime.streamrecord.StreamRecord<>(row, row.time));
    }

    void watermark(long time) throws Exception {
      processBothWatermarks(new Watermark(START + time));
    }

    List<Joined> joined() {
      List<Joined> rows = new ArrayList<>();
      for (FeatureRow row : extractOutputValues()) {
        assertThat(row.outcome).isTrue();
        rows.add(new Joined(row.id, row.time - START, row.values[lost]));
      }
      return rows;
    }
  }

  @Test
  void anOutcomeWaitsForItsEventAndForItsTime() throws Exception {
    try (Harness harness = new Harness(pipeline, Order.WATERMARK)) {
      harness.open();
      harness.outcome(1, 5_000, 1);
      harness.event(pipeline, 1, 0, 400);
      harness.watermark(4_999);
      assertThat(harness.joined()).isEmpty();
      harness.watermark(5_000);
      assertThat(harness.joined()).containsExactly(new Joined("1", 5_000, 400));
    }
  }

  @Test
  void anOutcomeOfBeforeItsEventCountsFromTheEventOn() throws Exception {
    try (Harness harness = new Harness(pipeline, Order.WATERMARK)) {
      harness.open();
      harness.outcome(1, 1_000, 1);
      harness.watermark(2_000);
      harness.event(pipeline, 1, 3_000, 400);
      harness.watermark(3_000);
      assertThat(harness.joined()).containsExactly(new Joined("1", 3_000, 400));
    }
  }

  @Test
  void theFirstOutcomeByTimeCountsInWhateverOrderTheyCome() throws Exception {
    try (Harness harness = new Harness(pipeline, Order.WATERMARK)) {
      harness.open();
      harness.event(pipeline, 1, 0, 400);
      harness.outcome(1, 7_000, 0);
      harness.outcome(1, 6_000, 1);
      harness.watermark(20_000);
      harness.outcome(1, 30_000, 0);
      assertThat(harness.joined()).containsExactly(new Joined("1", 6_000, 400));
    }
  }

  @Test
  void nothingOfAnEventIsKeptWhenItsTimeForOutcomesIsOver() throws Exception {
    try (Harness harness = new Harness(pipeline, Order.WATERMARK)) {
      harness.open();
      harness.event(pipeline, 1, 0, 400);
      harness.event(pipeline, 2, 0, 400);
      harness.outcome(2, WITHIN, 1);
      harness.outcome(3, 0, 1);
      harness.watermark(WITHIN - 1);
      assertThat(harness.numKeyedStateEntries()).isEqualTo(4);
      harness.watermark(WITHIN);
      assertThat(harness.joined()).containsExactly(new Joined("2", WITHIN, 400));
      assertThat(harness.numKeyedStateEntries()).isLessThanOrEqualTo(1);
      harness.watermark(2 * WITHIN);
      assertThat(harness.numKeyedStateEntries()).isZero();
      assertThat(harness.numEventTimeTimers()).isZero();
    }
  }

  @Test
  void anOutcomeBehindTheWatermarkIsLate() throws Exception {
    try (Harness harness = new Harness(pipeline, Order.WATERMARK)) {
      harness.open();
      harness.event(pipeline, 1, 0, 400);
      harness.watermark(5_000);
      harness.outcome(1, 5_000, 1);
      assertThat(harness.getSideOutput(AdmitEvents.LATE))
          .singleElement()
          .satisfies(late -> assertThat(late.getValue().getEventId()).isEqualTo("1"));
      harness.watermark(WITHIN);
      assertThat(harness.joined()).isEmpty();
    }
  }

  @Test
  void onArrivalAnOutcomeIsTakenAtOnceThoughNoWatermarkCame() throws Exception {
    try (Harness harness = new Harness(pipeline, Order.ARRIVAL)) {
      harness.open();
      harness.event(pipeline, 1, 0, 400);
      harness.outcome(1, 5_000, 1);
      assertThat(harness.joined()).containsExactly(new Joined("1", 5_000, 400));
    }
  }

  @Test
  void onArrivalHistoryThatWasReadBeforeARestoreIsNotWaitedForAgain() throws Exception {
    OperatorSubtaskState state;
    try (Harness harness = new Harness(pipeline, Order.ARRIVAL_AFTER_HISTORY)) {
      harness.open();
      harness.event(pipeline, 2, 0, 500);
      harness.watermark(0);
      state = harness.snapshot(1, 1);
    }
    try (Harness harness = new Harness(pipeline, Order.ARRIVAL_AFTER_HISTORY)) {
      harness.initializeState(state);
      harness.open();
      harness.event(pipeline, 1, 0, 400);
      harness.outcome(1, 5_000, 1);
      assertThat(harness.joined()).containsExactly(new Joined("1", 5_000, 400));
    }
  }

  @Test
  void onArrivalAnOutcomeIsTakenAtOnceOnceHistoryIsIn() throws Exception {
    try (Harness harness = new Harness(pipeline, Order.ARRIVAL_AFTER_HISTORY)) {
      harness.open();
      harness.event(pipeline, 1, 0, 400);
      harness.event(pipeline, 2, 0, 500);
      harness.outcome(1, 5_000, 1);
      assertThat(harness.joined()).isEmpty();
      harness.watermark(5_000);
      harness.outcome(2, 60_000, 1);
      assertThat(harness.joined())
          .containsExactly(new Joined("1", 5_000, 400), new Joined("2", 60_000, 500));
    }
  }

  @Test
  void whatWaitsSurvivesARestoreWithOtherFeatures() throws Exception {
    OperatorSubtaskState state;
    try (Harness harness = new Harness(pipeline, Order.WATERMARK)) {
      harness.open();
      harness.event(pipeline, 1, 0, 400);
      harness.outcome(2, 6_000, 1);
      harness.watermark(1_000);
      state = harness.snapshot(1, 1);
    }
    // Another feature reads another field, which moves the places of all.
    Path file = directory.resolve("pipeline.yaml");
    Files.writeString(
        file,
        Files.readString(file)
            .replace(
                "features:\n",
                "features:\n  other: {entity: terminal, source: outcomes, aggregate: max(fraud), windows: [5m]}\n"));
    PipelineDefinition changed = PipelineFile.read(file);
    try (Harness harness = new Harness(changed, Order.WATERMARK)) {
      harness.initializeState(state);
      harness.open();
      harness.outcome(1, 5_000, 1);
      harness.event(changed, 2, 4_000, 500);
      harness.outcome(3, 1_000, 1);
      assertThat(harness.getSideOutput(AdmitEvents.LATE)).as("late stays late").hasSize(1);
      harness.watermark(10_000);
      assertThat(harness.joined())
          .containsExactly(new Joined("1", 5_000, 400), new Joined("2", 6_000, 500));
    }
  }
}
