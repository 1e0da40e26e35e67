package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.model.TinyModels;
import io.pelton.pipeline.MemoryBudget;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.Registry;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Step;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Versions change while a stream is scored, with real models in their engine. */
final class RolloutTest {
  private static final InMemoryReporter METRICS = InMemoryReporter.create();

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(2)
              .setConfiguration(METRICS.addToConfiguration(new Configuration()))
              .build());

  private static final int SUBTASKS = 2;
  private static final int SWAPS = Boolean.getBoolean("pelton.soak") ? 400 : 40;
  private static final int SETTLED = Math.max(20, SWAPS / 8);
  private static final int BETWEEN = 100;

  /** What serves, what a rollback returns to, and what is about to be loaded or closed. */
  private static final int MOST_OPEN_VERSIONS = 4;

  private static final List<Consumer<RolloutPlan>> LISTENERS = new CopyOnWriteArrayList<>();
  private static final AtomicReference<RolloutPlan> NEWEST = new AtomicReference<>();
  private static final AtomicInteger SCORED = new AtomicInteger();
  private static final List<Consumer<RolloutStatus>> HEARERS = new CopyOnWriteArrayList<>();
  private static final List<RolloutStatus> SAID = new CopyOnWriteArrayList<>();

  private static final AtomicInteger OPEN_VERSIONS = new AtomicInteger();
  private static final AtomicLong MEASURED_VERSIONS = new AtomicLong();
  private static volatile Footprint settled;
  private static volatile Footprint atEnd;

  @TempDir Path directory;
  private MemoryBudget memory = MemoryBudget.NONE;
  private Registry registry;
  private int published;

  /** Commands as the test gives them. */
  private record Commands() implements Control {
    static void give(RolloutPlan plan) {
      NEWEST.set(plan);
      LISTENERS.forEach(listener -> listener.accept(plan));
    }

    static List<RolloutStatus> about(long revision) {
      return SAID.stream()
          .filter(status -> status.getRevision() == revision)
          .filter(status -> status.getState() != RolloutState.ENDED)
          .toList();
    }

    @Override
    public Optional<RolloutPlan> newest(String model) {
      return Optional.ofNullable(NEWEST.get());
    }

    @Override
    public Following follow(
        String model, Consumer<RolloutPlan> plans, Consumer<RolloutStatus> statuses) {
      synchronized (SAID) {
        SAID.forEach(statuses);
        HEARERS.add(statuses);
      }
      LISTENERS.add(plans);
      return new Following() {
        @Override
        public void tell(RolloutStatus status) {
          synchronized (SAID) {
            SAID.add(status);
            HEARERS.forEach(hearer -> hearer.accept(status));
          }
        }

        @Override
        public void close() {
          LISTENERS.remove(plans);
          HEARERS.remove(statuses);
        }
      };
    }
  }

  @BeforeEach
  void createRegistry() {
    LISTENERS.clear();
    HEARERS.clear();
    NEWEST.set(null);
    SAID.clear();
    SCORED.set(0);
    OPEN_VERSIONS.set(0);
    MEASURED_VERSIONS.set(0);
    registry = new Registry(new LocalStorage(directory.resolve("registry")));
  }

  private int publish() throws Exception {
    published++;
    return registry
        .publish(
            TinyModels.onnxVersion(
                "fraud",
                directory.resolve(published + ".onnx"),
                InferenceTopologyTest.MODEL,
                InferenceTopologyTest.WEIGHTS,
                published))
        .version();
  }

  private int publishCorrupt() throws Exception {
    int version = publish();
    try (var files = Files.walk(directory.resolve("registry"))) {
      Path artifact =
          files
              .filter(file -> file.toString().contains("/" + version + "/"))
              .filter(file -> file.toString().endsWith(".onnx"))
              .findFirst()
              .orElseThrow();
      Files.write(artifact, new byte[] {1}, StandardOpenOption.APPEND);
    }
    return version;
  }

  private List<ScoredRow> score(DataStream<FeatureRow> rows) throws Exception {
    List<ScoredRow> scored = new ArrayList<>();
    score(rows, scored::add);
    return scored;
  }

  private void score(DataStream<FeatureRow> rows, Consumer<ScoredRow> scored) throws Exception {
    InferenceOutputs outputs =
        InferenceTopology.build(
            rows,
            InferenceTopologyTest.pipeline(memory),
            directory.resolve("registry").toUri().toString(),
            RolloutPlan.of("fraud", 1),
            new Commands());
    rows.getExecutionEnvironment().setBufferTimeout(1);
    CloseableIterator<ScoredRow> predictions =
        outputs.predictions().filter(row -> SCORED.incrementAndGet() > 0).collectAsync();
    JobClient job = rows.getExecutionEnvironment().executeAsync("rollout");
    predictions.forEachRemaining(scored);
    job.getJobExecutionResult().get();
  }

  /**
   * Rows, each hundredth of which goes when those before it are scored and all subtasks have said
   * what became of the plan that comes with it.
   */
  private static DataStream<FeatureRow> inStep(StreamExecutionEnvironment environment, int count) {
    return environment
        .fromData(InferenceTopologyTest.rows(count), new FeatureRowTypeInfo())
        .map(
            row -> {
              long number = Long.parseLong(row.id);
              if (number > 0 && number % BETWEEN == 0) {
                while (SCORED.get() < number) {
                  Thread.sleep(1); // a cancelled task is woken by it
                }
                int swap = (int) (number / BETWEEN);
                RolloutPlan plan = planned.get(swap - 1);
                Commands.give(plan);
                while (Commands.about(plan.revision()).size() < SUBTASKS) {
                  Thread.sleep(1);
                }
                OPEN_VERSIONS.accumulateAndGet(VersionFiles.SHARED.copies(), Math::max);
                MEASURED_VERSIONS.accumulateAndGet(measuredVersions(), Math::max);
                if (swap == SETTLED) {
                  settled = Footprint.now();
                } else if (swap == SWAPS) {
                  atEnd = Footprint.now();
                }
              }
              return row;
            })
        .returns(new FeatureRowTypeInfo())
        .setParallelism(1)
        .rebalance();
  }

  /** Versions that there are metrics of. */
  private static long measuredVersions() {
    return METRICS.getMetricsByGroup().entrySet().stream()
        .filter(group -> group.getValue().containsKey("compute_micros"))
        .map(group -> group.getKey().getAllVariables().get("<version>"))
        .distinct()
        .count();
  }

  private static volatile List<RolloutPlan> planned = List.of();

  @Test
  void goodAndRefusedVersionsInAStreamLoseNothingAndAreToldApart() throws Exception {
    swapsLoseNothingAndAreToldApart(SWAPS);

    assertThat(OPEN_VERSIONS.get()).isBetween(2, MOST_OPEN_VERSIONS);
    assertThat(MEASURED_VERSIONS.get()).isBetween(2L, (long) MOST_OPEN_VERSIONS);
    System.out.printf(
        "%s after %d swaps, %s after %d; at most %d versions open%n",
        settled, SETTLED, atEnd, SWAPS, OPEN_VERSIONS.get());
    atEnd.assertFlatSince(settled);
  }

  @Test
  void neitherDoVersionsThatAreClosedBeforeTheNextIsLoaded() throws Exception {
    memory = new MemoryBudget(20 << 20, MemoryBudget.Switching.DRAIN_THEN_LOAD); // one, not two
    swapsLoseNothingAndAreToldApart(6);
  }

  private void swapsLoseNothingAndAreToldApart(int swaps) throws Exception {
    publish();
    List<RolloutPlan> plans = new ArrayList<>();
    List<Integer> expected = new ArrayList<>(List.of(1));
    RolloutPlan last = RolloutPlan.of("fraud", 1);
    for (int swap = 0; swap < swaps; swap++) {
      boolean good = swap % 2 == 0;
      last = last.deploy(good ? publish() : publishCorrupt(), Step.ALWAYS);
      plans.add(last);
      expected.add(good ? last.last().variants().get(0).version() : expected.get(swap));
    }
    planned = plans;
    StreamExecutionEnvironment environment =
        InferenceTopologyTest.environment(RuntimeExecutionMode.STREAMING, SUBTASKS);
    Map<Integer, Integer> served = new TreeMap<>();
    List<String> twice = new ArrayList<>();
    score(
        inStep(environment, (swaps + 1) * BETWEEN),
        row -> {
          if (served.put(Integer.valueOf(row.id), row.served.version()) != null) {
            twice.add(row.id);
          }
        });

    assertThat(twice).isEmpty();
    assertThat(served).hasSize((swaps + 1) * BETWEEN);
    served.forEach(
        (id, version) ->
            assertThat(version).as("event %d", id).isEqualTo(expected.get(id / BETWEEN)));
    for (RolloutPlan plan : plans) {
      boolean good = plan.revision() % 2 == 1;
      assertThat(Commands.about(plan.revision()))
          .hasSize(SUBTASKS)
          .allSatisfy(
              status -> {
                assertThat(status.getState())
                    .isEqualTo(good ? RolloutState.SERVING : RolloutState.REFUSED);
                assertThat(status.getDetail()).contains(good ? "" : "corrupt");
                assertThat(status.getServing())
                    .isEqualTo("champion @" + expected.get((int) plan.revision()));
              });
    }
    InferenceTopologyTest.assertNoFilesLeft();
  }

  @Test
  void aCanaryTakesItsKeysAndARollbackGivesThemBack() throws Exception {
    publish();
    int canary = publish();
    RolloutPlan first = RolloutPlan.of("fraud", 1).canary(canary, 0.5, Step.ALWAYS);
    planned = List.of(first, first.rollback());
    StreamExecutionEnvironment environment =
        InferenceTopologyTest.environment(RuntimeExecutionMode.STREAMING, SUBTASKS);
    List<ScoredRow> scored = score(inStep(environment, 3 * BETWEEN));

    assertThat(scored).hasSize(3 * BETWEEN);
    Map<String, Set<String>> canaries = new TreeMap<>();
    for (ScoredRow row : scored) {
      String served = row.served.variant() + "@" + row.served.version();
      if (Integer.parseInt(row.id) / BETWEEN == 1) {
        assertThat(served).isIn("champion@1", "canary@" + canary);
        canaries.computeIfAbsent(served, version -> new HashSet<>()).add(row.id);
      } else {
        assertThat(served).isEqualTo("champion@1");
      }
    }
    assertThat(canaries.get("canary@" + canary)).hasSizeBetween(25, 75);
    InferenceTopologyTest.assertNoFilesLeft();
  }

  @Test
  void aJobStartsFromTheNewestPlanAndFromTheFirstWhereThatIsRefused() throws Exception {
    publish();
    int good = publish();
    int corrupt = publishCorrupt();
    for (int version : List.of(good, corrupt)) {
      SAID.clear();
      NEWEST.set(RolloutPlan.of("fraud", 1).deploy(version, Step.ALWAYS));
      StreamExecutionEnvironment environment =
          InferenceTopologyTest.environment(RuntimeExecutionMode.STREAMING, 1);
      List<ScoredRow> scored =
          score(environment.fromData(InferenceTopologyTest.rows(50), new FeatureRowTypeInfo()));
      assertThat(scored)
          .extracting(row -> row.served.version())
          .hasSize(50)
          .containsOnly(version == good ? good : 1);
    }
  }

  @Test
  void aCommandedPlanIsServedByEverySubtaskAfterASavepointAndARescale() throws Exception {
    publish();
    int canary = publish();
    NEWEST.set(RolloutPlan.of("fraud", 1).canary(canary, 0.5, Step.ALWAYS));
    JobClient first = endless(1, new Configuration()).executeAsync("first");
    while (SCORED.get() < 200) {
      Thread.sleep(1);
    }
    String savepoint =
        first
            .stopWithSavepoint(false, directory.toUri().toString(), SavepointFormatType.CANONICAL)
            .get();
    first.getJobExecutionResult().get();
    NEWEST.set(null); // nothing but the state says what was commanded
    SAID.clear();
    SERVED.clear();
    SCORED.set(0);

    Configuration restored = new Configuration();
    restored.set(StateRecoveryOptions.SAVEPOINT_PATH, savepoint);
    JobClient second = endless(2, restored).executeAsync("second");
    while (SCORED.get() < 200) {
      Thread.sleep(1);
    }
    second.cancel().get();
    assertThat(second.getJobExecutionResult()).failsWithin(Duration.ofSeconds(30));
    InferenceTopologyTest.assertNoFilesLeft();

    assertThat(SAID)
        .extracting(RolloutStatus::getSubtask, RolloutStatus::getServing)
        .containsOnly(
            tuple(0, "canary @2 50 %, champion @1 50 %"),
            tuple(1, "canary @2 50 %, champion @1 50 %"));
    assertThat(SERVED).containsOnly("champion@1", "canary@2");
  }

  private static final Set<String> SERVED = ConcurrentHashMap.newKeySet();

  /** A job that scores until it is stopped. */
  private StreamExecutionEnvironment endless(int subtasks, Configuration more) throws Exception {
    StreamExecutionEnvironment environment =
        InferenceTopologyTest.environment(RuntimeExecutionMode.STREAMING, subtasks);
    environment.configure(more);
    environment.setBufferTimeout(1);
    InferenceTopology.build(
            environment
                .fromSource(
                    new DataGeneratorSource<>(
                        index -> InferenceTopologyTest.row(index % 1_000),
                        Long.MAX_VALUE,
                        RateLimiterStrategy.perSecond(1_000),
                        new FeatureRowTypeInfo()),
                    WatermarkStrategy.noWatermarks(),
                    "rows")
                .uid("rows"),
            InferenceTopologyTest.pipeline(),
            directory.resolve("registry").toUri().toString(),
            RolloutPlan.of("fraud", 1),
            new Commands())
        .predictions()
        .map(
            row -> {
              SERVED.add(row.served.variant() + "@" + row.served.version());
              return SCORED.incrementAndGet();
            })
        .returns(Types.INT)
        .uid("count")
        .sinkTo(new DiscardingSink<>())
        .uid("discard");
    return environment;
  }

  @Test
  void aChangeAtAnEventTimeScoresEachEventByTheVersionOfItsTimeInAReplayToo() throws Exception {
    publish();
    long from = 1_000L * (2 * BETWEEN + 50);
    RolloutPlan first = RolloutPlan.of("fraud", 1).deploy(publish(), from);
    RolloutPlan tooLate = first.deploy(publish(), from + 1_000);
    planned = List.of(first, first, first, tooLate);
    StreamExecutionEnvironment environment =
        InferenceTopologyTest.environment(RuntimeExecutionMode.STREAMING, SUBTASKS);
    List<ScoredRow> scored = score(inStep(environment, 5 * BETWEEN));

    assertThat(scored).hasSize(5 * BETWEEN);
    assertThat(scored)
        .allSatisfy(row -> assertThat(row.served.version()).isEqualTo(row.time < from ? 1 : 2));
    assertThat(Commands.about(tooLate.revision()))
        .hasSize(SUBTASKS)
        .allSatisfy(
            status -> {
              assertThat(status.getState()).isEqualTo(RolloutState.REFUSED);
              assertThat(status.getDetail())
                  .contains("it begins at 1970-01-01T00:04:11Z, but events up to")
                  .contains("give a later time, or none");
            });

    StreamExecutionEnvironment batch =
        InferenceTopologyTest.environment(RuntimeExecutionMode.BATCH, 1);
    InferenceOutputs replayed =
        InferenceTopology.build(
            batch.fromData(InferenceTopologyTest.rows(5 * BETWEEN), new FeatureRowTypeInfo()),
            InferenceTopologyTest.pipeline(),
            directory.resolve("registry").toUri().toString(),
            first,
            null);
    Map<String, Integer> streamed = new TreeMap<>();
    scored.forEach(row -> streamed.put(row.id, row.served.version()));
    try (CloseableIterator<ScoredRow> rows = replayed.predictions().executeAndCollect()) {
      rows.forEachRemaining(
          row -> assertThat(row.served.version()).isEqualTo(streamed.remove(row.id)));
    }
    assertThat(streamed).isEmpty();
  }
}
