package io.pelton.inference.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.FeatureRow;
import io.pelton.job.JobMetric;
import io.pelton.job.ScoredRowTypeInfo;
import io.pelton.model.FeatureDigest;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Segment;
import io.pelton.rollout.Step;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.RolloutStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.clusterframework.types.ResourceID;
import org.apache.flink.runtime.executiongraph.ExecutionAttemptID;
import org.apache.flink.runtime.metrics.groups.TaskManagerMetricGroup;
import org.apache.flink.runtime.metrics.groups.TaskMetricGroup;
import org.apache.flink.runtime.metrics.util.TestingMetricRegistry;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.SimpleOperatorFactory;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BatchingInferenceOperatorTest {
  @TempDir static Path directory;

  private static final Map<String, Metric> METRICS = new ConcurrentHashMap<>();

  private OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> harness;

  @BeforeEach
  void openOperator() throws Exception {
    FakeModels.reset();
    harness = harness(4, 10);
    harness.open();
  }

  @AfterEach
  void closeOperator() throws Exception {
    harness.close();
  }

  @Test
  void scoresAFullBatch() throws Exception {
    process(1, 2, 3);
    assertThat(scored()).isEmpty();

    process(4);

    assertThat(ids(scored())).containsExactly("1", "2", "3", "4");
    assertThat(FakeModels.BATCHES).containsExactly(4);
    assertThat(metric("inference.version.3.reason.size.flushes")).isEqualTo(1L);
  }

  @Test
  void givesTheModelItsFeaturesInItsOrder() throws Exception {
    process(row("x", 5, 1.5, 99, 0.5));
    harness.endInput();

    ScoredRow row = scored().get(0);
    assertThat(row.served).isSameAs(FakeModels.SERVED);
    assertThat(row.features).containsExactly(0.5, 1.5);
    assertThat(row.outputs).containsExactly(1.0, 2.0);
    assertThat(row.featureDigest).isEqualTo(FeatureDigest.of(new double[] {0.5, 1.5}));
    assertThat(row.id).isEqualTo("x");
    assertThat(row.keys).containsExactly("key");
    assertThat(row.carried).containsExactly("carried");
  }

  @Test
  void outputsCarryTheTimeOfTheirEvents() throws Exception {
    process(row("x", 1234, 1, 0, 1));
    harness.endInput();

    StreamRecord<?> record = (StreamRecord<?>) harness.getOutput().peek();
    assertThat(record.getTimestamp()).isEqualTo(1234);
    assertThat(scored().get(0).time).isEqualTo(1234);
  }

  @Test
  void scoresWhenTheFirstRowHasWaitedLongEnough() throws Exception {
    harness.setProcessingTime(100);
    process(1);
    harness.setProcessingTime(105);
    process(2);
    harness.setProcessingTime(109);
    assertThat(scored()).isEmpty();

    harness.setProcessingTime(110);

    assertThat(ids(scored())).containsExactly("1", "2");
    assertThat(metric("inference.version.3.reason.delay.flushes")).isEqualTo(1L);
  }

  @Test
  void aBatchAfterAFullOneWaitsForItsOwnFirstRow() throws Exception {
    harness.setProcessingTime(100);
    process(1, 2, 3, 4);
    harness.setProcessingTime(106);
    process(5);

    harness.setProcessingTime(115);
    assertThat(ids(scored())).containsExactly("1", "2", "3", "4");
    harness.setProcessingTime(116);
    assertThat(ids(scored())).containsExactly("1", "2", "3", "4", "5");

    harness.setProcessingTime(200);
    process(6);
    harness.setProcessingTime(209);
    assertThat(scored()).hasSize(5);
    harness.setProcessingTime(210);
    assertThat(scored()).hasSize(6);
  }

  @Test
  void rowsGoOutBeforeTheWatermarkThatFollowedThem() throws Exception {
    process(1, 2);
    harness.processWatermark(7);
    process(3);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);

    List<String> order = new ArrayList<>();
    for (Object element : harness.getOutput()) {
      if (element instanceof StreamRecord<?> record) {
        order.add(((ScoredRow) record.getValue()).id);
      } else if (element instanceof Watermark mark) {
        order.add("watermark " + mark.getTimestamp());
      } else {
        order.add("idle");
      }
    }
    assertThat(order).containsExactly("1", "2", "watermark 7", "3", "idle");
    assertThat(metric("inference.version.3.reason.watermark.flushes")).isEqualTo(2L);
  }

  @Test
  void nothingStaysBehindABarrier() throws Exception {
    process(1, 2);

    OperatorSubtaskState state = snapshot(harness);

    assertThat(ids(scored())).containsExactly("1", "2");
    assertThat(metric("inference.version.3.reason.checkpoint.flushes")).isEqualTo(1L);
    try (var restored = harness(4, 10)) {
      restored.initializeState(state);
      restored.open();
      restored.endInput();
      assertThat(restored.getOutput()).isEmpty();
    }
  }

  @Test
  void scoresWhatIsLeftAtTheEnd() throws Exception {
    process(1);

    harness.endInput();

    assertThat(ids(scored())).containsExactly("1");
    assertThat(metric("inference.version.3.reason.end.flushes")).isEqualTo(1L);
  }

  @Test
  void keepsTheOrderOverManyBatchesWhateverEndsThem() throws Exception {
    for (int i = 0; i < 1000; i++) {
      process(i);
      if (i % 7 == 0) {
        harness.processWatermark(i);
      }
      if (i % 11 == 0) {
        harness.setProcessingTime(i * 10L);
      }
      if (i % 13 == 0) {
        snapshot(harness, i);
      }
    }
    harness.endInput();

    assertThat(ids(scored()))
        .containsExactlyElementsOf(IntStream.range(0, 1000).mapToObj(String::valueOf).toList());
  }

  @Test
  void halvesAFailingBatchUntilTheBadRowIsAlone() throws Exception {
    openWith(8);
    process(0, 1, 2);
    process(row("bad", 77, FakeModels.BAD, 0, 1));
    process(4, 5, 6, 7);

    assertThat(ids(scored())).containsExactly("0", "1", "2", "4", "5", "6", "7");
    assertThat(scored().get(3).outputs).containsExactly(4 - 1, 4 + 1);
    assertThat(FakeModels.BATCHES).containsExactly(8, 4, 2, 2, 1, 1, 4);
    DeadLetter letter = deadLetters().get(0);
    assertThat(deadLetters()).hasSize(1);
    assertThat(letter.getStage()).isEqualTo("inference");
    assertThat(letter.getReason()).isEqualTo("inference");
    assertThat(letter.getDetail()).isEqualTo("a is -666.0");
    assertThat(letter.getEventId()).isEqualTo("bad");
    assertThat(letter.getModel()).isEqualTo("fake@3");
    assertThat(letter.getSource()).isEqualTo("features");
    assertThat(letter.getOffset()).isEqualTo(-1);
    assertThat(letter.getTimestamp().toEpochMilli()).isEqualTo(77);
    assertThat(UTF_8.decode(letter.getValue()).toString())
        .isEqualTo(
            "{\"id\":\"bad\",\"time\":77,\"keys\":[\"key\"],\"features\":{\"b\":1.0,\"a\":-666.0}}");
  }

  @Test
  void everyRowOfABatchCanDie() throws Exception {
    for (int i = 0; i < 4; i++) {
      process(row("bad" + i, i, FakeModels.BAD, 0, Double.NaN));
    }

    assertThat(scored()).isEmpty();
    assertThat(deadLetters().stream().map(DeadLetter::getEventId))
        .containsExactly("bad0", "bad1", "bad2", "bad3");
    assertThat(UTF_8.decode(deadLetters().get(0).getValue()).toString()).contains("\"b\":null");
    assertThat(metric("inference.version.3.dead_letters")).isEqualTo(4L);
    assertThat(metric("inference.version.3.errors")).isEqualTo(7L);
    assertAccounting(harness, 4, 0, 4);
  }

  @Test
  void aRowThatIsTooNarrowDiesAlone() throws Exception {
    process(1);
    process(new FeatureRow("narrow", 5, new String[] {"key"}, new double[] {1}, new Object[0]));
    harness.endInput();

    assertThat(ids(scored())).containsExactly("1");
    assertThat(deadLetters().get(0).getDetail())
        .isEqualTo("row has 1 features; the pipeline has 3");
    assertAccounting(harness, 2, 1, 1);
  }

  @Test
  void aRestoreNeitherLosesNorDoublesACount() throws Exception {
    process(1, 2);
    process(row("bad", 3, FakeModels.BAD, 0, 0));
    OperatorSubtaskState state = snapshot(harness);
    process(4, 5, 6, 7); // lost with the failure, and read again below

    try (var restored = harness(4, 10)) {
      restored.initializeState(state);
      restored.open();
      assertAccounting(restored, 3, 2, 1);
      for (int i = 4; i < 10; i++) {
        restored.processElement(new StreamRecord<>(row(i)));
      }
      restored.endInput();
      assertAccounting(restored, 9, 8, 1);
    }
  }

  @Test
  void countsSurviveAChangeOfParallelism() throws Exception {
    process(1, 2, 3);
    OperatorSubtaskState first = snapshot(harness);
    OperatorSubtaskState second;
    try (var other = harness(4, 10)) {
      other.open();
      other.processElement(new StreamRecord<>(row(4)));
      second = snapshot(other);
    }

    try (var restored = harness(4, 10)) {
      restored.initializeState(AbstractStreamOperatorTestHarness.repackageState(first, second));
      restored.open();
      assertAccounting(restored, 4, 4, 0);
    }
  }

  @Test
  void tellsItsMetrics() throws Exception {
    harness.close();
    FakeModels.MEMORY.put(3, 4_096L);
    harness = harness(4, 10);
    harness.open();
    process(1, 2, 3, 4, 5);
    harness.endInput();

    assertThat(metric("inference.version.3.rows")).isEqualTo(5L);
    assertThat(metric("inference.version.3.batches")).isEqualTo(2L);
    assertThat(metric("inference.version.3.requested.prefer-gpu.actual.cpu.device")).isEqualTo(1.0);
    assertThat(metric("inference.version.3.memory_bytes")).isEqualTo(4_096.0);
    assertThat((Double) metric("inference.version.3.load_millis")).isNotNegative();
    for (String name : List.of("batch_size", "queue_micros", "compute_micros", "total_micros")) {
      assertThat(((Histogram) metrics().get("inference.version.3." + name)).getCount())
          .as(name)
          .isEqualTo(2);
    }
  }

  @Test
  void scoresAnEventByTheVersionThatThePlanGivesIt() throws Exception {
    harness.close();
    RolloutPlan plan =
        RolloutPlan.of("fake", 3)
            .segment(new Segment("abroad", "place == 'FR'", 5), Step.ALWAYS)
            .canary(4, 0.5, 1_000);
    harness = harness(operator(1_000, 10, plan));
    harness.open();
    assertThat(FakeModels.OPEN).hasValue(3);
    for (int i = 0; i < 2_000; i++) {
      FeatureRow row = row(i);
      row.keys[0] = "" + i % 100;
      row.carried[0] = i % 10 == 0 ? "FR" : "DE";
      process(row);
    }
    harness.endInput();

    assertThat(scored()).hasSize(2_000);
    Map<String, Set<String>> keyed = new TreeMap<>();
    for (ScoredRow row : scored()) {
      String served = row.served.variant() + "@" + row.served.version();
      assertThat(row.outputs)
          .containsExactly(row.features[1] - row.features[0], row.features[1] + row.features[0]);
      if (row.carried[0].equals("FR")) {
        assertThat(served).isEqualTo("abroad@5");
      } else if (row.time < 1_000) {
        assertThat(served).isEqualTo("champion@3");
      } else {
        assertThat(served).isIn("canary@4", "champion@3");
        keyed.computeIfAbsent(row.keys[0], key -> new HashSet<>()).add(served);
      }
    }
    assertThat(keyed.values()).allSatisfy(served -> assertThat(served).hasSize(1));
    assertThat(keyed.values()).contains(Set.of("canary@4"), Set.of("champion@3"));
    assertAccounting(harness, 2_000, 2_000, 0);
    // Rows of a version stay in order.
    for (int version : List.of(3, 4, 5)) {
      assertThat(scored().stream().filter(row -> row.served.version() == version))
          .isSortedAccordingTo(Comparator.comparingLong((ScoredRow row) -> row.time));
    }
  }

  @Test
  void aRestoreKeepsWhatWasCommandedButNotTheVersionOfAnEarlierStart() throws Exception {
    RolloutPlan three = RolloutPlan.of("fake", 3);
    RolloutPlan four = RolloutPlan.of("fake", 4);
    RolloutPlan commanded = three.deploy(5, Step.ALWAYS);
    assertThat(servedAfterRestore(three, four, null)).isEqualTo(4);
    assertThat(servedAfterRestore(three, four, new Silent())).isEqualTo(4);
    assertThat(servedAfterRestore(commanded, four, new Silent())).isEqualTo(5);
    // Told to serve one version, it does, whatever was commanded before.
    assertThat(servedAfterRestore(commanded, four, null)).isEqualTo(4);
  }

  private static int servedAfterRestore(
      RolloutPlan before, RolloutPlan started, @Nullable Control control) throws Exception {
    OperatorSubtaskState state;
    try (var first = harness(operator(4, 10, before))) {
      first.open();
      state = snapshot(first);
    }
    try (var again =
        harness(
            new BatchingInferenceOperator(
                pipeline(), 4, 10, started, new FakeModels(), control, false))) {
      again.initializeState(state);
      again.open();
      again.processElement(new StreamRecord<>(row(1)));
      again.endInput();
      return again.extractOutputValues().get(0).served.version();
    }
  }

  /** A control topic without commands. */
  private record Silent() implements Control {
    @Override
    public Optional<RolloutPlan> newest(String model) {
      return Optional.empty();
    }

    @Override
    public Following follow(
        String model, Consumer<RolloutPlan> plans, Consumer<RolloutStatus> statuses) {
      return new Following() {
        @Override
        public void tell(RolloutStatus status) {}

        @Override
        public void close() {}
      };
    }
  }

  @Test
  void aVersionThatDoesNotLoadLeavesNothingOpen() {
    RolloutPlan plan = RolloutPlan.of("fake", 3).canary(FakeModels.BROKEN, 0.5, Step.ALWAYS);
    assertThatThrownBy(
            () -> {
              try (var broken = harness(operator(4, 10, plan))) {
                broken.open();
              }
            })
        .hasMessage("fake@666 is broken");
    assertThat(FakeModels.OPEN).hasValue(1);
  }

  @Test
  void givesTheModelBackWhenItCloses() throws Exception {
    assertThat(FakeModels.OPEN).hasValue(1);

    harness.close();

    assertThat(FakeModels.OPEN).hasValue(0);
    assertThat(FakeModels.LEASED).hasValue(0);
    openOperator();
  }

  @Test
  void offersTheModelTheGpusThatFlinkGave() {
    assertThat(FakeModels.GPUS).containsExactly(0, 1);
  }

  @Test
  void chainsToWhateverComesBefore() {
    assertThat(SimpleOperatorFactory.of(operator(4, 10)).getChainingStrategy())
        .isEqualTo(ChainingStrategy.ALWAYS);
  }

  @Test
  void refusesABatchOfNothingAndNoDelay() {
    assertThatThrownBy(() -> operator(0, 10)).hasMessage("max-size is 0; it must be 1 or more");
    assertThatThrownBy(() -> operator(1, 0))
        .hasMessage("max-delay is 0 ms; it must be 1 ms or more");
  }

  private Object metric(String name) {
    Metric metric = metrics().get(name);
    if (metric instanceof Counter counter) {
      return counter.getCount();
    }
    return ((Gauge<?>) metric).getValue();
  }

  private Map<String, Metric> metrics() {
    return METRICS;
  }

  private void openWith(int maxBatchSize) throws Exception {
    harness.close();
    FakeModels.reset();
    harness = harness(maxBatchSize, 10);
    harness.open();
  }

  private static BatchingInferenceOperator operator(int maxBatchSize, long maxBatchDelay) {
    return operator(maxBatchSize, maxBatchDelay, RolloutPlan.of("fake", 3));
  }

  private static BatchingInferenceOperator operator(
      int maxBatchSize, long maxBatchDelay, RolloutPlan plan) {
    return new BatchingInferenceOperator(
        pipeline(), maxBatchSize, maxBatchDelay, plan, new FakeModels(), null, false);
  }

  private static PipelineDefinition pipeline() {
    try {
      Files.writeString(
          directory.resolve("event.avsc"),
          """
          {"type": "record", "name": "Event", "fields": [
            {"name": "id", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "key", "type": "string"},
            {"name": "place", "type": "string"},
            {"name": "x", "type": "double"}]}
          """);
      return PipelineFile.read(
          Files.writeString(
              directory.resolve("pipeline.yaml"),
              """
              pipeline: fake
              events: {topic: e, schema: event.avsc, id: id, time: at}
              entities: {one: key}
              features: {a: {value: x}, unused: {value: x}, b: {value: x}}
              model: {name: fake}
              carry: [place]
              """));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InvalidPipelineException e) {
      throw new IllegalStateException(e);
    }
  }

  private static OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> harness(
      int maxBatchSize, long maxBatchDelay) throws Exception {
    return harness(operator(maxBatchSize, maxBatchDelay));
  }

  private static OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> harness(
      BatchingInferenceOperator operator) throws Exception {
    OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> harness =
        new OneInputStreamOperatorTestHarness<>(
            operator,
            new MockEnvironmentBuilder()
                .setMetricGroup(recordingMetrics())
                .setExternalResourceInfoProvider(name -> Set.of(gpu("1"), gpu("0")))
                .build());
    harness.setup(new ScoredRowTypeInfo().createSerializer(new SerializerConfigImpl()));
    return harness;
  }

  private static ExternalResourceInfo gpu(String index) {
    return new ExternalResourceInfo() {
      @Override
      public Optional<String> getProperty(String key) {
        return key.equals("index") ? Optional.of(index) : Optional.empty();
      }

      @Override
      public Collection<String> getKeys() {
        return List.of("index");
      }
    };
  }

  private static TaskMetricGroup recordingMetrics() {
    return TaskManagerMetricGroup.createTaskManagerMetricGroup(
            TestingMetricRegistry.builder()
                .setRegisterConsumer(
                    (metric, name, group) -> METRICS.put(path(name, group), metric))
                .build(),
            "localhost",
            ResourceID.generate())
        .addJob(new JobID(), "job")
        .addTask(ExecutionAttemptID.randomId(), "task");
  }

  /** From the group of the metrics on. */
  private static String path(String name, MetricGroup group) {
    String identifier = group.getMetricIdentifier(name);
    return identifier.substring(identifier.indexOf(".inference.") + 1);
  }

  private static OperatorSubtaskState snapshot(
      OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> harness) throws Exception {
    return snapshot(harness, 1);
  }

  private static OperatorSubtaskState snapshot(
      OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> harness, long id) throws Exception {
    harness.prepareSnapshotPreBarrier(id);
    return harness.snapshot(id, id);
  }

  private void process(int... ids) throws Exception {
    for (int id : ids) {
      process(row(id));
    }
  }

  private void process(FeatureRow row) throws Exception {
    harness.processElement(new StreamRecord<>(row, row.time));
  }

  private static FeatureRow row(int id) {
    return row(String.valueOf(id), id, id, -1, 1);
  }

  private static FeatureRow row(String id, long time, double... values) {
    return new FeatureRow(id, time, new String[] {"key"}, values, new Object[] {"carried"});
  }

  private List<ScoredRow> scored() {
    List<ScoredRow> rows = new ArrayList<>();
    for (Object element : harness.getOutput()) {
      if (element instanceof StreamRecord<?> record) {
        rows.add((ScoredRow) record.getValue());
      }
    }
    return rows;
  }

  private static List<String> ids(List<ScoredRow> rows) {
    return rows.stream().map(row -> row.id).toList();
  }

  private List<DeadLetter> deadLetters() {
    ConcurrentLinkedQueue<StreamRecord<DeadLetter>> letters =
        harness.getSideOutput(BatchingInferenceOperator.DEAD_LETTERS);
    return letters == null ? List.of() : letters.stream().map(StreamRecord::getValue).toList();
  }

  private static void assertAccounting(
      OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> harness,
      long in,
      long out,
      long dead) {
    Map<String, Long> counts = new TreeMap<>();
    for (JobMetric metric :
        List.of(JobMetric.INFERENCE_IN, JobMetric.INFERENCE_OUT, JobMetric.INFERENCE_DEAD)) {
      counts.put(
          metric.id(),
          (Long)
              ((BatchingInferenceOperator) harness.getOneInputOperator())
                  .getRuntimeContext()
                  .getAccumulator(metric.id())
                  .getLocalValue());
    }
    assertThat(counts)
        .isEqualTo(Map.of("inference.in", in, "inference.out", out, "inference.dead", dead));
  }
}
