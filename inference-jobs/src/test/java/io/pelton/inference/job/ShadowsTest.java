package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.ScoredRowTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.model.ScoringException;
import io.pelton.pipeline.MemoryBudget;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Safeguards;
import io.pelton.pipeline.ShadowBudget;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Step;
import io.pelton.schemas.RolloutStatus;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Versions that score beside what serves, in real jobs. */
@Timeout(120)
final class ShadowsTest {
  private static final InMemoryReporter METRICS = InMemoryReporter.createWithRetainedMetrics();

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setConfiguration(METRICS.addToConfiguration(new Configuration()))
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(2)
              .build());

  private static final int SHADOW = 7;
  private static final int ROWS = 5_000;
  private static final int KEYS = 500;
  private static final AtomicInteger SERVED = new AtomicInteger();
  private static volatile Runnable whenServed = () -> {};
  private static final List<RolloutStatus> SAID = new CopyOnWriteArrayList<>();

  /** What a job gave. */
  private record Run(
      String job, Map<String, ScoredRow> predictions, Map<String, ScoredRow> shadows) {
    Run(String job) {
      this(job, new HashMap<>(), new HashMap<>());
    }
  }

  /** A plan from the start, and an ear for what is said. */
  private record Commanded(RolloutPlan plan) implements Control {
    @Override
    public Optional<RolloutPlan> newest(String model) {
      return Optional.of(plan);
    }

    @Override
    public Following follow(
        String model, Consumer<RolloutPlan> plans, Consumer<RolloutStatus> statuses) {
      return new Following() {
        @Override
        public void tell(RolloutStatus status) {
          SAID.add(status);
        }

        @Override
        public void close() {}
      };
    }
  }

  @BeforeEach
  void reset() {
    FakeModels.reset();
    SERVED.set(0);
    whenServed = () -> {};
    SAID.clear();
  }

  private static List<FeatureRow> rows() {
    return IntStream.range(0, ROWS)
        .mapToObj(
            i ->
                new FeatureRow(
                    "" + i, i, new String[] {"key" + i % KEYS}, new double[] {i, 1}, new Object[0]))
        .toList();
  }

  private static Run run(
      RuntimeExecutionMode mode, int subtasks, ShadowBudget budget, RolloutPlan plan)
      throws Exception {
    StreamExecutionEnvironment environment = InferenceTopologyTest.environment(mode, subtasks);
    environment.setBufferTimeout(1);
    PipelineDefinition pipeline =
        FakeModels.pipeline(
            new PipelineDefinition.Model(
                "fake",
                null,
                16,
                5,
                PipelineDefinition.Device.CPU,
                false,
                Safeguards.NONE,
                budget,
                MemoryBudget.NONE));
    DataStream<FeatureRow> rows =
        environment.fromData(rows(), new FeatureRowTypeInfo()).uid("rows").rebalance();
    SingleOutputStreamOperator<ScoredRow> predictions =
        rows.transform(
                "inference",
                new ScoredRowTypeInfo(),
                new BatchingInferenceOperator(
                    pipeline,
                    16,
                    5,
                    RolloutPlan.of("fake", 3),
                    new FakeModels(),
                    new Commanded(plan),
                    mode == RuntimeExecutionMode.BATCH))
            .uid("inference");
    CloseableIterator<ScoredRow> served =
        predictions
            .map(
                row -> {
                  if (SERVED.incrementAndGet() == ROWS) {
                    whenServed.run();
                  }
                  return row;
                })
            .returns(new ScoredRowTypeInfo())
            .collectAsync();
    CloseableIterator<ScoredRow> shadows =
        predictions.getSideOutput(BatchingInferenceOperator.SHADOWS).collectAsync();
    JobClient job = environment.executeAsync("shadows");
    Run run = new Run(job.getJobID().toString());
    served.forEachRemaining(
        row -> assertThat(run.predictions.put(row.id, row)).as("event %s twice", row.id).isNull());
    shadows.forEachRemaining(
        row -> assertThat(run.shadows.put(row.id, row)).as("event %s twice", row.id).isNull());
    job.getJobExecutionResult().get();
    assertThat(FakeModels.OPEN).hasValue(0);
    return run;
  }

  /** Of all subtasks. */
  private static long metric(Run run, String name) {
    long sum = 0;
    for (Map.Entry<MetricGroup, Map<String, Metric>> group :
        METRICS.getMetricsByGroup().entrySet()) {
      if (group.getKey().getAllVariables().containsValue(run.job)
          && "next".equals(group.getKey().getAllVariables().get("<shadow>"))) {
        Metric metric = group.getValue().get(name);
        if (metric instanceof Counter counter) {
          sum += counter.getCount();
        } else if (metric instanceof Gauge<?> gauge) {
          sum += ((Number) gauge.getValue()).longValue();
        }
      }
    }
    return sum;
  }

  private static void assertAllServed(Run run) {
    assertThat(run.predictions).hasSize(ROWS);
    run.predictions.forEach(
        (id, row) -> {
          assertThat(row.served.version()).isEqualTo(3);
          assertThat(row.served.variant()).isEqualTo("champion");
          assertThat(row.outputs).containsExactly(row.time - 1, row.time + 1);
        });
  }

  private static RolloutPlan shadowed(double share) {
    return RolloutPlan.of("fake", 3).shadow("next", SHADOW, share, Step.ALWAYS);
  }

  @Test
  void aBlockedShadowDelaysNoRowAndWhatItMissesIsCounted() throws Exception {
    CountDownLatch blocked = new CountDownLatch(1);
    FakeModels.TROUBLE.put(SHADOW, blocked::await);
    // By the last row that is served: were it behind the shadow, it would never come.
    whenServed = blocked::countDown;

    Run run = run(RuntimeExecutionMode.STREAMING, 1, new ShadowBudget(100, 1), shadowed(1));

    assertAllServed(run);
    assertThat(run.shadows).hasSizeBetween(1, 100);
    assertThat(metric(run, "rows")).isEqualTo(run.shadows.size());
    assertThat(metric(run, "errors")).isZero();
    assertThat(metric(run, "waiting")).isZero();
    assertThat(metric(run, "rows") + metric(run, "dropped")).isEqualTo(ROWS);
  }

  @Test
  void aCrashingShadowLeavesAllPredictionsRightAndIsStopped() throws Exception {
    for (Throwable crash : List.of(new IllegalStateException("crash"), new LinkageError("gone"))) {
      reset();
      FakeModels.TROUBLE.put(
          SHADOW,
          () -> {
            if (crash instanceof Error error) {
              throw error;
            }
            throw (RuntimeException) crash;
          });

      Run run = run(RuntimeExecutionMode.STREAMING, 1, ShadowBudget.USUAL, shadowed(1));

      assertAllServed(run);
      assertThat(run.shadows).isEmpty();
      assertThat(metric(run, "errors")).isPositive();
      assertThat(metric(run, "errors") + metric(run, "dropped")).isEqualTo(ROWS);
      assertThat(SAID)
          .extracting(RolloutStatus::getDetail)
          .contains(
              "shadow next fake@7 is stopped: 10 batches in a row failed, the last one: "
                  + crash
                  + "; the next command to the model starts it again");
    }
  }

  @Test
  void aRowThatAShadowCannotScoreIsAnErrorAlone() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    FakeModels.TROUBLE.put(
        SHADOW,
        () -> {
          if (calls.incrementAndGet() <= 2) { // a batch and its first half
            throw new ScoringException("not now");
          }
        });
    Run run = run(RuntimeExecutionMode.BATCH, 1, ShadowBudget.USUAL, shadowed(1));
    assertAllServed(run);
    assertThat(run.shadows).hasSizeBetween(ROWS - 1, ROWS);
    assertThat(metric(run, "rows") + metric(run, "errors")).isEqualTo(ROWS);
    assertThat(metric(run, "dropped")).isZero();
  }

  @Test
  void aBatchRunWaitsForItsShadowWhichHasItsShareOfTheKeys() throws Exception {
    Run run = run(RuntimeExecutionMode.BATCH, 2, new ShadowBudget(10, 0.01), shadowed(0.3));

    assertAllServed(run);
    Set<String> taken = new HashSet<>();
    run.shadows.forEach(
        (id, row) -> {
          taken.add(row.keys[0]);
          assertThat(row.served.version()).isEqualTo(SHADOW);
          assertThat(row.served.variant()).isEqualTo("next");
          assertThat(row.outputs).containsExactly(row.time - 1, row.time + 1);
          assertThat(row.featureDigest).isEqualTo(run.predictions.get(id).featureDigest);
        });
    assertThat(run.shadows).as("all rows of a key, or none").hasSize(taken.size() * ROWS / KEYS);
    assertThat((double) taken.size() / KEYS)
        .isCloseTo(0.3, within(4 * Math.sqrt(0.3 * 0.7 / KEYS)));
    assertThat(metric(run, "dropped")).isZero();
  }
}
