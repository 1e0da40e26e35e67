package io.pelton.benchmarks;

import ai.djl.ModelException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoBatchifyTranslator;
import ai.djl.translate.TranslateException;
import ai.djl.translate.TranslatorContext;
import io.pelton.feature.FeatureRow;
import io.pelton.inference.job.InferenceTopology;
import io.pelton.inference.job.ModelSource;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.ScoredRowTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.PipelineDefinition;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.java.typeutils.ObjectArrayTypeInfo;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/** Rows in memory to scores, in one task: by Pelton's operator, or by what stands in its place. */
final class ScoringJob {
  /** Rows that may be on their way to the server; more do not make it faster. */
  private static final int IN_FLIGHT = 2_048;

  private static final int TIMEOUT_SECONDS = 60;

  /** What is said of rows that Pelton did not score. */
  static final ServedVersion OTHER =
      new ServedVersion("other", 1, "", "champion", List.of(), List.of());

  private ScoringJob() {}

  static void define(
      StreamExecutionEnvironment environment, PipelineDefinition pipeline, ScoringRun run)
      throws IOException {
    DataStream<FeatureRow> rows =
        environment.fromSource(
            new ReplaySource<>(PacedRows::row),
            WatermarkStrategy.noWatermarks(),
            "rows in memory",
            new FeatureRowTypeInfo());
    DataStream<ScoredRow> scored =
        switch (run.contender()) {
          case OPERATOR, OPERATOR_OVERLAPPING -> operator(rows, pipeline, run.prepared());
          case NAIVE ->
              rows.map(new NaivePredict(run.onnx().toString())).returns(new ScoredRowTypeInfo());
          case SERVER -> server(rows, run, 1);
          case SERVER_IN_BATCHES -> server(rows, run, run.batch());
          case BARE, BARE_WITH_ROWS ->
              throw new IllegalArgumentException(run.contender() + " is no job");
        };
    scored.sinkTo(new ScoredRows());
  }

  static DataStream<ScoredRow> operator(
      DataStream<FeatureRow> rows, PipelineDefinition pipeline, Path prepared) throws IOException {
    String registry = prepared.resolve(ScoredModel.REGISTRY).toUri().toString();
    return InferenceTopology.build(
            rows, pipeline, registry, ModelSource.champion(registry, pipeline).plan(), null)
        .predictions();
  }

  private static DataStream<ScoredRow> server(
      DataStream<FeatureRow> rows, ScoringRun run, int together) {
    DataStream<FeatureRow[]> requests =
        rows.transform(
            "gather",
            ObjectArrayTypeInfo.getInfoFor(FeatureRow[].class, new FeatureRowTypeInfo()),
            new GatherRows(together, run.delay()));
    return AsyncDataStream.unorderedWait(
            requests,
            new ServerCalls(run.port(), run.model()),
            TIMEOUT_SECONDS,
            TimeUnit.SECONDS,
            Math.max(4, IN_FLIGHT / together))
        .returns(new ScoredRowTypeInfo());
  }

  /** DJL as its examples show it, with one thread. */
  private static final class NaivePredict extends RichMapFunction<FeatureRow, ScoredRow> {
    private static final long serialVersionUID = 1;

    private final String model;
    private transient @Nullable ZooModel<float[], float[]> loaded;
    private transient @Nullable Predictor<float[], float[]> predictor;

    NaivePredict(String model) {
      this.model = model;
    }

    @Override
    public void open(OpenContext context) throws IOException, ModelException {
      // As Pelton does: TensorFlow is on the class path too, and would be loaded beside it.
      System.setProperty("ai.djl.onnx.disable_alternative", "true");
      loaded =
          Criteria.builder()
              .setTypes(float[].class, float[].class)
              .optModelPath(Path.of(model))
              .optEngine("OnnxRuntime")
              .optOption("interOpNumThreads", "1")
              .optOption("intraOpNumThreads", "1")
              .optTranslator(new Scores())
              .build()
              .loadModel();
      predictor = loaded.newPredictor();
    }

    @Override
    public ScoredRow map(FeatureRow row) throws TranslateException {
      if (predictor == null) {
        throw new IllegalStateException("not open");
      }
      float[] features = new float[row.values.length];
      for (int i = 0; i < features.length; i++) {
        features[i] = (float) row.values[i];
      }
      float[] scores = predictor.predict(features);
      double[] outputs = new double[scores.length];
      for (int i = 0; i < scores.length; i++) {
        outputs[i] = scores[i];
      }
      return scored(row, outputs);
    }

    @Override
    public void close() {
      if (predictor != null && loaded != null) {
        predictor.close();
        loaded.close();
      }
    }
  }

  static ScoredRow scored(FeatureRow row, double[] outputs) {
    return new ScoredRow(row.id, row.time, row.keys, row.carried, OTHER, row.values, 0, outputs);
  }

  private static final class Scores implements NoBatchifyTranslator<float[], float[]> {
    @Override
    public NDList processInput(TranslatorContext context, float[] input) {
      return new NDList(context.getNDManager().create(input, new Shape(1, input.length)));
    }

    @Override
    public float[] processOutput(TranslatorContext context, NDList output) {
      return output.get(output.size() - 1).toFloatArray();
    }
  }
}
