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
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Late events that features of later ones count. */
class LateEventsTest {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder().setNumberSlotsPerTaskManager(2).build());

  private static final long RETAIN = 60_000;

  @TempDir Path directory;
  private PipelineDefinition pipeline;
  private EntityPlan customer;
  private RowNames names;
  private int countOf1m;
  private FeatureRow pattern;
  private long start;

  @BeforeEach
  void readPipeline() throws Exception {
    pipeline = TestEvents.pipeline(directory, "out-of-orderness: 10s\nlate: include");
    FeaturePlan plan = new FeaturePlan(pipeline);
    customer = plan.entities().get(0);
    names = plan.rowNames();
    countOf1m = pipeline.featureNames().indexOf("count_1m");
    pattern = TestEvents.events(pipeline, 1, 4).get(0).row;
    start = pattern.time;
  }

  private KeyedOneInputStreamOperatorTestHarness<String, FeatureRow, FeatureRow> harness(
      Order order) throws Exception {
    KeyedOneInputStreamOperatorTestHarness<String, FeatureRow, FeatureRow> harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new EntityFeaturesOperator(
                customer, order, new LateRows(order == Order.ARRIVAL ? RETAIN : 0, true), names),
            row -> row.keys[0],
            Types.STRING);
    harness.setup(new FeatureRowTypeInfo().createSerializer(null));
    harness.open();
    return harness;
  }

  private FeatureRow row(long offset) {
    FeatureRow row = FeatureRowSerializer.INSTANCE.copy(pattern);
    row.id = Long.toString(offset);
    row.time = start + offset;
    return row;
  }

  private FeatureRow late(long offset) {
    FeatureRow row = row(offset);
    row.history = true;
    row.late = true;
    return row;
  }

  private double count(FeatureRow row) {
    return row.values[countOf1m];
  }

  @Test
  void rowsThatWaitAndRowsToComeCountALateOne() throws Exception {
    try (var harness = harness(Order.WATERMARK)) {
      harness.processElement(row(0), start);
      harness.processWatermark(start + 20_000);
      harness.processElement(row(30_000), start + 30_000);
      harness.processElement(late(10_000), start + 10_000);
      harness.processElement(row(40_000), start + 40_000);
      harness.processWatermark(start + 50_000);
      List<FeatureRow> rows = List.copyOf(harness.extractOutputValues());
      assertThat(rows).extracting(row -> row.id).containsExactly("0", "10000", "30000", "40000");
      assertThat(rows).extracting(this::count).containsExactly(1.0, Double.NaN, 3.0, 4.0);
      assertThat(rows.get(1).entered).isTrue();
    }
  }

  @Test
  void aLateRowAheadOfTheWatermarkHereWaitsForThoseBeforeIt() throws Exception {
    try (var harness = harness(Order.WATERMARK)) {
      harness.processElement(row(0), start);
      harness.processElement(row(30_000), start + 30_000);
      harness.processElement(late(40_000), start + 40_000);
      assertThat(harness.extractOutputValues()).isEmpty();
      harness.processElement(row(35_000), start + 35_000);
      harness.processElement(row(45_000), start + 45_000);
      harness.processWatermark(Long.MAX_VALUE);
      List<FeatureRow> rows = List.copyOf(harness.extractOutputValues());
      assertThat(rows)
          .extracting(row -> row.id)
          .containsExactly("0", "30000", "35000", "40000", "45000");
      assertThat(rows).extracting(this::count).containsExactly(1.0, 2.0, 3.0, Double.NaN, 5.0);
      assertThat(rows).extracting(row -> row.overtaken.length).containsOnly(0);
      assertThat(harness.numKeyedStateEntries()).isZero();
    }
  }

  @Test
  void aLateRowThatNoWindowReachesLeavesNothing() throws Exception {
    for (Order order : List.of(Order.WATERMARK, Order.ARRIVAL)) {
      long retain = order == Order.ARRIVAL ? RETAIN : 0;
      try (var harness = harness(order)) {
        harness.processWatermark(start + customer.reach() + retain);
        harness.processElement(late(0), start);
        assertThat(harness.extractOutputValues())
            .extracting(row -> row.entered)
            .containsOnly(false);
        assertThat(harness.numKeyedStateEntries()).isZero();
        harness.processElement(late(1), start + 1);
        assertThat(harness.extractOutputValues())
            .extracting(row -> row.entered)
            .containsExactly(false, true);
      }
    }
  }

  @Test
  void aLateRowOfAForgottenKeyIsForgottenToo() throws Exception {
    for (Order order : List.of(Order.WATERMARK, Order.ARRIVAL)) {
      long retain = order == Order.ARRIVAL ? RETAIN : 0;
      try (var harness = harness(order)) {
        harness.processElement(row(0), start);
        harness.processWatermark(start + customer.reach() + retain);
        assertThat(harness.numKeyedStateEntries()).isZero();
        harness.processElement(late(5_000), start + 5_000);
        assertThat(harness.numKeyedStateEntries()).isEqualTo(1);
        harness.processWatermark(start + 5_000 + customer.reach() + retain);
        assertThat(harness.numKeyedStateEntries()).isZero();
        assertThat(harness.numEventTimeTimers()).isZero();
      }
    }
  }

  @Test
  void onArrivalALateRowLeavesWhatRowsToComeMayReach() throws Exception {
    try (var harness = harness(Order.ARRIVAL)) {
      harness.processWatermark(start);
      // More than a block of events, so that what is forgotten is forgotten.
      for (int i = 0; i < 2_000; i++) {
        harness.processElement(row(1), start + 1);
      }
      harness.processElement(row(customer.reach() + 50_000), start + customer.reach() + 50_000);
      harness.processWatermark(start + RETAIN);
      harness.processElement(late(0), start);
      harness.processElement(row(2), start + 2);
      List<FeatureRow> rows = List.copyOf(harness.extractOutputValues());
      assertThat(count(rows.get(rows.size() - 1))).isEqualTo(2_002.0);
    }
  }

  private record Run(Map<String, Double> counts, Map<String, Object> counters) {}

  private Run run(List<Incoming> events) throws Exception {
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    environment.setParallelism(1);
    FeatureOutputs outputs =
        FeatureTopology.build(
            environment
                .fromData(events, new IncomingTypeInfo())
                .assignTimestampsAndWatermarks(
                    WatermarkStrategy.<Incoming>forGenerator(context -> new AtOnce())
                        .withTimestampAssigner((event, timestamp) -> event.row.time)),
            pipeline);
    CloseableIterator<FeatureRow> features = outputs.features().collectAsync();
    CloseableIterator<?> late = outputs.late().collectAsync();
    JobClient client = environment.executeAsync("late events");
    Map<String, Double> counts = new TreeMap<>();
    features.forEachRemaining(row -> counts.put(row.id, count(row)));
    assertThat(late).toIterable().hasSize(2);
    return new Run(counts, client.getJobExecutionResult().get().getAllAccumulatorResults());
  }

  /** A watermark after each event, so that what is late does not depend on the clock. */
  private static final class AtOnce implements WatermarkGenerator<Incoming> {
    private long newest = Long.MIN_VALUE;

    @Override
    public void onEvent(Incoming event, long timestamp, WatermarkOutput output) {
      newest = Math.max(newest, timestamp);
      output.emitWatermark(new Watermark(newest - TestEvents.BOUND - 1));
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {}
  }

  private Incoming event(long id, long offset) {
    return TestEvents.event(
        pipeline,
        id,
        "{\"transaction_id\":%d,\"event_time\":%d,\"customer_id\":1,\"terminal_id\":%d,\"amount\":1.0,\"fraud\":0}"
            .formatted(id, start + offset, id));
  }

  @Test
  void theLateTopicAndTheHistoriesGetALateEventAndTheCountsAddUp() throws Exception {
    List<Incoming> events =
        List.of(
            event(1, 0),
            event(2, 60_000),
            event(3, 30_000),
            event(4, 3_600_000),
            event(5, 0),
            event(6, 3_600_001));
    Run run = run(events);
    assertThat(run.counts)
        .as("the second event waited when the late one came")
        .containsExactlyInAnyOrderEntriesOf(Map.of("1", 1.0, "2", 2.0, "4", 1.0, "6", 2.0));
    assertThat(run.counters)
        .containsEntry(JobMetric.FEATURE_IN.id(), 6L)
        .containsEntry(JobMetric.FEATURE_OUT.id(), 4L)
        .containsEntry(JobMetric.FEATURE_LATE.id(), 2L)
        .containsEntry(JobMetric.FEATURE_LATE_INCLUDED.id(), 1L)
        .containsEntry(JobMetric.FEATURE_HISTORY.id(), 0L);

    pipeline = TestEvents.pipeline(directory, "out-of-orderness: 10s");
    Run without = run(events);
    assertThat(without.counts)
        .containsExactlyInAnyOrderEntriesOf(Map.of("1", 1.0, "2", 1.0, "4", 1.0, "6", 2.0));
    assertThat(without.counters).containsEntry(JobMetric.FEATURE_LATE_INCLUDED.id(), 0L);
  }
}
