package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.EntityPlan;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.RowNames;
import io.pelton.feature.job.EntityFeaturesOperator.Order;
import io.pelton.job.FeatureRowSerializer;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.Incoming;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EntityFeaturesOperatorTest {
  private static final int GROUPS = 16;

  @TempDir Path directory;
  private PipelineDefinition pipeline;
  private EntityPlan customer;

  @BeforeEach
  void readPipeline() throws Exception {
    pipeline = TestEvents.pipeline(directory, true);
    FeaturePlan plan = new FeaturePlan(pipeline);
    customer = plan.entities().get(0);
    names = plan.rowNames();
  }

  private RowNames names;

  private KeyedOneInputStreamOperatorTestHarness<String, FeatureRow, FeatureRow> harness(
      Order order, int subtasks, int subtask) throws Exception {
    KeyedOneInputStreamOperatorTestHarness<String, FeatureRow, FeatureRow> harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new EntityFeaturesOperator(
                customer, order, new LateRows(order.onArrival() ? 60_000 : 0, false), names),
            row -> row.keys[0],
            Types.STRING,
            GROUPS,
            subtasks,
            subtask);
    harness.setup(new FeatureRowTypeInfo().createSerializer(null));
    return harness;
  }

  private List<FeatureRow> rows(int count) {
    return TestEvents.events(pipeline, count, 4).stream()
        .map((Incoming event) -> FeatureRowSerializer.INSTANCE.copy(event.row))
        .toList();
  }

  private static List<FeatureRow> output(
      KeyedOneInputStreamOperatorTestHarness<String, FeatureRow, FeatureRow> harness) {
    return new ArrayList<>(harness.extractOutputValues());
  }

  @Test
  void takesRowsByTimeAndIdWhenTheWatermarkPasses() throws Exception {
    try (var harness = harness(Order.WATERMARK, 1, 0)) {
      harness.open();
      List<FeatureRow> rows = rows(50);
      List<FeatureRow> reversed = new ArrayList<>(rows);
      Collections.reverse(reversed);
      for (FeatureRow row : reversed) {
        harness.processElement(row, row.time);
      }
      assertThat(output(harness)).isEmpty();
      long middle = rows.get(25).time;
      harness.processWatermark(middle);
      assertThat(output(harness))
          .extracting(row -> row.id)
          .containsExactlyElementsOf(
              rows.stream().filter(row -> row.time <= middle).map(row -> row.id).toList());
      harness.processWatermark(Long.MAX_VALUE);
      assertThat(output(harness))
          .extracting(row -> row.id)
          .containsExactlyElementsOf(rows.stream().map(row -> row.id).toList());
    }
  }

  @Test
  void rowsThatWaitAndHistorySurviveARestoreAtAnotherParallelism() throws Exception {
    Map<String, double[]> expected = new TreeMap<>();
    try (var whole = harness(Order.WATERMARK, 1, 0)) {
      whole.open();
      for (FeatureRow row : rows(400)) {
        whole.processElement(row, row.time);
      }
      whole.processWatermark(Long.MAX_VALUE);
      output(whole).forEach(row -> expected.put(row.id, row.values));
    }

    List<FeatureRow> rows = rows(400);
    Map<String, double[]> actual = new TreeMap<>();
    OperatorSubtaskState state;
    try (var before = harness(Order.WATERMARK, 1, 0)) {
      before.open();
      for (FeatureRow row : rows.subList(0, 250)) {
        before.processElement(row, row.time);
      }
      before.processWatermark(rows.get(150).time);
      state = before.snapshot(1, 1);
      output(before).forEach(row -> actual.put(row.id, row.values));
    }
    assertThat(actual).hasSizeBetween(150, 249);
    for (int subtask = 0; subtask < 2; subtask++) {
      try (var after = harness(Order.WATERMARK, 2, subtask)) {
        after.initializeState(
            AbstractStreamOperatorTestHarness.repartitionOperatorState(
                state, GROUPS, 1, 2, subtask));
        after.open();
        for (FeatureRow row : rows.subList(250, 400)) {
          int owner = KeyGroupRangeAssignment.assignKeyToParallelOperator(row.keys[0], GROUPS, 2);
          if (owner == subtask) {
            after.processElement(row, row.time);
          }
        }
        after.processWatermark(Long.MAX_VALUE);
        for (FeatureRow row : output(after)) {
          assertThat(actual.put(row.id, row.values)).as("row %s twice", row.id).isNull();
        }
      }
    }
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    actual.forEach((id, values) -> assertThat(values).as(id).isEqualTo(expected.get(id)));
  }

  @Test
  void forgetsAKeyWhenNoWindowReachesItsEvents() throws Exception {
    try (var harness = harness(Order.WATERMARK, 1, 0)) {
      harness.open();
      FeatureRow row = rows(1).get(0);
      harness.processElement(row, row.time);
      harness.processWatermark(row.time + customer.reach() - 1);
      assertThat(harness.numKeyedStateEntries()).isEqualTo(1);
      harness.processWatermark(row.time + customer.reach());
      assertThat(harness.numKeyedStateEntries()).isZero();
      assertThat(harness.numEventTimeTimers()).isZero();
    }
  }

  @Test
  void keepsAKeyThatHasNewerEvents() throws Exception {
    try (var harness = harness(Order.WATERMARK, 1, 0)) {
      harness.open();
      FeatureRow first = rows(1).get(0);
      FeatureRow second = FeatureRowSerializer.INSTANCE.copy(first);
      second.id = "2";
      second.time += 1_000;
      harness.processElement(first, first.time);
      harness.processElement(second, second.time);
      harness.processWatermark(first.time + customer.reach());
      assertThat(harness.numKeyedStateEntries()).isEqualTo(1);
      harness.processWatermark(second.time + customer.reach());
      assertThat(harness.numKeyedStateEntries()).isZero();
    }
  }

  @Test
  void holdsNoMoreKeysThanWindowsReachWhenMillionsPass() throws Exception {
    try (var harness = harness(Order.WATERMARK, 1, 0)) {
      harness.open();
      FeatureRow template = rows(1).get(0);
      // A hundred keys a second of event time, each with a single event; windows reach ten minutes.
      int keys = 2_000_000;
      int live = 100 * (int) (customer.reach() / 1_000);
      long time = template.time;
      for (int key = 0; key < keys; key++) {
        time = template.time + key * 10L;
        FeatureRow row =
            new FeatureRow(
                Integer.toString(key),
                time,
                new String[] {Integer.toString(key), "t"},
                template.values.clone(),
                template.carried);
        row.maps = FeatureRow.maps(template.maps.length);
        harness.processElement(row, time);
        if (key % 10_000 == 9_999) {
          harness.processWatermark(time);
          harness.getOutput().clear();
          assertThat(harness.numKeyedStateEntries()).isLessThanOrEqualTo(live + 10_000);
          assertThat(harness.numEventTimeTimers()).isLessThanOrEqualTo(live + 10_000);
        }
      }
      assertThat(harness.numKeyedStateEntries()).isGreaterThanOrEqualTo(live - 10_000);
      harness.processWatermark(time + customer.reach());
      assertThat(harness.numKeyedStateEntries()).isZero();
      assertThat(harness.numEventTimeTimers()).isZero();
    }
  }

  @Test
  void onArrivalALateRowIsComputedAsOfItsTimeAndCounted() throws Exception {
    try (var harness = harness(Order.ARRIVAL, 1, 0)) {
      harness.open();
      FeatureRow first = rows(1).get(0);
      long start = first.time;
      harness.processWatermark(start - 60_000);
      for (long offset : new long[] {0, 20_000, 10_000, 30_000}) {
        FeatureRow row = FeatureRowSerializer.INSTANCE.copy(first);
        row.id = Long.toString(offset);
        row.time = start + offset;
        harness.processElement(row, row.time);
      }
      int count = pipeline.featureNames().indexOf("count_1m");
      assertThat(output(harness))
          .extracting(row -> row.values[count])
          .containsExactly(1.0, 2.0, 2.0, 4.0);
      assertThat(output(harness))
          .as("how many later events each came after")
          .extracting(row -> row.overtaken(customer.key()))
          .containsExactly(0, 0, 1, 0);
      assertThat(
              harness
                  .getEnvironment()
                  .getAccumulatorRegistry()
                  .getUserMap()
                  .get(JobMetric.FEATURE_OVERTAKEN.id())
                  .getLocalValue())
          .isEqualTo(1L);
    }
  }

  @Test
  void onArrivalRowsAreTakenAtOnceThoughNoWatermarkCame() throws Exception {
    try (var harness = harness(Order.ARRIVAL, 1, 0)) {
      harness.open();
      List<FeatureRow> rows = new ArrayList<>(rows(20));
      Collections.reverse(rows);
      for (FeatureRow row : rows) {
        harness.processElement(row, row.time);
      }
      assertThat(output(harness))
          .extracting(row -> row.id)
          .containsExactlyElementsOf(rows.stream().map(row -> row.id).toList());
    }
  }

  @Test
  void onArrivalALateRowEntersThoughNoWatermarkCame() throws Exception {
    try (var harness = harness(Order.ARRIVAL, 1, 0)) {
      harness.open();
      FeatureRow late = rows(1).get(0);
      FeatureRow next = FeatureRowSerializer.INSTANCE.copy(late);
      late.history = true;
      late.late = true;
      next.id = "next";
      harness.processElement(late, late.time);
      harness.processElement(next, next.time);
      int count = pipeline.featureNames().indexOf("count_1m");
      assertThat(output(harness)).extracting(row -> row.values[count]).contains(2.0);
    }
  }

  /** What waits before history is read, and for a watermark that never came. */
  private OperatorSubtaskState waiting(Order order, List<FeatureRow> rows) throws Exception {
    try (var harness = harness(order, 1, 0)) {
      harness.open();
      for (FeatureRow row : rows) {
        harness.processElement(row, row.time);
      }
      assertThat(output(harness)).isEmpty();
      return harness.snapshot(1, 1);
    }
  }

  @Test
  void onArrivalRestoredRowsAreTakenThoughNothingMoreComes() throws Exception {
    List<FeatureRow> rows = rows(40);
    List<FeatureRow> reversed = new ArrayList<>(rows(40));
    Collections.reverse(reversed);
    for (Order before : List.of(Order.ARRIVAL_AFTER_HISTORY, Order.WATERMARK)) {
      OperatorSubtaskState state = waiting(before, reversed);
      try (var harness = harness(Order.ARRIVAL, 1, 0)) {
        harness.initializeState(state);
        harness.open();
        harness.setProcessingTime(1);
        assertThat(output(harness))
            .extracting(row -> row.id)
            .containsExactlyElementsOf(rows.stream().map(row -> row.id).toList());
        harness.processWatermark(Long.MAX_VALUE);
        assertThat(output(harness)).hasSize(40);
      }
    }
  }

  @Test
  void onArrivalRestoredRowsAreTakenBeforeOneThatComesSooner() throws Exception {
    List<FeatureRow> rows = rows(3);
    FeatureRow next = FeatureRowSerializer.INSTANCE.copy(rows.get(2));
    next.id = "next";
    OperatorSubtaskState state = waiting(Order.ARRIVAL_AFTER_HISTORY, rows);
    try (var harness = harness(Order.ARRIVAL, 1, 0)) {
      harness.initializeState(state);
      harness.open();
      harness.processElement(next, next.time);
      harness.setProcessingTime(1);
      assertThat(output(harness))
          .extracting(row -> row.id)
          .containsExactly(rows.get(0).id, rows.get(1).id, rows.get(2).id, "next");
      int count = pipeline.featureNames().indexOf("count_1m");
      assertThat(output(harness).get(3).values[count])
          .as("under its own key")
          .isEqualTo(output(harness).get(2).values[count] + 1);
    }
  }

  @Test
  void onArrivalRowsWaitForHistoryUntilTheFirstWatermarkAndNotAgainAfterARestore()
      throws Exception {
    FeatureRow live = rows(1).get(0);
    FeatureRow past = FeatureRowSerializer.INSTANCE.copy(live);
    past.id = "past";
    past.history = true;
    OperatorSubtaskState state = waiting(Order.ARRIVAL_AFTER_HISTORY, List.of(live));
    OperatorSubtaskState read;
    try (var harness = harness(Order.ARRIVAL_AFTER_HISTORY, 1, 0)) {
      harness.initializeState(state);
      harness.open();
      harness.setProcessingTime(60_000);
      assertThat(output(harness)).isEmpty();
      harness.processElement(past, past.time);
      harness.processWatermark(live.time - 1);
      assertThat(output(harness)).extracting(row -> row.id).containsExactly("past", live.id);
      int count = pipeline.featureNames().indexOf("count_1m");
      assertThat(output(harness).get(1).values[count]).isEqualTo(2.0);
      read = harness.snapshot(2, 2);
    }
    for (int subtask = 0; subtask < 2; subtask++) {
      int own = subtask;
      try (var harness = harness(Order.ARRIVAL_AFTER_HISTORY, 2, subtask)) {
        harness.initializeState(
            AbstractStreamOperatorTestHarness.repartitionOperatorState(
                read, GROUPS, 1, 2, subtask));
        harness.open();
        FeatureRow next =
            rows(100).stream()
                .filter(
                    row ->
                        KeyGroupRangeAssignment.assignKeyToParallelOperator(row.keys[0], GROUPS, 2)
                            == own)
                .findFirst()
                .orElseThrow();
        harness.processElement(next, next.time);
        assertThat(output(harness)).hasSize(1);
      }
    }
  }

  @Test
  void aSortedRunKeepsNothingInState() throws Exception {
    try (var harness = harness(Order.SORTED, 1, 0)) {
      harness.open();
      List<FeatureRow> rows = new ArrayList<>(rows(300));
      rows.sort(
          Comparator.<FeatureRow, String>comparing(row -> row.keys[0])
              .thenComparingLong(row -> row.time));
      for (FeatureRow row : rows) {
        harness.processElement(row, row.time);
      }
      harness.processWatermark(Long.MAX_VALUE);
      assertThat(output(harness)).as("before the watermark goes on").hasSize(300);
      harness.endInput();
      assertThat(output(harness)).hasSize(300);
      assertThat(harness.numKeyedStateEntries()).isZero();
    }
  }
}
