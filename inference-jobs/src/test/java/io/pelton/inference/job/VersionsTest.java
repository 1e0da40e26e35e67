package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.FeatureRow;
import io.pelton.model.FallbackReason;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.MemoryBudget;
import io.pelton.pipeline.MemoryBudget.Switching;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Safeguards;
import io.pelton.pipeline.ShadowBudget;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Router;
import io.pelton.rollout.Segment;
import io.pelton.rollout.Step;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.streaming.runtime.tasks.StreamTaskActionExecutor;
import org.apache.flink.streaming.runtime.tasks.mailbox.MailboxExecutorImpl;
import org.apache.flink.streaming.runtime.tasks.mailbox.MailboxProcessor;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailboxImpl;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Which versions are open when, and what they may take. This thread is the task's. */
@Timeout(60)
final class VersionsTest {
  private static final long NOW = Step.ALWAYS;
  private static final long MB = 1 << 20;
  private static final PipelineDefinition.Model MODEL =
      new PipelineDefinition.Model(
          "fake",
          null,
          4,
          5,
          PipelineDefinition.Device.CPU,
          false,
          Safeguards.NONE,
          new ShadowBudget(2, 1),
          MemoryBudget.NONE);

  @TempDir Path directory;

  private final TaskMailboxImpl mailbox = new TaskMailboxImpl();
  private final MailboxExecutor taskThread =
      new MailboxExecutorImpl(
          mailbox,
          0,
          StreamTaskActionExecutor.IMMEDIATE,
          new MailboxProcessor(controller -> {}, mailbox, StreamTaskActionExecutor.IMMEDIATE));
  private final List<String> stopped = new ArrayList<>();
  private final AtomicInteger flushes = new AtomicInteger();
  private final BlockingQueue<Object> outcomes = new LinkedBlockingQueue<>();
  private HeldMemory memory;
  private Drain drain;
  private Versions versions;
  private Shadows shadows;
  private Duration patience = Duration.ofSeconds(30);

  /** Gauges by name, with their tags in it. */
  private final Map<String, Gauge<?>> gauges = new ConcurrentHashMap<>();

  private final class Gauges extends UnregisteredMetricsGroup {
    private final String path;

    Gauges(String path) {
      this.path = path;
    }

    @Override
    public MetricGroup addGroup(String name) {
      return new Gauges(path + name + ".");
    }

    @Override
    public MetricGroup addGroup(String key, String value) {
      return new Gauges(path + key + "." + value + ".");
    }

    @Override
    public <T, G extends Gauge<T>> G gauge(String name, G gauge) {
      gauges.put(path + name, gauge);
      return gauge;
    }
  }

  /** The job's first plan. */
  private final RolloutPlan one = RolloutPlan.of("fake", 1);

  private RolloutPlan served = one;

  @BeforeEach
  void reset() {
    FakeModels.reset();
    FakeModels.MEMORY.putAll(Map.of(1, 100 * MB, 2, 100 * MB, 3, 100 * MB, 4, 100 * MB));
  }

  private void open(MemoryBudget budget, RolloutPlan first) throws Exception {
    memory = new HeldMemory(budget);
    drain = new Drain(taskThread, flushes::incrementAndGet);
    InferenceMetrics.OfVersions metrics = new InferenceMetrics.OfVersions(new Gauges(""));
    Loading loading = new Loading("fake", new FakeModels(), directory, null, 4, memory);
    List<String> features = List.of("a", "b");
    shadows =
        new Shadows(
            loading,
            features,
            MODEL,
            false,
            patience,
            taskThread,
            new Shadows.Task() {
              @Override
              public void emit(ScoredRow row) {}

              @Override
              public void stopped(String why) {
                stopped.add(why);
              }
            },
            metrics);
    versions =
        new Versions(
            loading,
            loaded ->
                new Serving(
                    loaded,
                    features,
                    new Inference.Surroundings(
                        MODEL,
                        4,
                        new BatchScorer.Results() {
                          @Override
                          public void scored(ScoredRow row) {}

                          @Override
                          public void died(
                              RowBatch batch,
                              int row,
                              @Nullable FallbackReason reason,
                              String detail) {}
                        },
                        (scored, died) -> {},
                        Runnable::run,
                        System::currentTimeMillis)),
            shadows,
            drain,
            metrics);
    versions.serve(first, versions.load(first));
    served = first;
  }

  @AfterEach
  void close() throws Exception {
    if (versions != null) {
      versions.close();
      assertThat(FakeModels.OPEN).hasValue(0);
      assertThat(memory.sum()).isZero();
    }
  }

  /** Loads a plan and serves it, as {@link ServedPlan} does. */
  private void change(RolloutPlan plan) {
    versions.expect(plan);
    versions.loadInBackground(
        plan,
        pipeline(),
        (Router router, SortedMap<Integer, Serving> loaded) ->
            taskThread.execute(
                () -> {
                  versions.serve(plan, loaded);
                  served = plan;
                  outcomes.add(plan);
                },
                "ready"),
        failure ->
            taskThread.execute(
                () -> {
                  versions.forget(plan);
                  outcomes.add(failure);
                },
                "failed"),
        before -> taskThread.execute(() -> versions.serve(one, before), "restored"));
  }

  /** What becomes of a plan. */
  private Object outcome(RolloutPlan plan) throws Exception {
    change(plan);
    while (outcomes.isEmpty()) {
      taskThread.yield();
    }
    return outcomes.take();
  }

  /** All that the loader was to do before is done; what is asked for needs nothing more. */
  private void settle() throws Exception {
    // No such field: refused unloaded.
    Segment broken = new Segment("broken", "nothing == 1", served.serving().first());
    assertThat(outcome(served.segment(broken, NOW))).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aRollbackLoadsNothing() throws Exception {
    open(MemoryBudget.NONE, one);
    RolloutPlan two = one.deploy(2, NOW);
    assertThat(outcome(two)).isEqualTo(two);
    settle();
    assertThat(FakeModels.LOADS).containsExactly(1, 2);
    RolloutPlan back = two.rollback();
    assertThat(outcome(back)).isEqualTo(back);
    assertThat(versions.serving()).extracting(s -> s.loaded.served().version()).containsExactly(1);
    assertThat(FakeModels.LOADS).containsExactly(1, 2);
  }

  @Test
  void aTaskThatIsInterruptedClosesItsVersionsNevertheless() throws Exception {
    open(MemoryBudget.NONE, one);
    outcome(one.deploy(2, NOW).shadow("next", 3, 1, NOW));
    Thread.currentThread().interrupt(); // as Flink does to a task that it cancels
    close();
    assertThat(Thread.interrupted()).isTrue();
    versions = null;
  }

  @Test
  void metricsHoldNothingOfAVersionThatIsClosed() throws Exception {
    open(MemoryBudget.NONE, one);
    RolloutPlan two = one.deploy(2, NOW);
    Gauge<?> memoryOfOne = gauges.get("inference.version.1.memory_bytes");
    assertThat(memoryOfOne.getValue()).isEqualTo(100.0 * MB);
    outcome(two);
    outcome(two.deploy(3, NOW));
    settle();
    assertThat(FakeModels.OPEN).hasValue(2);
    assertThat(memoryOfOne.getValue()).isEqualTo(0.0);
    assertThat(gauges.get("inference.version.2.memory_bytes").getValue()).isEqualTo(100.0 * MB);
  }

  @Test
  void aRefusedPlanKeepsNothingOfItsVersions() throws Exception {
    open(MemoryBudget.NONE, one);
    RolloutPlan plan =
        one.canary(2, 0.1, NOW).shadow("next", 3, 1, NOW).shadow("bad", FakeModels.BROKEN, 1, NOW);
    assertThat(outcome(plan)).hasToString("java.io.IOException: fake@666 is broken");
    settle();
    assertThat(FakeModels.LOADS).containsExactly(1, 2, 3);
    assertThat(FakeModels.OPEN).hasValue(1);
    assertThat(memory.sum()).isEqualTo(100 * MB);
  }

  @Test
  void whatWaitsToBeServedIsNotClosedForARefusalBeforeIt() throws Exception {
    open(MemoryBudget.NONE, one);
    RolloutPlan refused = one.deploy(FakeModels.BROKEN, NOW);
    RolloutPlan two = one.deploy(2, NOW);
    RolloutPlan three = two.deploy(3, NOW);
    change(refused);
    change(two);
    change(three);
    while (outcomes.size() < 3) {
      taskThread.yield();
    }
    outcomes.clear();
    settle();
    assertThat(FakeModels.LOADS).containsExactly(1, 2, 3);
    assertThat(FakeModels.OPEN).hasValue(2); // 3 serves, 2 is warm
  }

  @Test
  void aVersionThatDoesNotFitAloneIsNotAdvisedToDrain() throws Exception {
    FakeModels.MEMORY.put(3, 250 * MB);
    open(new MemoryBudget(200 * MB, Switching.LOAD_THEN_SWITCH), one);
    assertThat(outcome(one.deploy(3, NOW)).toString())
        .endsWith("; raise model.memory, or import the version with the --memory that it takes");
  }

  @Test
  void aVersionOverTheBudgetIsRefusedBeforeItIsLoaded() throws Exception {
    FakeModels.MEMORY.put(3, 150 * MB);
    open(new MemoryBudget(200 * MB, Switching.LOAD_THEN_SWITCH), one);
    assertThat(outcome(one.deploy(3, NOW)))
        .isInstanceOf(OverBudgetException.class)
        .hasToString(
            "io.pelton.inference.job.OverBudgetException: fake@3 takes 150MB of memory; of the"
                + " 200MB that a subtask's versions may take (model.memory) 100MB are taken:"
                + " fake@1 100MB; raise model.memory, import the version with the --memory that it"
                + " takes, or let rows wait while versions change by model.switch:"
                + " drain-then-load");
    assertThat(FakeModels.LOADS).containsExactly(1);
    assertThat(flushes).hasValue(0);
  }

  @Test
  void whatIsOnlyKeptForARollbackGivesWay() throws Exception {
    open(new MemoryBudget(200 * MB, Switching.LOAD_THEN_SWITCH), one);
    RolloutPlan two = one.deploy(2, NOW);
    RolloutPlan three = two.deploy(3, NOW);
    outcome(two);
    assertThat(outcome(three)).isEqualTo(three);
    settle();
    assertThat(FakeModels.LOADS).containsExactly(1, 2, 3);
    assertThat(FakeModels.OPEN).hasValue(2);
    // And comes back where it does not have to.
    assertThat(outcome(three.deploy(FakeModels.BROKEN, NOW))).isInstanceOf(Exception.class);
    settle();
    assertThat(FakeModels.OPEN).hasValue(2);
  }

  @Test
  void withDrainThenLoadWhatServesIsClosedFirst() throws Exception {
    open(new MemoryBudget(150 * MB, Switching.DRAIN_THEN_LOAD), one);
    RolloutPlan two = one.deploy(2, NOW);
    assertThat(outcome(two)).isEqualTo(two);
    assertThat(flushes).hasValue(1);
    drain.await(); // rows go on
    settle();
    assertThat(FakeModels.LOADS).containsExactly(1, 2);
    assertThat(FakeModels.OPEN).as("nothing is kept for a rollback").hasValue(1);
    assertThat(memory.sum()).isEqualTo(100 * MB);
  }

  @Test
  void whatWasClosedForAVersionThatFailsServesAgain() throws Exception {
    FakeModels.MEMORY.put(FakeModels.BROKEN, 100 * MB);
    open(new MemoryBudget(150 * MB, Switching.DRAIN_THEN_LOAD), one);
    assertThat(outcome(one.deploy(FakeModels.BROKEN, NOW)))
        .hasToString("java.io.IOException: fake@666 is broken");
    drain.await();
    assertThat(versions.serving()).extracting(s -> s.loaded.served().version()).containsExactly(1);
    assertThat(FakeModels.LOADS).containsExactly(1, 1);
  }

  @Test
  void aTaskFailsWhenNothingServesAnyMore() throws Exception {
    FakeModels.MEMORY.put(FakeModels.BROKEN, 100 * MB);
    open(new MemoryBudget(150 * MB, Switching.DRAIN_THEN_LOAD), one);
    FakeModels.MEMORY.put(1, 200 * MB);
    change(one.deploy(FakeModels.BROKEN, NOW));
    assertThatThrownBy(
            () -> {
              while (true) {
                taskThread.yield();
              }
            })
        .hasStackTraceContaining("model fake was closed for a version that does not load")
        .hasStackTraceContaining("fake@666 is broken");
  }

  @Test
  void whatDoesNotFitAloneIsRefusedWithoutADrain() throws Exception {
    open(new MemoryBudget(150 * MB, Switching.DRAIN_THEN_LOAD), one);
    FakeModels.MEMORY.put(4, 151 * MB);
    assertThat(outcome(one.deploy(4, NOW))).isInstanceOf(OverBudgetException.class);
    assertThat(flushes).hasValue(0);
  }

  @Test
  void aShadowTakesMemoryUntilItEnds() throws Exception {
    open(new MemoryBudget(250 * MB, Switching.LOAD_THEN_SWITCH), one);
    RolloutPlan beside = one.shadow("next", 1, 1, NOW);
    assertThat(outcome(beside)).isEqualTo(beside);
    assertThat(memory.sum()).as("a version of its own").isEqualTo(200 * MB);
    assertThat(outcome(beside.deploy(2, NOW)))
        .asString()
        .contains("fake@1 100MB, fake@1 as shadow next 100MB");
    RolloutPlan ended = beside.endShadow("next", NOW);
    assertThat(outcome(ended)).isEqualTo(ended);
    while (memory.sum() > 100 * MB) {
      Thread.sleep(1);
    }
    assertThat(outcome(ended.deploy(2, NOW))).isEqualTo(ended.deploy(2, NOW));
    assertThat(stopped).isEmpty();
  }

  @Test
  void aShadowThatHangsIsStoppedAndStartedAgainByTheNextPlan() throws Exception {
    CountDownLatch hanging = new CountDownLatch(1);
    FakeModels.TROUBLE.put(2, hanging::await);
    patience = Duration.ZERO;
    open(MemoryBudget.NONE, one);
    RolloutPlan beside = one.shadow("next", 2, 1, NOW);
    outcome(beside);
    while (stopped.isEmpty()) {
      shadows.offer("key", row());
    }
    assertThat(stopped)
        .containsExactly(
            "shadow next fake@2 is stopped: a batch has taken more than 0 s; the next command to"
                + " the model starts it again");
    assertThat(memory.sum()).as("what hangs is still there").isEqualTo(200 * MB);
    hanging.countDown();
    while (memory.sum() > 100 * MB) {
      Thread.sleep(1);
    }
    assertThat(outcome(beside.deploy(3, NOW))).isInstanceOf(RolloutPlan.class);
    settle();
    assertThat(FakeModels.LOADS).containsExactly(1, 2, 3, 2);
  }

  private static FeatureRow row() {
    return new FeatureRow("id", 0, new String[] {"key"}, new double[] {1, 2}, new Object[0]);
  }

  private static PipelineDefinition pipeline() {
    return FakeModels.pipeline(MODEL);
  }
}
