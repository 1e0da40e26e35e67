package io.pelton.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoopTranslator;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.pelton.pipeline.PipelineDefinition.Device;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.Registry;
import io.pelton.registry.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TUint8;

/** Tensors of other types, shapes and numbers than one matrix of floats and one score. */
final class ModelTensorsTest {
  private static final int ROWS = 100;

  private static final List<Signature.Input> NARROW =
      List.of(new Signature.Input("features", Signature.DataType.FLOAT32, List.of("a", "b", "c")));

  @TempDir private Path directory;
  private Registry registry;

  @BeforeEach
  void createRegistry() {
    registry = new Registry(new LocalStorage(directory.resolve("registry")));
  }

  @Test
  void onnxTakesAndGivesTensorsOfEveryTypeAsTheEngineItselfInBatchesOfOne() throws Exception {
    Path file = MixedModels.onnx(directory.resolve("mixed.onnx"));
    List<Signature.Output> outputs = embedding();
    outputs.add(new Signature.Output("half", "half", 5));
    outputs.add(new Signature.Output("signed", "signed", 0));
    outputs.add(new Signature.Output("byte", "byte", 0));
    outputs.add(new Signature.Output("unflagged", "unflagged", 0));
    double[][] rows = rows();

    double[][] scored = score(publish(Engines.ONNX, file, MixedModels.INPUTS, outputs), rows);

    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession session = environment.createSession(file.toString())) {
      for (int row = 0; row < ROWS; row++) {
        double[] expected = bare(environment, session, rows[row]);
        assertThat(scored[row]).containsExactly(expected, within(1e-6));
      }
    }
  }

  @Test
  void tensorFlowTakesAndGivesTensorsOfEveryTypeAsTheEngineItselfInBatchesOfOne() throws Exception {
    Path saved = MixedModels.savedModel(directory.resolve("mixed"));
    List<Signature.Output> outputs = embedding();
    outputs.add(new Signature.Output("byte", "byte", 0));
    outputs.add(new Signature.Output("unflagged", "unflagged", 0));
    double[][] rows = rows();

    double[][] scored =
        score(publish(Engines.TENSORFLOW, saved, MixedModels.INPUTS, outputs), rows);

    try (SavedModelBundle bundle = SavedModelBundle.load(saved.toString(), "serve")) {
      for (int row = 0; row < ROWS; row++) {
        assertThat(scored[row]).containsExactly(bare(bundle, rows[row]), within(1e-6));
      }
    }
  }

  @Test
  void pyTorchTakesAndGivesTensorsOfEveryTypeAsTheEngineItselfInBatchesOfOne() throws Exception {
    Path file = TorchModels.mixed(directory.resolve("mixed.pt"));
    List<Signature.Output> outputs = embedding();
    outputs.add(new Signature.Output("half", "half", 5));
    outputs.add(new Signature.Output("signed", "signed", 0));
    outputs.add(new Signature.Output("byte", "byte", 0));
    outputs.add(new Signature.Output("unflagged", "unflagged", 0));
    outputs.add(new Signature.Output("third", "strided", 1));
    double[][] rows = rows();

    double[][] scored = score(publish(Engines.PYTORCH, file, MixedModels.INPUTS, outputs), rows);

    try (ZooModel<NDList, NDList> model =
            Criteria.builder()
                .setTypes(NDList.class, NDList.class)
                .optEngine(Engines.PYTORCH)
                .optModelPath(file)
                .optTranslator(new NoopTranslator(null))
                .build()
                .loadModel();
        Predictor<NDList, NDList> predictor = model.newPredictor()) {
      for (int row = 0; row < ROWS; row++) {
        assertThat(scored[row])
            .containsExactly(bare(model.getNDManager(), predictor, rows[row]), within(1e-6));
      }
    }
  }

  @Test
  void aTensorOfPyTorchWithoutNameGoesByItsPosition() throws Exception {
    double[] weights = {0.5, -1.25, 2};
    Path file = TorchModels.logistic(directory.resolve("tiny.pt"), weights, 0.1);
    List<Signature.Input> inputs =
        List.of(new Signature.Input("x", Signature.DataType.FLOAT32, List.of("a", "b", "c")));

    double[][] scored =
        score(
            publish(Engines.PYTORCH, file, inputs, List.of(new Signature.Output("p", "0", 0))),
            narrowRows());

    assertThat(scored[99][0])
        .isCloseTo(TinyModels.probability(weights, 0.1, narrowRows()[99]), within(1e-6));
    assertThatThrownBy(
            () ->
                load(
                    publish(
                        Engines.PYTORCH,
                        file,
                        inputs,
                        List.of(new Signature.Output("p", "score", 0)))))
        .hasMessageContaining(
            "output p: the model has no output tensor \"score\"; its output tensors: 0");
    assertThatThrownBy(
            () ->
                load(
                    publish(
                        Engines.PYTORCH,
                        file,
                        MixedModels.INPUTS,
                        List.of(new Signature.Output("p", "0", 0)))))
        .isInstanceOf(ModelLoadException.class)
        .hasMessageContaining("m@3 fails on its golden rows: ")
        .hasMessageContaining("Expected at most 2 argument(s)");
  }

  @Test
  void aPickledModuleIsNoTorchScript() throws Exception {
    Path pickled = directory.resolve("state.pt");
    try (ZipOutputStream archive = new ZipOutputStream(Files.newOutputStream(pickled))) {
      archive.putNextEntry(new ZipEntry("state/data.pkl"));
    }
    Path text = Files.writeString(directory.resolve("text.pt"), "no zip");
    for (Path artifact : List.of(pickled, text, Files.createDirectory(directory.resolve("d")))) {
      if (Files.isDirectory(artifact)) {
        Files.writeString(artifact.resolve("weights"), "");
      }
      assertThatThrownBy(
              () -> load(publish(Engines.PYTORCH, artifact, MixedModels.INPUTS, embedding())))
          .isInstanceOf(ModelLoadException.class)
          .hasMessageContaining(" is no TorchScript archive; save the model by torch.jit.script");
    }
  }

  @Test
  void quantizedModelsScoreAsTheEngineItselfInBatchesOfOne() throws Exception {
    Path file = QuantizedModels.withFixedScales(directory.resolve("q.onnx"));
    double[][] rows = narrowRows();

    double[][] scored =
        score(
            publish(
                Engines.ONNX,
                file,
                NARROW,
                List.of(
                    new Signature.Output("p", "probabilities", 1),
                    new Signature.Output("raw", "logit_bytes", 0))),
            rows);

    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession session = environment.createSession(file.toString())) {
      for (int row = 0; row < ROWS; row++) {
        try (OnnxTensor input = OnnxTensor.createTensor(environment, floats(rows, row, row + 1));
            OrtSession.Result result = session.run(Map.of("features", input))) {
          assertThat(scored[row])
              .containsExactly(
                  new double[] {
                    ((float[][]) result.get("probabilities").orElseThrow().getValue())[0][1],
                    ((byte[][]) result.get("logit_bytes").orElseThrow().getValue())[0][0] & 0xff
                  },
                  within(1e-6));
        }
      }
    }
    assertThat(Arrays.stream(scored).mapToDouble(row -> row[1]).distinct().count())
        .isGreaterThan(20);
  }

  /** Such a model's scores depend on the batch; so they are compared with those of the same. */
  @Test
  void modelsThatQuantizeByTheBatchScoreAsTheEngineItselfInTheSameBatches() throws Exception {
    Path file = QuantizedModels.withScalesOfTheBatch(directory.resolve("q.onnx"));
    double[][] rows = narrowRows();

    double[][] scored =
        score(
            publish(
                Engines.ONNX, file, NARROW, List.of(new Signature.Output("p", "probabilities", 1))),
            rows);

    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession session = environment.createSession(file.toString())) {
      for (int[] batch : new int[][] {{0, 1}, {1, 65}, {65, ROWS}}) {
        try (OnnxTensor input =
                OnnxTensor.createTensor(environment, floats(rows, batch[0], batch[1]));
            OrtSession.Result result = session.run(Map.of("features", input))) {
          float[][] expected = (float[][]) result.get("probabilities").orElseThrow().getValue();
          for (int row = batch[0]; row < batch[1]; row++) {
            assertThat(scored[row][0]).isCloseTo(expected[row - batch[0]][1], within(1e-6));
          }
        }
      }
    }
  }

  @Test
  void aValueThatItsTensorCannotHoldFailsByNameAndLeavesTheOthers() throws Exception {
    Path file = MixedModels.onnx(directory.resolve("mixed.onnx"));
    double[] good = {1, 2, 3, 4, 1, 6};
    try (ScoringModel model = load(publish(Engines.ONNX, file, MixedModels.INPUTS, embedding()))) {
      refuses(model, good, 0, 1e39, "amount is 1.0E39", "amounts", "FLOAT32", "no numbers beyond");
      // The least that is rounded to an infinite float, and below what is rounded to the largest.
      refuses(model, good, 0, 0x1.ffffffp127, "amount is 3.4028", "amounts", "FLOAT32", "beyond");
      refuses(model, good, 0, -0x1.ffffffp127, "amount is -3.4028", "amounts", "FLOAT32", "beyond");
      double[][] largest = {{Math.nextDown(0x1.ffffffp127), 2, 3, 4, 1, 6}};
      model.score(largest, 0, 1, new double[6]);
      refuses(model, good, 2, Double.NaN, "count is missing", "count", "INT64", "whole numbers");
      refuses(
          model, good, 2, 0x1p63, "count is 9.2233", "count", "INT64", "from -2^63 to 2^63 - 1");
      refuses(model, good, 3, 0.5, "small is 0.5", "small", "INT32", "only whole numbers");
      refuses(model, good, 3, 0x1p31, "small is 2.1474", "small", "INT32", " to 2147483647;");
      refuses(model, good, 4, 2, "flag is 2.0", "flag", "BOOLEAN", "only 0 and 1");
      refuses(model, good, 4, Double.NaN, "flag is missing", "flag", "BOOLEAN", "only 0 and 1");

      double[] outputs = new double[6];
      double[][] edges = {
        {Double.POSITIVE_INFINITY, Double.NaN, -0x1p63, Integer.MIN_VALUE, -0.0, Double.NaN}
      };
      model.score(edges, 0, 1, outputs);
      assertThat(outputs)
          .containsExactly(Double.POSITIVE_INFINITY, Double.NaN, -0x1p62, -0x1p30, 0, Double.NaN);
    }
  }

  @Test
  void everyTensorMustBeNamedInItsShape() throws Exception {
    Path file = MixedModels.onnx(directory.resolve("mixed.onnx"));
    Path saved = MixedModels.savedModel(directory.resolve("mixed"));
    for (Map.Entry<String, Path> model :
        Map.of(Engines.ONNX, file, Engines.TENSORFLOW, saved).entrySet()) {
      assertThatThrownBy(
              () ->
                  load(
                      publish(
                          model.getKey(),
                          model.getValue(),
                          MixedModels.INPUTS.subList(1, 4),
                          embedding())))
          .isInstanceOf(ModelLoadException.class)
          .hasMessage(
              "m@%d: the model takes input tensors that the signature does not name: amounts, precise; it must name all of them, each with its features"
                  .formatted(newest()));
      assertThatThrownBy(
              () ->
                  load(
                      publish(
                          model.getKey(),
                          model.getValue(),
                          with(1, "count", Signature.DataType.INT64, Signature.Layout.MATRIX),
                          embedding())))
          .isInstanceOf(ModelLoadException.class)
          .hasMessageContaining("count");
      assertThatThrownBy(
              () ->
                  load(
                      publish(
                          model.getKey(),
                          model.getValue(),
                          with(1, "count", Signature.DataType.INT32, Signature.Layout.VECTOR),
                          embedding())))
          .isInstanceOf(ModelLoadException.class)
          .hasMessageContaining("m@%d fails on its golden rows: ".formatted(newest()))
          .hasMessageContaining("int64");
    }
  }

  @Test
  void theWidthsOfOutputsAreToldByTheModel() throws Exception {
    Path file = MixedModels.onnx(directory.resolve("mixed.onnx"));
    ModelManifest manifest = publish(Engines.ONNX, file, MixedModels.INPUTS, embedding());

    assertThat(ModelLoader.outputWidths(fetch(manifest), manifest))
        .isEqualTo(Map.of("embedding", 6, "half", 6, "byte", 1, "signed", 1, "unflagged", 1));
  }

  private static void refuses(
      ScoringModel model, double[] good, int feature, double value, String... said) {
    double[][] rows = {good, good.clone(), good};
    rows[1][feature] = value;
    assertThatThrownBy(() -> model.score(rows, 0, 3, new double[18]))
        .isInstanceOf(ScoringException.class)
        .hasMessageStartingWith("m@1: feature " + said[0])
        .hasMessageContaining("its tensor \"%s\" of type %s takes ".formatted(said[1], said[2]))
        .hasMessageContaining(said[3])
        .hasMessageContaining("give the feature a default or bounds in the pipeline file");
  }

  private static double[][] rows() {
    Random random = new Random(3);
    double[][] rows = new double[ROWS][];
    for (int row = 0; row < ROWS; row++) {
      rows[row] =
          new double[] {
            random.nextGaussian(),
            row % 7 == 0 ? Double.NaN : random.nextDouble(),
            random.nextInt(1 << 20),
            random.nextInt(256),
            random.nextInt(2),
            random.nextGaussian() * 100
          };
    }
    return rows;
  }

  private static double[] bare(OrtEnvironment environment, OrtSession session, double[] row)
      throws OrtException {
    Map<String, OnnxTensor> inputs =
        Map.of(
            "amounts",
                OnnxTensor.createTensor(
                    environment, new float[][] {{(float) row[0], (float) row[1]}}),
            "count", OnnxTensor.createTensor(environment, new long[] {(long) row[2]}),
            "small", OnnxTensor.createTensor(environment, new int[][] {{(int) row[3]}}),
            "flag", OnnxTensor.createTensor(environment, new boolean[] {row[4] == 1}),
            "precise", OnnxTensor.createTensor(environment, new double[][] {{row[5]}}));
    try (OrtSession.Result result = session.run(inputs)) {
      double[] expected = new double[10];
      float[] embedding = ((float[][]) result.get("embedding").orElseThrow().getValue())[0];
      for (int i = 0; i < 6; i++) {
        expected[i] = embedding[i];
      }
      expected[6] = ((float[][]) result.get("half").orElseThrow().getValue())[0][5];
      expected[7] = ((byte[][]) result.get("signed").orElseThrow().getValue())[0][0];
      expected[8] = ((byte[][]) result.get("byte").orElseThrow().getValue())[0][0] & 0xff;
      expected[9] = ((boolean[]) result.get("unflagged").orElseThrow().getValue())[0] ? 1 : 0;
      return expected;
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private static double[] bare(SavedModelBundle bundle, double[] row) {
    Map<String, Tensor> inputs =
        Map.of(
            "amounts",
                TFloat32.tensorOf(
                    StdArrays.ndCopyOf(new float[][] {{(float) row[0], (float) row[1]}})),
            "count", TInt64.vectorOf((long) row[2]),
            "small", TInt32.tensorOf(StdArrays.ndCopyOf(new int[][] {{(int) row[3]}})),
            "flag", TBool.vectorOf(row[4] == 1),
            "precise", TFloat64.tensorOf(StdArrays.ndCopyOf(new double[][] {{row[5]}})));
    double[] expected = new double[8];
    try (Result result = bundle.function("serving_default").call(inputs)) {
      TFloat32 embedding = (TFloat32) result.get("embedding").orElseThrow();
      for (int i = 0; i < 6; i++) {
        expected[i] = embedding.getFloat(0, i);
      }
      expected[6] = ((TUint8) result.get("byte").orElseThrow()).getByte(0, 0) & 0xff;
      expected[7] = ((TBool) result.get("unflagged").orElseThrow()).getBoolean(0) ? 1 : 0;
    } finally {
      inputs.values().forEach(Tensor::close);
    }
    return expected;
  }

  private static double[] bare(NDManager manager, Predictor<NDList, NDList> predictor, double[] row)
      throws Exception {
    try (NDManager scope = manager.newSubManager()) {
      NDList inputs =
          new NDList(
              scope.create(new float[][] {{(float) row[0], (float) row[1]}}),
              scope.create(new long[] {(long) row[2]}),
              scope.create(new int[][] {{(int) row[3]}}),
              scope.create(new boolean[] {row[4] == 1}),
              scope.create(new double[][] {{row[5]}}));
      double[] expected = new double[11];
      for (NDArray output : predictor.predict(inputs)) {
        float[] values = output.toType(DataType.FLOAT32, true).toFloatArray();
        switch (output.getName()) {
          case "embedding" -> {
            for (int i = 0; i < 6; i++) {
              expected[i] = values[i];
            }
          }
          case "half" -> expected[6] = values[5];
          case "signed" -> expected[7] = values[0];
          case "byte" -> expected[8] = values[0];
          case "unflagged" -> expected[9] = values[0];
          default -> expected[10] = values[1];
        }
        output.close();
      }
      return expected;
    }
  }

  private static double[][] narrowRows() {
    Random random = new Random(5);
    double[][] rows = new double[ROWS][3];
    for (double[] row : rows) {
      Arrays.setAll(row, i -> random.nextGaussian());
    }
    return rows;
  }

  private static float[][] floats(double[][] rows, int from, int to) {
    float[][] floats = new float[to - from][3];
    for (int row = from; row < to; row++) {
      for (int i = 0; i < 3; i++) {
        floats[row - from][i] = (float) rows[row][i];
      }
    }
    return floats;
  }

  private static List<Signature.Output> embedding() {
    List<Signature.Output> outputs = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      outputs.add(new Signature.Output("embedding_" + i, "embedding", i));
    }
    return outputs;
  }

  private static List<Signature.Input> with(
      int position, String name, Signature.DataType type, Signature.Layout layout) {
    List<Signature.Input> inputs = new ArrayList<>(MixedModels.INPUTS);
    inputs.set(position, new Signature.Input(name, type, layout, List.of(name)));
    return inputs;
  }

  /** The rows' outputs, scored in batches of 1, 64 and the rest. */
  private double[][] score(ModelManifest manifest, double[][] rows) throws Exception {
    try (ScoringModel model = load(manifest)) {
      double[][] scored = new double[rows.length][];
      int from = 0;
      for (int count : new int[] {1, 64, rows.length - 65}) {
        double[] outputs = new double[count * model.outputs()];
        model.score(rows, from, from + count, outputs);
        for (int row = 0; row < count; row++) {
          scored[from + row] =
              Arrays.copyOfRange(outputs, row * model.outputs(), (row + 1) * model.outputs());
        }
        from += count;
      }
      return scored;
    }
  }

  private int newest() throws IOException {
    List<Integer> versions = registry.versions("m");
    return versions.get(versions.size() - 1);
  }

  private ModelManifest publish(
      String engine, Path artifact, List<Signature.Input> inputs, List<Signature.Output> outputs)
      throws IOException {
    return registry.publish(
        TinyModels.version(
            "m",
            engine,
            artifact,
            new Signature(inputs, outputs),
            new GoldenRows(new double[0][], new double[0][])));
  }

  private Path fetch(ModelManifest manifest) throws IOException {
    Path target = Files.createTempDirectory(directory, "fetched");
    registry.fetch(manifest.name(), manifest.version(), target);
    return target;
  }

  private ScoringModel load(ModelManifest manifest) throws IOException {
    return ModelLoader.load(
        fetch(manifest), manifest, Device.CPU, null, manifest.signature().features());
  }
}
