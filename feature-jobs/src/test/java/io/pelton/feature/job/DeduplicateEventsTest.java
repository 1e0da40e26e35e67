package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.job.EntityFeaturesOperator.Order;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeduplicateEventsTest {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(4)
              .build());

  private static final int GROUPS = 16;
  private static final long START = 1_600_000_000_000L;
  private static final String WITHIN = "deduplicate: {within: 1m}\n";
  private static final String ORDERED = WITHIN + "out-of-orderness: 10s";

  @TempDir Path directory;

  private static KeyedOneInputStreamOperatorTestHarness<String, Incoming, FeatureRow> harness(
      PipelineDefinition pipeline, Order order, boolean rocks, int subtasks, int subtask)
      throws Exception {
    KeyedOneInputStreamOperatorTestHarness<String, Incoming, FeatureRow> harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new DeduplicateEvents(pipeline, order, new FeaturePlan(pipeline).rowNames()),
            event -> DeduplicateEvents.row(event).id,
            Types.STRING,
            GROUPS,
            subtasks,
            subtask);
    harness.setStateBackend(rocks ? new EmbeddedRocksDBStateBackend() : new HashMapStateBackend());
    harness.setup(new FeatureRowTypeInfo().createSerializer(null));
    return harness;
  }

  private static Incoming event(
      PipelineDefinition pipeline, long offset, long id, long at, double amount) {
    return TestEvents.event(
        pipeline,
        offset,
        "{\"transaction_id\":%d,\"event_time\":%d,\"customer_id\":1,\"terminal_id\":1,\"amount\":%s,\"fraud\":0}"
            .formatted(id, START + at, amount));
  }

  private static void process(
      KeyedOneInputStreamOperatorTestHarness<String, Incoming, FeatureRow> harness, Incoming event)
      throws Exception {
    harness.processElement(event, DeduplicateEvents.row(event).time);
  }

  private static List<Long> taken(
      KeyedOneInputStreamOperatorTestHarness<String, Incoming, FeatureRow> harness) {
    return harness.extractOutputValues().stream().map(row -> row.time - START).toList();
  }

  private static List<DeadLetter> dead(
      KeyedOneInputStreamOperatorTestHarness<String, Incoming, FeatureRow> harness) {
    Queue<StreamRecord<DeadLetter>> letters = harness.getSideOutput(DeduplicateEvents.DEAD);
    return letters == null ? List.of() : letters.stream().map(StreamRecord::getValue).toList();
  }

  private static long count(
      KeyedOneInputStreamOperatorTestHarness<String, Incoming, FeatureRow> harness, String name) {
    return (Long)
        harness.getEnvironment().getAccumulatorRegistry().getUserMap().get(name).getLocalValue();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theFirstByTimePassesAndTheOthersAreDeadLettersWithTheirBytes(boolean rocks)
      throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, ORDERED);
    try (var harness = harness(pipeline, Order.WATERMARK, rocks, 1, 0)) {
      harness.open();
      process(harness, event(pipeline, 1, 7, 5_000, 1));
      process(harness, event(pipeline, 2, 7, 2_000, 2));
      process(harness, event(pipeline, 3, 8, 3_000, 3));
      assertThat(harness.extractOutputValues()).isEmpty();
      harness.processWatermark(START + 10_000);
      assertThat(taken(harness)).containsExactly(2_000L, 3_000L);
      process(harness, event(pipeline, 4, 7, 62_000, 4));
      process(harness, event(pipeline, 5, 7, 62_001, 5));
      harness.processWatermark(START + 100_000);
      assertThat(taken(harness)).containsExactly(2_000L, 3_000L, 62_001L);
      List<DeadLetter> dead = dead(harness);
      assertThat(dead)
          .extracting(
              DeadLetter::getStage,
              DeadLetter::getReason,
              DeadLetter::getEventId,
              DeadLetter::getSource,
              DeadLetter::getOffset,
              letter -> StandardCharsets.UTF_8.decode(letter.getValue().duplicate()).toString())
          .containsExactly(
              tuple(
                  "deduplicate",
                  "duplicate",
                  "7",
                  "transactions",
                  1L,
                  new String(event(pipeline, 1, 7, 5_000, 1).value, StandardCharsets.UTF_8)),
              tuple(
                  "deduplicate",
                  "duplicate",
                  "7",
                  "transactions",
                  4L,
                  new String(event(pipeline, 4, 7, 62_000, 4).value, StandardCharsets.UTF_8)));
      assertThat(dead.get(0).getDetail())
          .isEqualTo(
              "event 7 of 2020-09-13T12:26:45Z repeats that of 2020-09-13T12:26:42Z, taken from"
                  + " transactions partition 0 offset 2; within 60000 ms of each other events of"
                  + " one id are duplicates");
      assertThat(count(harness, JobMetric.FEATURE_DUPLICATES.id())).isEqualTo(2);
    }
  }

  @Test
  void whatIsKeptOfEqualTimesDoesNotDependOnWhatCameFirst() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, ORDERED);
    for (double first : new double[] {1, 2}) {
      try (var harness = harness(pipeline, Order.WATERMARK, false, 1, 0)) {
        harness.open();
        process(harness, event(pipeline, 1, 7, 0, first));
        process(harness, event(pipeline, 2, 7, 0, 3 - first));
        harness.processWatermark(Long.MAX_VALUE);
        assertThat(harness.extractOutputValues())
            .extracting(row -> row.values[0])
            .containsExactly(1.0);
      }
    }
  }

  @Test
  void onArrivalTheFirstThatComesPasses() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, WITHIN);
    try (var harness = harness(pipeline, Order.ARRIVAL, false, 1, 0)) {
      harness.open();
      harness.processWatermark(START - 60_000);
      process(harness, event(pipeline, 1, 7, 60_000, 1));
      process(harness, event(pipeline, 2, 7, 0, 2));
      process(harness, event(pipeline, 3, 7, 120_001, 3));
      process(harness, event(pipeline, 4, 7, 130_000, 4));
      assertThat(taken(harness)).containsExactly(60_000L, 120_001L);
      assertThat(dead(harness)).extracting(DeadLetter::getOffset).containsExactly(2L, 4L);
    }
  }

  @Test
  void onArrivalEventsAreTakenAtOnceThoughNoWatermarkCame() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, WITHIN + "late: include");
    try (var harness = harness(pipeline, Order.ARRIVAL, false, 1, 0)) {
      harness.open();
      process(harness, event(pipeline, 1, 7, 60_000, 1));
      process(harness, event(pipeline, 2, 7, 0, 2));
      process(harness, late(event(pipeline, 3, 8, 0, 3)));
      assertThat(taken(harness)).containsExactly(60_000L, 0L);
      assertThat(dead(harness)).extracting(DeadLetter::getOffset).containsExactly(2L);
    }
  }

  @Test
  void onArrivalRestoredEventsAreTakenThoughNothingMoreComesAndBeforeWhatDoes() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, WITHIN);
    OperatorSubtaskState state;
    try (var before = harness(pipeline, Order.ARRIVAL_AFTER_HISTORY, false, 1, 0)) {
      before.open();
      process(before, event(pipeline, 1, 7, 5_000, 1));
      process(before, event(pipeline, 2, 8, 2_000, 2));
      assertThat(taken(before)).isEmpty();
      state = before.snapshot(1, 1);
    }
    try (var after = harness(pipeline, Order.ARRIVAL, false, 1, 0)) {
      after.initializeState(state);
      after.open();
      after.setProcessingTime(1);
      assertThat(taken(after)).containsExactly(2_000L, 5_000L);
    }
    try (var after = harness(pipeline, Order.ARRIVAL, false, 1, 0)) {
      after.initializeState(state);
      after.open();
      process(after, event(pipeline, 3, 8, 1_000, 3));
      process(after, event(pipeline, 4, 9, 0, 4));
      after.setProcessingTime(1);
      after.processWatermark(Long.MAX_VALUE);
      assertThat(taken(after)).containsExactly(2_000L, 5_000L, 0L);
      assertThat(dead(after)).extracting(DeadLetter::getOffset).containsExactly(3L);
    }
  }

  @Test
  void rowsOfHistoryCountAsTaken() throws Exception {
    for (Order order : List.of(Order.WATERMARK, Order.ARRIVAL_AFTER_HISTORY)) {
      PipelineDefinition pipeline =
          TestEvents.pipeline(directory, order.onArrival() ? WITHIN : ORDERED);
      try (var harness = harness(pipeline, order, false, 1, 0)) {
        harness.open();
        Incoming live = event(pipeline, 2, 7, 1_000, 2);
        process(harness, live);
        Incoming history = event(pipeline, 1, 7, 0, 1);
        DeduplicateEvents.row(history).history = true;
        process(harness, history);
        harness.processWatermark(START + 10_000);
        assertThat(harness.extractOutputValues())
            .extracting(row -> row.history)
            .containsExactly(true);
        assertThat(dead(harness)).extracting(DeadLetter::getOffset).containsExactly(2L);
      }
    }
  }

  private static Incoming late(Incoming event) {
    DeduplicateEvents.row(event).history = true;
    DeduplicateEvents.row(event).late = true;
    return event;
  }

  @Test
  void aLateEventThatIsIncludedEntersHistoriesOnce() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, ORDERED + "\nlate: include");
    long reach = pipeline.reach();
    try (var harness = harness(pipeline, Order.WATERMARK, false, 1, 0)) {
      harness.open();
      process(harness, event(pipeline, 1, 7, 0, 1));
      // Long after its time, but while a window of a row to come reaches back to it.
      harness.processWatermark(START + reach - 1);
      process(harness, late(event(pipeline, 2, 7, 0, 1)));
      process(harness, late(event(pipeline, 3, 8, 0, 1)));
      process(harness, late(event(pipeline, 4, 8, 1, 1)));
      assertThat(harness.extractOutputValues()).extracting(row -> row.id).containsExactly("7", "8");
      assertThat(dead(harness)).isEmpty();
      assertThat(count(harness, JobMetric.FEATURE_LATE_DUPLICATES.id())).isEqualTo(2);

      harness.processWatermark(START + reach + 60_000);
      assertThat(harness.numKeyedStateEntries()).isZero();
      process(harness, late(event(pipeline, 5, 9, 60_000, 1)));
      assertThat(harness.extractOutputValues()).hasSize(2);
      assertThat(harness.numKeyedStateEntries()).isZero();
      assertThat(harness.numEventTimeTimers()).isZero();
    }
  }

  @Test
  void forgetsAnIdWhenNoneToComeMayRepeatIt() throws Exception {
    for (Order order : List.of(Order.WATERMARK, Order.ARRIVAL)) {
      PipelineDefinition pipeline =
          TestEvents.pipeline(directory, order == Order.ARRIVAL ? WITHIN : ORDERED);
      long keep = 60_000 + (order == Order.ARRIVAL ? pipeline.allowedLateness() : 0);
      try (var harness = harness(pipeline, order, false, 1, 0)) {
        harness.open();
        harness.processWatermark(START - 1);
        process(harness, event(pipeline, 1, 7, 0, 1));
        harness.processWatermark(START + keep - 1);
        assertThat(harness.numKeyedStateEntries()).isEqualTo(1);
        harness.processWatermark(START + keep);
        assertThat(harness.numKeyedStateEntries()).isZero();
        assertThat(harness.numEventTimeTimers()).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void waitingEventsAndThoseTakenSurviveARestoreAtAnotherParallelism(boolean rocks)
      throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, ORDERED);
    OperatorSubtaskState state;
    try (var before = harness(pipeline, Order.WATERMARK, rocks, 1, 0)) {
      before.open();
      for (int id = 0; id < 40; id++) {
        process(before, event(pipeline, id, id, 0, 1));
        process(before, event(pipeline, 100 + id, 100 + id, 20_000, 1));
      }
      before.processWatermark(START + 10_000);
      assertThat(taken(before)).hasSize(40);
      state = before.snapshot(1, 1);
    }
    TreeSet<Long> taken = new TreeSet<>();
    List<Long> dead = new ArrayList<>();
    long counted = 0;
    for (int subtask = 0; subtask < 2; subtask++) {
      try (var after = harness(pipeline, Order.WATERMARK, rocks, 2, subtask)) {
        after.initializeState(
            AbstractStreamOperatorTestHarness.repartitionOperatorState(
                state, GROUPS, 1, 2, subtask));
        after.open();
        for (int id = 0; id < 40; id++) {
          for (int repeated : new int[] {id, 100 + id}) {
            int owner =
                KeyGroupRangeAssignment.assignKeyToParallelOperator(
                    Integer.toString(repeated), GROUPS, 2);
            if (owner == subtask) {
              process(after, event(pipeline, 1_000 + repeated, repeated, 30_000, 1));
            }
          }
        }
        after.processWatermark(Long.MAX_VALUE);
        after
            .extractOutputValues()
            .forEach(row -> assertThat(taken.add(Long.valueOf(row.id))).isTrue());
        dead(after).forEach(letter -> dead.add(letter.getOffset()));
        counted += count(after, JobMetric.FEATURE_DUPLICATES.id());
      }
    }
    assertThat(taken).hasSize(40).allMatch(id -> id >= 100);
    assertThat(dead).hasSize(80).allMatch(offset -> offset >= 1_000);
    assertThat(counted).isEqualTo(80);
  }

  private record Run(
      Map<String, double[]> features, List<String> dead, Map<String, Object> counts) {}

  private static Run run(
      StreamExecutionEnvironment environment,
      PipelineDefinition pipeline,
      List<Incoming> events,
      int parallelism)
      throws Exception {
    environment.setParallelism(parallelism);
    FeatureOutputs outputs =
        FeatureTopology.build(
            environment
                .fromData(events, new IncomingTypeInfo())
                .assignTimestampsAndWatermarks(EventWatermarks.strategy(pipeline)),
            pipeline);
    CloseableIterator<FeatureRow> features = outputs.features().collectAsync();
    CloseableIterator<DeadLetter> dead = outputs.deadLetters().collectAsync();
    JobClient client = environment.executeAsync("deduplicated");
    Map<String, double[]> rows = new TreeMap<>();
    features.forEachRemaining(row -> rows.put(row.id + " " + row.time, row.values));
    List<String> letters = new ArrayList<>();
    dead.forEachRemaining(letter -> letters.add(letter.getOffset() + " " + letter.getDetail()));
    letters.sort(null);
    return new Run(rows, letters, client.getJobExecutionResult().get().getAllAccumulatorResults());
  }

  /** Some events come again: as they were, at another time, or with another amount. */
  private static List<Incoming> withDuplicates(PipelineDefinition pipeline, int count) {
    Random random = new Random(11);
    List<Incoming> events = new ArrayList<>();
    for (Incoming event : TestEvents.events(pipeline, count, 3)) {
      events.add(event);
      for (int again = random.nextInt(6) - 3; again > 0; again--) {
        long offset = count + events.size();
        String json = new String(event.value, StandardCharsets.UTF_8);
        long time = DeduplicateEvents.row(event).time;
        json =
            switch (random.nextInt(3)) {
              case 0 -> json;
              case 1 -> json.replace(":" + time, ":" + (time + random.nextInt(150_000)));
              default -> json.replaceAll("\"amount\":[^,]*", "\"amount\":" + random.nextInt(99));
            };
        events.add(TestEvents.event(pipeline, offset, json));
      }
    }
    events.sort(
        (a, b) -> Long.compare(DeduplicateEvents.row(a).time, DeduplicateEvents.row(b).time));
    return events;
  }

  @Test
  void streamingUnderDisorderEqualsBatchWithDuplicates() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, ORDERED);
    List<Incoming> events = withDuplicates(pipeline, 1_500);
    Run batch = run(JobEnvironment.batch(new Configuration()), pipeline, events, 1);
    assertThat(batch.dead).hasSizeGreaterThan(500);
    assertThat(batch.features.keySet().stream().map(key -> key.split(" ")[0]).distinct())
        .as("every id is taken once or, far apart, again")
        .hasSize(1_500)
        .hasSizeLessThan(batch.features.size());
    List<Run> others = new ArrayList<>();
    others.add(
        run(
            JobEnvironment.batch(new Configuration()),
            pipeline,
            TestEvents.shuffled(events, 2),
            3));
    for (int parallelism : new int[] {1, 3}) {
      Configuration configuration = new Configuration();
      configuration.set(
          StateBackendOptions.STATE_BACKEND, parallelism == 1 ? "hashmap" : "rocksdb");
      configuration.set(PipelineOptions.AUTO_WATERMARK_INTERVAL, java.time.Duration.ofMillis(1));
      others.add(
          run(
              JobEnvironment.streaming(configuration),
              pipeline,
              TestEvents.shuffled(events, 3 + parallelism),
              parallelism));
    }
    for (Run run : others) {
      assertThat(run.features.keySet()).isEqualTo(batch.features.keySet());
      run.features.forEach(
          (id, values) ->
              assertThat(Arrays.equals(values, batch.features.get(id))).as(id).isTrue());
      assertThat(run.dead).isEqualTo(batch.dead);
      assertThat(run.counts)
          .containsEntry(JobMetric.FEATURE_IN.id(), (long) events.size())
          .containsEntry(JobMetric.FEATURE_DUPLICATES.id(), (long) batch.dead.size())
          .containsEntry(JobMetric.FEATURE_LATE.id(), 0L)
          .containsEntry(JobMetric.FEATURE_OUT.id(), (long) (events.size() - batch.dead.size()));
    }
  }

  @Test
  void aDuplicateOfAFileKeepsItsLine() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, ORDERED);
    Path file = directory.resolve("events.csv");
    String line = "7,2020-09-13T12:26:40Z,1,1,5.0,0\n";
    Files.writeString(
        file, "transaction_id,event_time,customer_id,terminal_id,amount,fraud\n" + line + line);
    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    environment.setParallelism(1);
    DataStream<Incoming> events =
        EventSources.files(
            environment, pipeline, EventSources.resolve(List.of(file.toString()), pipeline));
    List<DeadLetter> dead = new ArrayList<>();
    FeatureTopology.build(events, pipeline)
        .deadLetters()
        .executeAndCollect()
        .forEachRemaining(dead::add);
    assertThat(dead)
        .extracting(letter -> StandardCharsets.UTF_8.decode(letter.getValue()).toString().strip())
        .containsExactly(line.strip());
    assertThat(dead.get(0).getDetail()).contains("taken from events.csv record 2");
  }

  @Test
  void withoutTheKeyNothingIsDeduplicated() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, true);
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    FeatureTopology.build(
            environment.fromData(TestEvents.events(pipeline, 1, 1), new IncomingTypeInfo()),
            pipeline)
        .features()
        .print();
    assertThat(environment.getStreamGraph().getStreamNodes())
        .extracting(node -> node.getTransformationUID())
        .doesNotContain(FeatureTopology.DEDUPLICATE);
  }
}
