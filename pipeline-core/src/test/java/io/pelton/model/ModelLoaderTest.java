package io.pelton.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl;
import io.pelton.pipeline.PipelineDefinition.Device;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Registry;
import io.pelton.registry.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelLoaderTest {
  private static final double[] WEIGHTS = {0.5, -1.25, 2};
  private static final double BIAS = 0.1;
  private static final List<String> FEATURES = List.of("amount", "count", "risk");

  @TempDir Path directory;
  private Registry registry;

  @BeforeEach
  void createRegistry() {
    registry = new Registry(new LocalStorage(directory.resolve("registry")));
  }

  @Test
  void onnxScoresAsComputedByHandInBatchesOfAnySize() throws Exception {
    scoresAsComputedByHand(publish(onnx()));
  }

  @Test
  void tensorFlowScoresAsComputedByHandInBatchesOfAnySize() throws Exception {
    scoresAsComputedByHand(publish(savedModel()));
  }

  @Test
  void pyTorchScoresAsComputedByHandInBatchesOfAnySize() throws Exception {
    scoresAsComputedByHand(publish(torchScript()));
  }

  @Test
  void float64InputAndSeveralOutputsOfSeveralTensors() throws Exception {
    Signature signature =
        signature(
            "features",
            Signature.DataType.FLOAT64,
            FEATURES,
            new Signature.Output("fraud", "probabilities", 1),
            new Signature.Output("class", "label", 0),
            new Signature.Output("genuine", "probabilities", 0));
    Path artifact =
        TinyModels.onnx(directory.resolve("m.onnx"), WEIGHTS, BIAS, Signature.DataType.FLOAT64);
    double p = TinyModels.probability(WEIGHTS, BIAS, 1, 0, 0);
    GoldenRows golden = new GoldenRows(new double[][] {{1, 0, 0}}, new double[][] {{p, 1, 1 - p}});
    ModelManifest manifest =
        publish(TinyModels.version("m", "OnnxRuntime", artifact, signature, golden));

    try (ScoringModel model = load(manifest)) {
      double[] outputs = new double[6];
      model.score(new double[][] {{1, 0, 0}, {0, 1, 0}}, 0, 2, outputs);

      double q = TinyModels.probability(WEIGHTS, BIAS, 0, 1, 0);
      assertThat(outputs).containsExactly(new double[] {p, 1, 1 - p, q, 0, 1 - q}, within(1e-9));
    }
  }

  @Test
  void float64InputIsNotRoundedToFloat() throws Exception {
    double[] values = {123456789.12, 0.1, Double.MIN_VALUE, 1e300, Double.NaN, -0.0};

    try (ScoringModel model = load(publish(shift(0)))) {
      double[] outputs = new double[values.length];
      double[][] rows =
          Arrays.stream(values).mapToObj(v -> new double[] {v}).toArray(double[][]::new);
      model.score(rows, 0, values.length, outputs);

      assertThat(outputs).containsExactly(values);
    }
  }

  @Test
  void goldenRowsOfFloat64InputAreReproducedUnrounded() throws Exception {
    // As a float the row is 3 above the shift.
    load(publish(shift(123456789, 123456789.12))).close();
  }

  @Test
  void missingValuesReachTheModelAsNaN() throws Exception {
    for (ModelManifest manifest : List.of(publish(onnx()), publish(savedModel()))) {
      try (ScoringModel model = load(manifest)) {
        double[] outputs = new double[2];
        model.score(new double[][] {{Double.NaN, 0, 0}, new double[3]}, 0, 2, outputs);

        assertThat(outputs[0]).isNaN();
        assertThat(outputs[1])
            .isCloseTo(TinyModels.probability(WEIGHTS, BIAS, 0, 0, 0), within(1e-6));
      }
    }
  }

  @Test
  void tenThousandBatchesLeaveNothingBehind() throws Exception {
    for (ModelManifest manifest :
        List.of(publish(onnx()), publish(savedModel()), publish(torchScript()))) {
      try (DjlModel model = (DjlModel) load(manifest)) {
        scoreTenThousandBatches(model);
        int live = model.liveTensors();
        long resident = residentKilobytes();
        scoreTenThousandBatches(model);
        assertThat(model.liveTensors()).isEqualTo(live);
        // The tensors of all those batches would be 160,000 kB and more.
        assertThat(residentKilobytes() - resident).isLessThan(60_000);
      }
    }
  }

  @Test
  void refusesACorruptFile() throws Exception {
    ModelManifest manifest = publish(onnx());
    Path fetched = fetch(manifest);
    Path file = fetched.resolve(manifest.artifact());
    byte[] content = Files.readAllBytes(file);
    content[content.length - 1] ^= 1;
    Files.write(file, content);

    assertThatThrownBy(() -> ModelLoader.load(fetched, manifest, Device.CPU, null, FEATURES))
        .isInstanceOf(ModelLoadException.class)
        .hasMessageContaining("model.onnx is corrupt: expected SHA-256 ")
        .hasMessageContaining(manifest.files().get(manifest.artifact()));
  }

  @Test
  void refusesAnUnknownEngineWithTheNearest() throws Exception {
    ModelManifest manifest =
        publish(
            TinyModels.version(
                "m", "OnxRuntime", onnx().artifact(), onnx().signature(), onnx().goldenRows()));

    assertThatThrownBy(() -> load(manifest))
        .hasMessage("m@1: unknown engine \"OnxRuntime\"; did you mean \"OnnxRuntime\"?");
  }

  @Test
  void refusesFeaturesThatThePipelineLacks() throws Exception {
    ModelManifest manifest = publish(onnx());

    assertThatThrownBy(
            () ->
                ModelLoader.load(
                    fetch(manifest),
                    manifest,
                    Device.CPU,
                    null,
                    List.of("amount", "counts", "age")))
        .hasMessage(
            "m@1 takes features that the pipeline does not have: \"count\"; did you mean \"counts\"?;"
                + " \"risk\"; known: amount, counts, age");
  }

  @Test
  void refusesTensorsThatTheModelLacks() throws Exception {
    for (NewVersion version : List.of(onnx(), savedModel())) {
      Signature wrongInput =
          signature("feature", Signature.DataType.FLOAT32, FEATURES, output(version));
      assertThatThrownBy(() -> load(publish(withSignature(version, wrongInput))))
          .hasMessageContaining(
              "the model has no input tensor \"feature\"; did you mean \"features\"?; its input tensors: features");

      Signature wrongOutput =
          signature(
              "features",
              Signature.DataType.FLOAT32,
              FEATURES,
              new Signature.Output("s", "nope", 0));
      assertThatThrownBy(() -> load(publish(withSignature(version, wrongOutput))))
          .hasMessageContaining("the model has no output tensor \"nope\"; its output tensors: ")
          .hasMessageContaining(output(version).tensor());
    }
  }

  @Test
  void refusesATensorOfAnotherWidth() throws Exception {
    GoldenRows none = new GoldenRows(new double[0][], new double[0][]);
    for (NewVersion version : List.of(onnx(), savedModel())) {
      Signature narrow =
          signature(
              "features", Signature.DataType.FLOAT32, List.of("amount", "count"), output(version));
      NewVersion narrowed =
          TinyModels.version("m", version.engine(), version.artifact(), narrow, none);
      assertThatThrownBy(() -> load(publish(narrowed))).isInstanceOf(ModelLoadException.class);
    }
  }

  @Test
  void refusesAnOutputColumnBeyondTheTensor() throws Exception {
    Signature signature =
        signature(
            "features",
            Signature.DataType.FLOAT32,
            FEATURES,
            new Signature.Output("score", "probabilities", 2));

    assertThatThrownBy(() -> load(publish(withSignature(onnx(), signature))))
        .hasMessageContaining("output score is column 2 of tensor probabilities")
        .hasMessageContaining("(2, 2)");
  }

  @Test
  void refusesGoldenRowsThatAreNotReproduced() throws Exception {
    NewVersion version = onnx();
    version.goldenRows().outputs()[1][0] += 2e-5;
    double expected = version.goldenRows().outputs()[1][0];

    assertThatThrownBy(() -> load(publish(version)))
        .hasMessageContaining("golden row 1, output score: expected " + expected + ", actual 0.");
  }

  @Test
  void acceptsGoldenRowsWithinTheTolerance() throws Exception {
    NewVersion version = onnx();
    version.goldenRows().outputs()[1][0] += 5e-6;

    load(publish(version)).close();
  }

  @Test
  void refusesAnUnknownSignatureOrTagOfASavedModel() throws Exception {
    ModelManifest manifest = publish(savedModel());

    assertThatThrownBy(() -> load(withOption(manifest, "SignatureDefKey", "serving")))
        .hasMessage(
            "m@1: engine option SignatureDefKey: the SavedModel has no \"serving\"; known: serving_default");
    assertThatThrownBy(() -> load(withOption(manifest, "Tags", "serv")))
        .hasMessage(
            "m@1: engine option Tags: the SavedModel has no \"serv\"; did you mean \"serve\"?");
  }

  @Test
  void refusesAFileThatIsNoModel() throws Exception {
    NewVersion version = onnx();
    Files.writeString(version.artifact(), "not a model");

    assertThatThrownBy(() -> load(publish(version)))
        .isInstanceOf(ModelLoadException.class)
        .hasMessageContaining("m@1: model/model.onnx is no ONNX model: ");
  }

  @Test
  void refusesADirectoryAsOnnxFile() throws Exception {
    NewVersion saved = savedModel();
    NewVersion version =
        TinyModels.version(
            "m", "OnnxRuntime", saved.artifact(), saved.signature(), saved.goldenRows());

    assertThatThrownBy(() -> load(publish(version)))
        .isInstanceOf(ModelLoadException.class)
        .hasMessage("m@1: model is a directory; an OnnxRuntime artifact must be an .onnx file");
  }

  @Test
  void refusesAModelThatOnlyTheEngineFindsBroken() throws Exception {
    NewVersion version = onnx();
    Files.write(
        version.artifact(), OnnxMl.ModelProto.newBuilder().setIrVersion(8).build().toByteArray());

    assertThatThrownBy(() -> load(publish(version)))
        .isInstanceOf(ModelLoadException.class)
        .hasMessageContaining("m@1: engine OnnxRuntime cannot load model/model.onnx: ");
  }

  @Test
  void refusesATensorFlowArtifactThatIsNoSavedModel() throws Exception {
    NewVersion onnx = onnx();
    NewVersion version =
        TinyModels.version("m", "TensorFlow", onnx.artifact(), onnx.signature(), onnx.goldenRows());

    assertThatThrownBy(() -> load(publish(version)))
        .hasMessage(
            "m@1: model/model.onnx holds no saved_model.pb; a TensorFlow artifact must be a SavedModel directory");
  }

  @Test
  void refusesOutputsThatAreNoTensors() throws Exception {
    NewVersion version = onnx();
    TinyModels.addZipMap(version.artifact());

    assertThatThrownBy(() -> load(publish(version)))
        .hasMessage(
            "m@1: outputs that are no tensors: zipped; export the model without them (skl2onnx: zipmap=False)");
  }

  @Test
  void preferGpuFallsBackToCpuAndSaysSo() throws Exception {
    for (NewVersion version : List.of(onnx(), savedModel())) {
      ModelManifest manifest = publish(version);
      try (ScoringModel model =
          ModelLoader.load(fetch(manifest), manifest, Device.PREFER_GPU, 0, FEATURES)) {
        assertThat(model.device()).isEqualTo("cpu");
      }
    }
  }

  @Test
  void requireGpuWithoutOneFails() throws Exception {
    ModelManifest manifest = publish(onnx());

    assertThatThrownBy(
            () -> ModelLoader.load(fetch(manifest), manifest, Device.REQUIRE_GPU, 1, FEATURES))
        .isInstanceOf(ModelLoadException.class)
        .hasMessageContaining("m@1: device require-gpu, but gpu(1) cannot be used: ")
        .hasMessageContaining("or ask for prefer-gpu or cpu");
  }

  @Test
  void requireGpuFailsForAModelThatNoGpuWouldCompute() throws Exception {
    Signature signature =
        signature(
            "features",
            Signature.DataType.FLOAT32,
            List.of("a"),
            new Signature.Output("doubled", "doubled", 0));
    GoldenRows golden = new GoldenRows(new double[][] {{3}}, new double[][] {{6}});
    Path artifact = TinyModels.doubled(directory.resolve("doubled.onnx"));
    ModelManifest manifest =
        publish(TinyModels.version("m", "OnnxRuntime", artifact, signature, golden));

    ModelLoader.load(fetch(manifest), manifest, Device.PREFER_GPU, 0, List.of("a")).close();
    assertThatThrownBy(
            () -> ModelLoader.load(fetch(manifest), manifest, Device.REQUIRE_GPU, 0, List.of("a")))
        .hasMessageContaining(
            "m@1: device require-gpu, but gpu(0) cannot be used: ONNX Runtime has its operators for the CPU alone; ");
  }

  @Test
  void aRowThatTheEngineCannotScoreIsAScoringException() throws Exception {
    try (ScoringModel model = load(publish(onnx()))) {
      assertThatThrownBy(() -> model.score(new double[1][2], 0, 1, new double[1]))
          .isInstanceOf(ScoringException.class)
          .hasMessageStartingWith("m@1 cannot score a batch of 1 rows: ");
    }
  }

  private void scoresAsComputedByHand(ModelManifest manifest) throws Exception {
    Random random = new Random(7);
    try (ScoringModel model = load(manifest)) {
      assertThat(model.features()).isEqualTo(3);
      assertThat(model.outputs()).isEqualTo(1);
      assertThat(model.device()).isEqualTo("cpu");
      for (int count : new int[] {1, 2, 63, 64, 65, 1000, 3}) {
        double[][] rows = new double[count + 5][3];
        for (double[] row : rows) {
          Arrays.setAll(row, i -> random.nextGaussian());
        }
        double[] outputs = new double[count];
        model.score(rows, 2, count + 2, outputs);
        for (int row = 0; row < count; row++) {
          double expected =
              TinyModels.probability(
                  WEIGHTS, BIAS, rows[row + 2][0], rows[row + 2][1], rows[row + 2][2]);
          assertThat(outputs[row]).isCloseTo(expected, within(1e-6));
        }
      }
    }
  }

  private NewVersion onnx() throws IOException {
    return TinyModels.onnxVersion("m", directory.resolve("model.onnx"), FEATURES, WEIGHTS, BIAS);
  }

  /** One feature less the shift, in double precision, with golden rows of these features. */
  private NewVersion shift(double shift, double... golden) throws IOException {
    Path artifact = TinyModels.shift(directory.resolve("shift.onnx"), shift);
    Signature signature =
        signature(
            "features",
            Signature.DataType.FLOAT64,
            List.of("amount"),
            new Signature.Output("shifted", "shifted", 0));
    double[][] features = new double[golden.length][];
    double[][] outputs = new double[golden.length][];
    for (int row = 0; row < golden.length; row++) {
      features[row] = new double[] {golden[row]};
      outputs[row] = new double[] {golden[row] - shift};
    }
    return TinyModels.version(
        "m", "OnnxRuntime", artifact, signature, new GoldenRows(features, outputs));
  }

  private NewVersion savedModel() throws IOException {
    Path target = Files.createTempDirectory(directory, "saved").resolve("model");
    return TinyModels.savedModelVersion("m", target, FEATURES, WEIGHTS, BIAS);
  }

  private NewVersion torchScript() throws IOException {
    Signature signature =
        signature(
            "features",
            Signature.DataType.FLOAT32,
            FEATURES,
            new Signature.Output("score", "0", 0));
    Path artifact = TorchModels.logistic(directory.resolve("model.pt"), WEIGHTS, BIAS);
    return TinyModels.version(
        "m", "PyTorch", artifact, signature, TinyModels.golden(WEIGHTS, BIAS));
  }

  private ModelManifest publish(NewVersion version) throws IOException {
    return registry.publish(version);
  }

  private Path fetch(ModelManifest manifest) throws IOException {
    Path target = Files.createTempDirectory(directory, "fetched");
    registry.fetch(manifest.name(), manifest.version(), target);
    return target;
  }

  private ScoringModel load(ModelManifest manifest) throws IOException {
    return ModelLoader.load(fetch(manifest), manifest, Device.CPU, null, FEATURES);
  }

  private static Signature signature(
      String tensor, Signature.DataType type, List<String> features, Signature.Output... outputs) {
    return new Signature(List.of(new Signature.Input(tensor, type, features)), List.of(outputs));
  }

  private static Signature.Output output(NewVersion version) {
    return version.signature().outputs().get(0);
  }

  private static NewVersion withSignature(NewVersion version, Signature signature) {
    return TinyModels.version(
        "m", version.engine(), version.artifact(), signature, version.goldenRows());
  }

  private static ModelManifest withOption(ModelManifest manifest, String option, String value) {
    Map<String, String> options = new TreeMap<>(manifest.engineOptions());
    options.put(option, value);
    return new ModelManifest(
        manifest.name(),
        manifest.version(),
        manifest.engine(),
        manifest.artifact(),
        manifest.files(),
        manifest.artifactDigest(),
        manifest.signature(),
        options,
        manifest.evaluation(),
        manifest.provenance(),
        manifest.createdAt(),
        manifest.memory());
  }

  private static void scoreTenThousandBatches(ScoringModel model) throws ScoringException {
    double[][] rows = new double[1024][3];
    double[] outputs = new double[1024];
    for (int batch = 0; batch < 10_000; batch++) {
      model.score(rows, 0, 1024, outputs);
      if (batch % 10 == 0) {
        rows[500][0] = 1e300;
        assertThatThrownBy(() -> model.score(rows, 0, 1024, outputs))
            .isInstanceOf(ScoringException.class);
        rows[500][0] = 0;
      }
      if (batch % 1000 == 0) {
        System.gc(); // so that the heap's own growth does not hide native memory
      }
    }
  }

  private static long residentKilobytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElseThrow();
  }
}
