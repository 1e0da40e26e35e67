package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.FeatureRow;
import io.pelton.job.JobMetric;
import io.pelton.job.ScoredRowTypeInfo;
import io.pelton.model.FallbackReason;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Step;
import io.pelton.schemas.DeadLetter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Metric;
import org.apache.flink.runtime.clusterframework.types.ResourceID;
import org.apache.flink.runtime.executiongraph.ExecutionAttemptID;
import org.apache.flink.runtime.metrics.groups.TaskManagerMetricGroup;
import org.apache.flink.runtime.metrics.groups.TaskMetricGroup;
import org.apache.flink.runtime.metrics.util.TestingMetricRegistry;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of rows when their version cannot score, or not in time. */
@Timeout(60)
final class InferenceTest {
  private static final int BATCH = 4;
  private static final String FALLBACK = "fallback: {version: 3}";

  @TempDir Path directory;

  private final Map<String, Metric> metrics = new ConcurrentHashMap<>();
  private final CountDownLatch held = new CountDownLatch(1);
  private OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> harness;

  @BeforeEach
  void forget() {
    FakeModels.reset();
  }

  @AfterEach
  void close() throws Exception {
    held.countDown();
    if (harness != null) {
      harness.close();
    }
  }

  @Test
  void aBatchThatTakesTooLongIsScoredByTheFallbackUntilItsCallEnds() throws Exception {
    open("timeout: 1s, " + FALLBACK, RolloutPlan.of("fake", 4));
    FakeModels.HELD.put(4, held);
    process(0, 4);
    process(4, 8);
    assertThat(FakeModels.CALLED).containsExactly(4, 3, 3);
    assertThat(breaker()).isEqualTo(CircuitBreaker.State.OPEN);

    held.countDown();
    await(() -> breaker().equals(CircuitBreaker.State.CLOSED));
    assertThat(FakeModels.SEEN).as("its batch was given to no other").containsExactly(0.0);
    FakeModels.HELD.clear();
    process(8, 12);

    assertThat(scored().stream().map(InferenceTest::told))
        .containsExactly(
            "0 by 3 champion TIMEOUT",
            "1 by 3 champion TIMEOUT",
            "2 by 3 champion TIMEOUT",
            "3 by 3 champion TIMEOUT",
            "4 by 3 champion BREAKER_OPEN",
            "5 by 3 champion BREAKER_OPEN",
            "6 by 3 champion BREAKER_OPEN",
            "7 by 3 champion BREAKER_OPEN",
            "8 by 4 champion null",
            "9 by 4 champion null",
            "10 by 4 champion null",
            "11 by 4 champion null");
    assertThat(scored()).allSatisfy(row -> assertThat(row.outputs).containsExactly(of(row)));
    assertThat(metric("timeouts")).isEqualTo(1L);
    assertThat(metric("failed_batches")).isEqualTo(1L);
    assertThat(metric("timeout.fallbacks")).isEqualTo(4L);
    assertThat(metric("breaker-open.fallbacks")).isEqualTo(4L);
    assertAccounting(12, 12, 0);
  }

  @Test
  void withoutAFallbackItIsDeadLettersThatSayWhy() throws Exception {
    open("timeout: 50ms", RolloutPlan.of("fake", 4));
    FakeModels.HELD.put(4, held);
    process(0, 4);
    process(4, 8);

    assertThat(scored()).isEmpty();
    assertThat(deadLetters()).hasSize(8);
    DeadLetter late = deadLetters().get(0);
    assertThat(late.getEventId()).isEqualTo("0");
    assertThat(late.getReason()).isEqualTo("timeout");
    assertThat(late.getModel()).isEqualTo("fake@4");
    assertThat(late.getDetail())
        .isEqualTo("fake@4: a batch of 4 rows took longer than model.timeout, 50 ms");
    assertThat(deadLetters().get(4).getReason()).isEqualTo("breaker-open");
    assertThat(deadLetters().get(4).getDetail())
        .isEqualTo(
            "fake@4: breaker open since 1970-01-01T00:00:00Z, for a call that took longer than 50"
                + " ms has not ended");
    assertAccounting(8, 0, 8);
  }

  @Test
  void theBreakerLeavesASickVersionAloneAndTriesAgainLater() throws Exception {
    open(
        "breaker: {failures: 2, reset-after: 10s}, fallback: {outputs: {sum: 7, difference: -1}}",
        RolloutPlan.of("fake", 4));
    harness.setProcessingTime(1_000);
    FakeModels.SICK.add(4);
    process(0, 4);
    assertThat(breaker()).isEqualTo(CircuitBreaker.State.CLOSED);
    process(4, 8);
    assertThat(breaker()).isEqualTo(CircuitBreaker.State.OPEN);
    int calls = FakeModels.CALLED.size();
    process(8, 12);
    assertThat(FakeModels.CALLED).hasSize(calls);

    harness.setProcessingTime(11_000);
    process(12, 16);
    assertThat(FakeModels.CALLED).hasSizeGreaterThan(calls);
    assertThat(breaker()).isEqualTo(CircuitBreaker.State.OPEN);
    FakeModels.SICK.clear();
    harness.setProcessingTime(20_999);
    process(16, 20);
    harness.setProcessingTime(21_000);
    process(20, 24);
    assertThat(breaker()).isEqualTo(CircuitBreaker.State.CLOSED);

    List<String> reasons = new ArrayList<>();
    for (ScoredRow row : scored()) {
      boolean declared = row.served.version() == 0;
      assertThat(row.outputs).containsExactly(declared ? new double[] {-1, 7} : of(row));
      assertThat(row.served.model()).isEqualTo("fake");
      assertThat(declared).isEqualTo(row.fallback != null);
      if (Integer.parseInt(row.id) % BATCH == 0) {
        reasons.add(String.valueOf(row.fallback));
      }
    }
    assertThat(reasons)
        .containsExactly("FAILED", "FAILED", "BREAKER_OPEN", "FAILED", "BREAKER_OPEN", "null");
    assertThat(metric("failed_batches")).isEqualTo(3L);
    assertAccounting(24, 24, 0);
  }

  @Test
  void anOpenBreakerWithoutAFallbackSaysSinceWhenAndWhy() throws Exception {
    open("breaker: {failures: 1, reset-after: 10s}", RolloutPlan.of("fake", 4));
    harness.setProcessingTime(1_000);
    FakeModels.SICK.add(4);
    process(0, 8);

    assertThat(deadLetters().get(0).getReason()).isEqualTo("failed");
    assertThat(deadLetters().get(0).getDetail())
        .isEqualTo("fake@4 can score neither a batch of 4 rows nor a row of zeros: fake@4 is sick");
    assertThat(deadLetters().get(7).getReason()).isEqualTo("breaker-open");
    assertThat(deadLetters().get(7).getDetail())
        .isEqualTo(
            "fake@4: breaker open since 1970-01-01T00:00:01Z, after 1 failed batches in a row; one"
                + " tries again at 1970-01-01T00:00:11Z; the last: fake@4 can score neither a batch"
                + " of 4 rows nor a row of zeros: fake@4 is sick");
    assertAccounting(8, 0, 8);
  }

  @Test
  void rowsThatFailAloneAreNoFaultOfTheVersion() throws Exception {
    open("breaker: {failures: 1}, " + FALLBACK, RolloutPlan.of("fake", 4));
    for (int i = 0; i < 2 * BATCH; i++) {
      process(row(i, FakeModels.BAD));
    }
    process(8, 12);

    assertThat(deadLetters()).hasSize(8);
    assertThat(deadLetters())
        .allSatisfy(
            letter -> {
              assertThat(letter.getReason()).isEqualTo("inference");
              assertThat(letter.getDetail()).isEqualTo("a is -666.0");
            });
    assertThat(scored().stream().map(InferenceTest::told))
        .containsExactly(
            "8 by 4 champion null",
            "9 by 4 champion null",
            "10 by 4 champion null",
            "11 by 4 champion null");
    assertThat(FakeModels.CALLED).doesNotContain(3);
    assertThat(metric("failed_batches")).isEqualTo(0L);
    assertAccounting(12, 4, 8);
  }

  @Test
  void whatTheFallbackCannotScoreEitherIsADeadLetterWithBothCauses() throws Exception {
    open(FALLBACK, RolloutPlan.of("fake", 4));
    FakeModels.SICK.add(4);
    process(0, 3);
    process(row(3, FakeModels.BAD));
    FakeModels.SICK.add(3);
    process(4, 8);

    assertThat(ids()).containsExactly("0", "1", "2");
    String sick = "fake@4 can score neither a batch of 4 rows nor a row of zeros: fake@4 is sick";
    assertThat(deadLetters().get(0).getEventId()).isEqualTo("3");
    assertThat(deadLetters().get(0).getModel()).isEqualTo("fake@4");
    assertThat(deadLetters().get(0).getDetail()).isEqualTo(sick + "; the fallback: a is -666.0");
    assertThat(deadLetters().get(1).getDetail())
        .isEqualTo(sick + "; the fallback: " + sick.replace("@4", "@3"));
    assertAccounting(8, 3, 5);
  }

  @Test
  void theFallbackServesTrafficOfItsOwnToo() throws Exception {
    open(FALLBACK, RolloutPlan.of("fake", 3).canary(4, 0.5, Step.ALWAYS));
    assertThat(FakeModels.OPEN).hasValue(2);
    FakeModels.SICK.add(4);
    for (int i = 0; i < 1_000; i++) {
      FeatureRow row = row(i, i);
      row.keys[0] = "" + i;
      process(row);
    }
    harness.endInput();

    assertThat(scored()).hasSize(1_000);
    assertThat(scored().stream().map(row -> told(row).replaceFirst("^\\d+ ", "")).distinct())
        .containsExactlyInAnyOrder("by 3 champion null", "by 3 canary FAILED");
    FakeModels.SICK.add(3);
    int before = scored().size();
    process(row(1_000, 1));
    harness.processWatermark(1);
    assertThat(scored()).as("it is no fallback of itself").hasSize(before);
  }

  @Test
  void refusesAFallbackThatLacksOutputs() {
    assertThatThrownBy(
            () -> open("fallback: {version: 9}", RolloutPlan.of("fake", 4), new FakeModels(9)))
        .hasMessage(
            "fake@4 gives [difference, sum]; its fallback fake@9 gives [difference] and must have"
                + " all of them");
    assertThat(FakeModels.OPEN).as("that is the fallback").hasValue(1);
    assertThatThrownBy(
            () -> open("fallback: {outputs: {sun: 1, sum: 2}}", RolloutPlan.of("fake", 4)))
        .hasMessage(
            "fake@4: model.fallback.outputs of the pipeline file must name the outputs of the"
                + " version: it lacks \"difference\"; the version gives no \"sun\"; did you mean"
                + " \"sum\"?");
  }

  @Test
  void aCallThatDoesNotEndKeepsItsModelButNotTheTask() throws Exception {
    open("timeout: 50ms", RolloutPlan.of("fake", 4));
    FakeModels.HELD.put(4, held);
    process(0, 4);

    harness.close();
    harness = null;

    assertThat(FakeModels.OPEN).hasValue(1);
    held.countDown();
    await(() -> FakeModels.LEASED.get() == 0);
    assertThat(FakeModels.OPEN).hasValue(0);
  }

  @Test
  void gathersTheNextBatchWhileOneIsScored() throws Exception {
    open("batch: {overlap: true}", RolloutPlan.of("fake", 4));
    FakeModels.HELD.put(4, held);
    process(0, 7);
    assertThat(scored()).isEmpty();
    held.countDown();
    process(7, 8);
    assertThat(ids()).as("one batch at a time is under way").containsExactly("0", "1", "2", "3");

    harness.processWatermark(5);

    assertThat(ids()).containsExactlyElementsOf(numbers(8));
    Object[] output = harness.getOutput().toArray();
    assertThat(output[output.length - 1]).isEqualTo(new Watermark(5));
    assertAccounting(8, 8, 0);
  }

  @Test
  void whatWasScoredIsHandedOnWithoutMoreInput() throws Exception {
    open("batch: {overlap: true}", RolloutPlan.of("fake", 4));
    process(0, 4);
    mail();
    assertThat(ids()).containsExactlyElementsOf(numbers(4));

    process(4, 5);
    harness.setProcessingTime(1_000);
    mail();
    assertThat(ids()).containsExactlyElementsOf(numbers(5));
  }

  @Test
  void aBatchIsGivenUpWithoutMoreInput() throws Exception {
    open("batch: {overlap: true}, timeout: 1s, " + FALLBACK, RolloutPlan.of("fake", 4));
    FakeModels.HELD.put(4, held);
    process(0, 4);
    assertThat(scored()).isEmpty();
    mail();
    assertThat(scored()).hasSize(4).allMatch(row -> row.fallback == FallbackReason.TIMEOUT);
    process(4, 8);
    assertThat(scored()).hasSize(8);
    held.countDown();
  }

  @Test
  void overlapKeepsTheOrderWhateverEndsABatch() throws Exception {
    open("batch: {overlap: true}", RolloutPlan.of("fake", 4));
    for (int i = 0; i < 1_000; i++) {
      process(i % 17 == 3 ? row(i, FakeModels.BAD) : row(i, i));
      if (i % 7 == 0) {
        harness.processWatermark(i);
        assertThat(scored().size() + deadLetters().size()).isEqualTo(i + 1);
      }
      if (i % 11 == 0) {
        harness.setProcessingTime(i * 10L);
      }
      if (i % 13 == 0) {
        harness.prepareSnapshotPreBarrier(i);
        assertThat(scored().size() + deadLetters().size()).isEqualTo(i + 1);
        harness.snapshot(i, i);
      }
      while (harness.getTaskMailbox().hasMail()) {
        mail();
      }
    }
    harness.endInput();

    assertThat(ids())
        .containsExactlyElementsOf(
            IntStream.range(0, 1_000).filter(i -> i % 17 != 3).mapToObj(String::valueOf).toList());
    assertThat(scored()).allSatisfy(row -> assertThat(row.outputs).containsExactly(of(row)));
    assertAccounting(1_000, scored().size(), deadLetters().size());
  }

  private void open(String model, RolloutPlan plan) throws Exception {
    open(model, plan, new FakeModels(model.contains(FALLBACK) ? 3 : null));
  }

  private void open(String model, RolloutPlan plan, Models models) throws Exception {
    harness =
        new OneInputStreamOperatorTestHarness<>(
            new BatchingInferenceOperator(pipeline(model), BATCH, 10, plan, models, null, false),
            new MockEnvironmentBuilder().setMetricGroup(recordingMetrics()).build());
    harness.setup(new ScoredRowTypeInfo().createSerializer(new SerializerConfigImpl()));
    harness.open();
  }

  private PipelineDefinition pipeline(String model) throws Exception {
    Files.writeString(
        directory.resolve("event.avsc"),
        """
        {"type": "record", "name": "Event", "fields": [
          {"name": "id", "type": "string"},
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "key", "type": "string"},
          {"name": "x", "type": "double"}]}
        """);
    return PipelineFile.read(
        Files.writeString(
            directory.resolve("pipeline.yaml"),
            """
            pipeline: fake
            events: {topic: e, schema: event.avsc, id: id, time: at}
            entities: {one: key}
            features: {a: {value: x}, b: {value: x}}
            model: {name: fake, %s}
            """
                .formatted(model)));
  }

  /** Of the version that rows are meant for; the fallback has its own. */
  private TaskMetricGroup recordingMetrics() {
    return TaskManagerMetricGroup.createTaskManagerMetricGroup(
            TestingMetricRegistry.builder()
                .setRegisterConsumer(
                    (metric, name, group) -> {
                      if ("4".equals(group.getAllVariables().get("<version>"))) {
                        String reason = group.getAllVariables().get("<reason>");
                        metrics.put(reason == null ? name : reason + "." + name, metric);
                      }
                    })
                .build(),
            "localhost",
            ResourceID.generate())
        .addJob(new JobID(), "job")
        .addTask(ExecutionAttemptID.randomId(), "task");
  }

  private long metric(String name) {
    return ((Counter) metrics.get(name)).getCount();
  }

  private CircuitBreaker.State breaker() {
    Object state = ((Gauge<?>) metrics.get("breaker_state")).getValue();
    return CircuitBreaker.State.values()[((Number) state).intValue()];
  }

  private void process(int from, int to) throws Exception {
    for (int i = from; i < to; i++) {
      process(row(i, i));
    }
  }

  private void process(FeatureRow row) throws Exception {
    harness.processElement(new StreamRecord<>(row, row.time));
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Runs what another thread asks the task's to, when it does. */
  private void mail() throws Exception {
    harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
  }

  private static FeatureRow row(int id, double a) {
    return new FeatureRow(
        String.valueOf(id), id, new String[] {"key"}, new double[] {a, 0.5}, new Object[0]);
  }

  /** What any version gives for a row. */
  private static double[] of(ScoredRow row) {
    double a = Double.parseDouble(row.id);
    return new double[] {a - 0.5, a + 0.5};
  }

  private static String told(ScoredRow row) {
    return "%s by %d %s %s"
        .formatted(row.id, row.served.version(), row.served.variant(), row.fallback);
  }

  private List<ScoredRow> scored() {
    return harness.extractOutputValues();
  }

  private List<String> ids() {
    return scored().stream().map(row -> row.id).toList();
  }

  private static List<String> numbers(int count) {
    return IntStream.range(0, count).mapToObj(String::valueOf).toList();
  }

  private List<DeadLetter> deadLetters() {
    @Nullable ConcurrentLinkedQueue<StreamRecord<DeadLetter>> letters =
        harness.getSideOutput(BatchingInferenceOperator.DEAD_LETTERS);
    return letters == null ? List.of() : letters.stream().map(StreamRecord::getValue).toList();
  }

  private void assertAccounting(long in, long out, long dead) {
    List<Object> counts = new ArrayList<>();
    for (JobMetric account :
        List.of(JobMetric.INFERENCE_IN, JobMetric.INFERENCE_OUT, JobMetric.INFERENCE_DEAD)) {
      counts.add(
          ((BatchingInferenceOperator) harness.getOneInputOperator())
              .getRuntimeContext()
              .getAccumulator(account.id())
              .getLocalValue());
    }
    assertThat(counts).containsExactly(in, out, dead);
  }
}
