package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.model.ModelLoadException;
import io.pelton.model.ModelLoader;
import io.pelton.model.ScoredRow;
import io.pelton.model.ScoringModel;
import io.pelton.model.TinyModels;
import io.pelton.pipeline.Breaker;
import io.pelton.pipeline.EventFormat;
import io.pelton.pipeline.Events;
import io.pelton.pipeline.Fallback;
import io.pelton.pipeline.MemoryBudget;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Safeguards;
import io.pelton.pipeline.ShadowBudget;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Registry;
import io.pelton.registry.RegistryException;
import io.pelton.rollout.RolloutPlan;
import io.pelton.schemas.DeadLetter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The whole topology with real models in their real engines. */
final class InferenceTopologyTest {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(4)
              .build());

  private static final List<String> PIPELINE = List.of("amount", "unused", "count", "risk");
  static final List<String> MODEL = List.of("risk", "amount", "count");
  static final double[] WEIGHTS = {2, 0.5, -1.25};
  private static final double BIAS = 0.1;

  @TempDir Path directory;
  private Registry registry;
  private PipelineDefinition pipeline = pipeline(Safeguards.NONE);

  @BeforeEach
  void createRegistry() {
    registry = new Registry(new LocalStorage(directory.resolve("registry")));
  }

  @Test
  void onnxPredictionsAreTheEnginesOwnInStreamingAndBatch() throws Exception {
    predictionsAreTheEnginesOwn(
        TinyModels.onnxVersion("fraud", directory.resolve("m.onnx"), MODEL, WEIGHTS, BIAS));
  }

  @Test
  void tensorFlowPredictionsAreTheEnginesOwnInStreamingAndBatch() throws Exception {
    predictionsAreTheEnginesOwn(
        TinyModels.savedModelVersion("fraud", directory.resolve("m"), MODEL, WEIGHTS, BIAS));
  }

  @Test
  void predictionsAreTheEnginesOwnWhenItsCallsHaveAThreadOfTheirOwn() throws Exception {
    pipeline =
        pipeline(
            new Safeguards(
                60_000L, new Breaker(2, 1_000), new Fallback(null, Map.of("score", 0.5))));
    predictionsAreTheEnginesOwn(
        TinyModels.savedModelVersion("fraud", directory.resolve("m"), MODEL, WEIGHTS, BIAS));
  }

  @Test
  void aFallbackThatCannotServeFailsTheJobWithItsReason() throws Exception {
    registry.publish(
        TinyModels.onnxVersion("fraud", directory.resolve("m.onnx"), MODEL, WEIGHTS, BIAS));
    registry.setAlias("fraud", "champion", 1);
    pipeline = pipeline(new Safeguards(null, null, new Fallback("2", Map.of())));
    assertThatThrownBy(() -> source("fraud").check(pipeline))
        .isInstanceOf(RegistryException.class)
        .hasMessageStartingWith("model.fallback.version of the pipeline file: ")
        .hasMessageContaining("fraud");
    assertThatThrownBy(() -> run(source("fraud"), rows(1), RuntimeExecutionMode.BATCH, 1))
        .hasMessageStartingWith("model.fallback.version of the pipeline file: ");

    pipeline = pipeline(new Safeguards(null, null, new Fallback(null, Map.of("scor", 0.5))));
    assertThatThrownBy(() -> source("fraud").check(pipeline))
        .isInstanceOf(ModelLoadException.class)
        .hasMessage(
            "fraud@1: model.fallback.outputs of the pipeline file must name the outputs of the"
                + " version: it lacks \"score\"; the version gives no \"scor\"; did you mean"
                + " \"score\"?");
    assertNoFilesLeft();
  }

  @Test
  void aFailureNeitherLosesNorDoublesACount() throws Exception {
    registry.publish(
        TinyModels.onnxVersion("fraud", directory.resolve("m.onnx"), MODEL, WEIGHTS, BIAS));
    registry.setAlias("fraud", "champion", 1);
    int count = 2_000;
    StreamExecutionEnvironment environment = environment(RuntimeExecutionMode.STREAMING, 2);
    DataStream<FeatureRow> slow =
        environment
            .fromSource(
                new DataGeneratorSource<>(
                    InferenceTopologyTest::row,
                    count,
                    RateLimiterStrategy.perSecond(count),
                    new FeatureRowTypeInfo()),
                WatermarkStrategy.noWatermarks(),
                "rows")
            .uid("rows");
    FailOnce.failed.set(false);
    InferenceTopology.build(
            slow, pipeline(), source("fraud").registry(), source("fraud").plan(), null)
        .predictions()
        .map(new FailOnce())
        .uid("fail-once")
        .sinkTo(new DiscardingSink<>())
        .uid("discard");

    JobExecutionResult result = environment.execute("inference");

    assertThat(FailOnce.failed).isTrue();
    assertThat(result.<Long>getAccumulatorResult("inference.in")).isEqualTo(count);
    assertThat(result.<Long>getAccumulatorResult("inference.out")).isEqualTo(count);
    assertNoFilesLeft();
  }

  /**
   * Fails when the job's second checkpoint is complete, so that the first is in what is restored.
   */
  private static final class FailOnce extends RichMapFunction<ScoredRow, Long>
      implements CheckpointListener {
    static final AtomicBoolean failed = new AtomicBoolean();

    @Override
    public Long map(ScoredRow row) {
      return row.time;
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
      if (checkpoint >= 2 && failed.compareAndSet(false, true)) {
        throw new IllegalStateException("fails once");
      }
    }
  }

  @Test
  void aPinnedVersionServesWhateverTheChampionIs() throws Exception {
    NewVersion version =
        TinyModels.onnxVersion("fraud", directory.resolve("m.onnx"), MODEL, WEIGHTS, BIAS);
    registry.publish(version);
    registry.publish(version);
    registry.setAlias("fraud", "champion", 1);

    Run pinned = run(source("fraud@2"), rows(10), RuntimeExecutionMode.BATCH, 1);

    assertThat(pinned.predictions).allSatisfy(row -> assertThat(row.served.version()).isEqualTo(2));
  }

  @Test
  void aModelThatCannotLoadFailsTheJobWithItsReason() throws Exception {
    NewVersion version =
        TinyModels.onnxVersion(
            "fraud", directory.resolve("m.onnx"), List.of("risk", "amount", "age"), WEIGHTS, BIAS);
    registry.publish(version);
    registry.setAlias("fraud", "champion", 1);

    assertThatThrownBy(() -> run(source("fraud"), rows(1), RuntimeExecutionMode.BATCH, 1))
        .hasStackTraceContaining(
            "fraud@1 takes features that the pipeline does not have: \"age\"; known: amount, unused,"
                + " count, risk");
    assertThatThrownBy(() -> run(source("frod"), rows(1), RuntimeExecutionMode.BATCH, 1))
        .hasStackTraceContaining("no model \"frod\"");
    assertNoFilesLeft();
  }

  @Test
  void everyOperatorHasAUidAndAName() throws Exception {
    StreamExecutionEnvironment environment = environment(RuntimeExecutionMode.STREAMING, 1);
    InferenceOutputs outputs =
        InferenceTopology.build(
            input(environment, rows(1)), pipeline(), "registry", RolloutPlan.of("fraud", 1), null);
    outputs.predictions().print().uid("print");
    outputs.deadLetters().print().uid("print-dead");

    for (StreamNode node : environment.getStreamGraph(false).getStreamNodes()) {
      assertThat(node.getTransformationUID()).as(node.getOperatorName()).isNotNull();
    }
    assertThat(outputs.predictions().getTransformation().getUid()).isEqualTo("inference");
    assertThat(outputs.predictions().getTransformation().getName()).isEqualTo("inference");
  }

  @Test
  void aPipelineWithoutModelIsRefused() {
    PipelineDefinition full = pipeline();
    PipelineDefinition without =
        new PipelineDefinition(
            full.name(),
            full.events(),
            full.entities(),
            full.features(),
            null,
            null,
            null,
            List.of(),
            null,
            null,
            Map.of());
    StreamExecutionEnvironment environment = environment(RuntimeExecutionMode.STREAMING, 1);

    assertThatThrownBy(
            () ->
                InferenceTopology.build(
                    input(environment, rows(1)),
                    without,
                    "registry",
                    RolloutPlan.of("fraud", 1),
                    null))
        .hasMessage("pipeline cards has no model section; add one to score with it");
  }

  private void predictionsAreTheEnginesOwn(NewVersion version) throws Exception {
    ModelManifest manifest = registry.publish(version);
    registry.setAlias("fraud", "champion", 1);
    List<FeatureRow> rows = rows(1_000);
    double[] alone = scoredAlone(manifest, rows);

    Run streaming = run(source("fraud"), rows, RuntimeExecutionMode.STREAMING, 1);
    Run batch = run(source("fraud"), rows, RuntimeExecutionMode.BATCH, 1);
    Run parallel = run(source("fraud"), rows, RuntimeExecutionMode.STREAMING, 4);
    parallel.predictions.sort(Comparator.comparing(row -> Integer.valueOf(row.id)));

    for (Run run : List.of(streaming, batch, parallel)) {
      assertThat(run.predictions).hasSize(rows.size());
      for (int i = 0; i < rows.size(); i++) {
        ScoredRow prediction = run.predictions.get(i);
        FeatureRow row = rows.get(i);
        assertThat(prediction.id).isEqualTo(row.id);
        assertThat(prediction.time).isEqualTo(row.time);
        assertThat(prediction.features)
            .containsExactly(row.values[3], row.values[0], row.values[2]);
        assertThat(prediction.outputs[0]).isCloseTo(alone[i], within(1e-6));
        assertThat(prediction.served.artifactDigest()).isEqualTo(manifest.artifactDigest());
      }
      assertThat(run.result.<Long>getAccumulatorResult("inference.in")).isEqualTo(1_000);
      assertThat(run.result.<Long>getAccumulatorResult("inference.out")).isEqualTo(1_000);
      assertThat(run.result.<Long>getAccumulatorResult("inference.dead")).isZero();
    }
    assertNoFilesLeft();
  }

  /** The engine's result for each row by itself. */
  private double[] scoredAlone(ModelManifest manifest, List<FeatureRow> rows) throws Exception {
    Path fetched = Files.createTempDirectory(directory, "alone");
    registry.fetch(manifest.name(), manifest.version(), fetched);
    double[] alone = new double[rows.size()];
    try (ScoringModel model =
        ModelLoader.load(fetched, manifest, PipelineDefinition.Device.CPU, null, MODEL)) {
      double[] output = new double[1];
      for (int i = 0; i < alone.length; i++) {
        double[] values = rows.get(i).values;
        model.score(new double[][] {{values[3], values[0], values[2]}}, 0, 1, output);
        alone[i] = output[0];
      }
    }
    return alone;
  }

  private record Run(List<ScoredRow> predictions, JobExecutionResult result) {}

  private Run run(
      ModelSource source, List<FeatureRow> rows, RuntimeExecutionMode mode, int parallelism)
      throws Exception {
    StreamExecutionEnvironment environment = environment(mode, parallelism);
    InferenceOutputs outputs =
        InferenceTopology.build(
            input(environment, rows), pipeline, source.registry(), source.plan(), null);
    CloseableIterator<ScoredRow> predictions = outputs.predictions().collectAsync();
    CloseableIterator<DeadLetter> dead = outputs.deadLetters().collectAsync();
    JobClient job = environment.executeAsync("inference");
    List<ScoredRow> scored = new ArrayList<>();
    predictions.forEachRemaining(scored::add);
    assertThat(dead).isExhausted();
    return new Run(scored, job.getJobExecutionResult().get());
  }

  static StreamExecutionEnvironment environment(RuntimeExecutionMode mode, int parallelism) {
    Configuration configuration = new Configuration();
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 1);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(1));
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    environment.setRuntimeMode(mode);
    environment.setParallelism(parallelism);
    environment.enableCheckpointing(20);
    return environment;
  }

  private static DataStream<FeatureRow> input(
      StreamExecutionEnvironment environment, List<FeatureRow> rows) {
    DataStream<FeatureRow> source =
        environment.fromData(rows, new FeatureRowTypeInfo()).uid("rows").name("rows");
    return (environment.getParallelism() == 1 ? source : source.rebalance());
  }

  private ModelSource source(String reference) {
    return new ModelSource(directory.resolve("registry").toUri().toString(), reference);
  }

  static List<FeatureRow> rows(int count) {
    return new ArrayList<>(
        LongStream.range(0, count).mapToObj(InferenceTopologyTest::row).toList());
  }

  static FeatureRow row(long index) {
    Random random = new Random(index);
    double[] values = {
      random.nextGaussian() * 3, Double.NaN, random.nextGaussian(), random.nextDouble()
    };
    return new FeatureRow(
        String.valueOf(index),
        1_000 * index,
        new String[] {"c" + index % 7},
        values,
        new Object[0]);
  }

  static PipelineDefinition pipeline() {
    return pipeline(Safeguards.NONE, MemoryBudget.NONE);
  }

  static PipelineDefinition pipeline(MemoryBudget memory) {
    return pipeline(Safeguards.NONE, memory);
  }

  /** One whose batches overlap where they are guarded. */
  static PipelineDefinition pipeline(Safeguards safeguards) {
    return pipeline(safeguards, MemoryBudget.NONE);
  }

  private static PipelineDefinition pipeline(Safeguards safeguards, MemoryBudget memory) {
    Schema schema = SchemaBuilder.record("Transaction").fields().requiredString("id").endRecord();
    List<PipelineDefinition.Feature> features = new ArrayList<>();
    for (String name : PIPELINE) {
      features.add(new PipelineDefinition.RowFeature(name, name));
    }
    return new PipelineDefinition(
        "cards",
        new Events(
            "transactions",
            EventFormat.AVRO,
            schema,
            "id",
            "time",
            null,
            86_400_000,
            30_000,
            Map.of(),
            Map.of()),
        List.of(),
        features,
        new PipelineDefinition.Model(
            "fraud",
            null,
            64,
            5,
            PipelineDefinition.Device.PREFER_GPU,
            !safeguards.equals(Safeguards.NONE),
            safeguards,
            ShadowBudget.USUAL,
            memory),
        null,
        null,
        List.of(),
        null,
        null,
        Map.of());
  }

  static void assertNoFilesLeft() {
    assertThat(VersionFiles.SHARED.copies()).isZero();
  }
}
