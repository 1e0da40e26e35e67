package io.pelton.model;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.types.Shape;
import ai.djl.util.PairList;
import com.google.protobuf.InvalidProtocolBufferException;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.NearestName;
import io.pelton.registry.Sha256;
import io.pelton.registry.Signature;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a published version ready to score: checks every digest, fits its signature to the
 * pipeline, loads it in its engine, and has it reproduce its golden rows.
 */
public final class ModelLoader {
  private static final Logger LOG = LoggerFactory.getLogger(ModelLoader.class);

  /** Largest difference from a golden output; relative to the output where that is above 1. */
  private static final double GOLDEN_TOLERANCE = 1e-5;

  /**
   * TensorFlow's ConfigProto: one thread inside an operation, operations on the caller's thread,
   * soft placement, GPU memory on demand. A subtask is one thread; threads of its own would only
   * compete with the other subtasks.
   */
  private static final byte[] ONE_THREAD = {
    0x10,
    1, // intra_op_parallelism_threads = 1
    0x28,
    -1,
    -1,
    -1,
    -1,
    -1,
    -1,
    -1,
    -1,
    -1,
    1, // inter_op_parallelism_threads = -1
    0x38,
    1, // allow_soft_placement
    0x32,
    2,
    0x20,
    1 // gpu_options.allow_growth
  };

  private ModelLoader() {}

  /**
   * @param directory a version as {@link io.pelton.registry.Registry#fetch} left it
   * @param gpuIndex which GPU to use if one may be used, null for the first
   * @param pipelineFeatures what the pipeline can give; the model may take some of them in any
   *     order
   * @throws ModelLoadException when the version must not serve
   */
  public static ScoringModel load(
      Path directory,
      ModelManifest manifest,
      PipelineDefinition.Device device,
      @Nullable Integer gpuIndex,
      List<String> pipelineFeatures)
      throws IOException {
    verifyDigests(directory, manifest);
    checkSignature(manifest, pipelineFeatures);
    GoldenRows golden = GoldenRows.read(directory);
    Engine engine = Engines.engine(manifest.reference(), manifest.engine());
    DjlModel model = place(directory, manifest, engine, device, gpuIndex);
    try {
      checkInputs(manifest, model);
      reproduce(manifest, golden, model);
    } catch (ModelLoadException | RuntimeException e) {
      model.close();
      throw e;
    }
    LOG.info(
        "Loaded {} in {}: requested device {}, actual {}; {} golden rows reproduced",
        manifest.reference(),
        manifest.engine(),
        name(device),
        model.device(),
        golden.features().length);
    return model;
  }

  /**
   * How many columns each output tensor of a version has, by name, on the CPU. The signature's
   * inputs have to be right; its outputs do not count.
   */
  public static SortedMap<String, Integer> outputWidths(Path directory, ModelManifest manifest)
      throws IOException {
    Engines.engine(manifest.reference(), manifest.engine());
    try (DjlModel model = open(directory, manifest, Device.cpu())) {
      checkInputs(manifest, model);
      return model.outputWidths();
    } catch (ScoringException e) {
      throw new ModelLoadException(
          manifest.reference() + " fails on a row of zeros: " + e.getMessage(), e);
    }
  }

  private static void verifyDigests(Path directory, ModelManifest manifest) throws IOException {
    for (Map.Entry<String, String> file : manifest.files().entrySet()) {
      Path path = directory.resolve(file.getKey());
      if (!Files.isRegularFile(path)) {
        throw new ModelLoadException(
            "%s: file %s is missing; fetch it again".formatted(manifest.reference(), path));
      }
      try (InputStream content = Files.newInputStream(path)) {
        String actual = Sha256.of(content);
        if (!actual.equals(file.getValue())) {
          throw new ModelLoadException(
              "%s: %s is corrupt: expected SHA-256 %s, actual %s; fetch it again"
                  .formatted(manifest.reference(), path, file.getValue(), actual));
        }
      }
    }
    SortedMap<String, String> artifactFiles = new TreeMap<>();
    manifest
        .files()
        .forEach(
            (path, digest) -> {
              if (path.equals(manifest.artifact()) || path.startsWith(manifest.artifact() + "/")) {
                artifactFiles.put(path, digest);
              }
            });
    String actual = Sha256.ofArtifact(artifactFiles);
    if (!actual.equals(manifest.artifactDigest())) {
      throw new ModelLoadException(
          "%s: artifact %s: expected digest %s, actual %s; publish the model again"
              .formatted(
                  manifest.reference(), manifest.artifact(), manifest.artifactDigest(), actual));
    }
  }

  private static void checkSignature(ModelManifest manifest, List<String> pipelineFeatures)
      throws ModelLoadException {
    Signature signature = manifest.signature();
    if (signature.inputs().isEmpty()) {
      throw new ModelLoadException(
          manifest.reference() + ": signature names no input tensors; it must name one or more");
    }
    if (signature.outputs().isEmpty()) {
      throw new ModelLoadException(
          manifest.reference() + ": signature names no outputs; it must name one or more");
    }
    List<String> missing = new ArrayList<>();
    for (String feature : signature.features()) {
      if (!pipelineFeatures.contains(feature)) {
        missing.add("\"" + feature + "\"" + NearestName.hint(feature, pipelineFeatures));
      }
    }
    if (!missing.isEmpty()) {
      throw new ModelLoadException(
          "%s takes features that the pipeline does not have: %s"
              .formatted(manifest.reference(), String.join("; ", missing)));
    }
  }

  private static DjlModel place(
      Path directory,
      ModelManifest manifest,
      Engine engine,
      PipelineDefinition.Device device,
      @Nullable Integer gpuIndex)
      throws IOException {
    if (device == PipelineDefinition.Device.CPU) {
      return open(directory, manifest, Device.cpu());
    }
    Device gpu = gpuIndex == null ? Device.gpu() : Device.gpu(gpuIndex);
    ModelLoadException reason;
    if (manifest.engine().equals(Engines.ONNX)
        && names(directory.resolve(manifest.artifact()), manifest).isForCpuAlone()) {
      reason = new ModelLoadException("ONNX Runtime has its operators for the CPU alone");
    } else if (Engines.hasGpu(engine)) {
      try {
        return open(directory, manifest, gpu);
      } catch (ModelLoadException e) {
        reason = e;
      }
    } else {
      reason =
          new ModelLoadException(
              "engine %s sees no CUDA device, or is built without CUDA"
                  .formatted(engine.getEngineName()));
    }
    if (device == PipelineDefinition.Device.REQUIRE_GPU) {
      throw new ModelLoadException(
          "%s: device require-gpu, but %s cannot be used: %s; give a GPU and the engine's GPU build, or ask for prefer-gpu or cpu"
              .formatted(manifest.reference(), gpu, reason.getMessage()),
          reason);
    }
    LOG.warn(
        "{}: device prefer-gpu falls back to cpu, for {} cannot be used: {}",
        manifest.reference(),
        gpu,
        reason.getMessage());
    return open(directory, manifest, Device.cpu());
  }

  private static DjlModel open(Path directory, ModelManifest manifest, Device device)
      throws IOException {
    Path artifact = directory.resolve(manifest.artifact());
    Map<String, String> options =
        switch (manifest.engine()) {
          case Engines.TENSORFLOW -> tensorFlowOptions(artifact, manifest);
          case Engines.PYTORCH -> torchOptions(artifact, manifest);
          default -> onnxOptions(artifact, manifest);
        };
    Model model = Model.newInstance(manifest.name(), device, manifest.engine());
    try {
      model.load(artifact, null, options);
      String actual = device.isGpu() ? "gpu(" + device.getDeviceId() + ")" : "cpu";
      return new DjlModel(
          manifest.reference(), model, manifest.signature(), actual, named(manifest));
    } catch (MalformedModelException | IOException | RuntimeException e) {
      model.close();
      throw new ModelLoadException(
          "%s: engine %s cannot load %s: %s"
              .formatted(
                  manifest.reference(),
                  manifest.engine(),
                  manifest.artifact(),
                  Engines.rootMessage(e)),
          e);
    }
  }

  private static Map<String, String> onnxOptions(Path artifact, ModelManifest manifest)
      throws IOException {
    SortedSet<String> others = names(artifact, manifest).others();
    if (!others.isEmpty()) {
      throw new ModelLoadException(
          "%s: outputs that are no tensors: %s; export the model without them (skl2onnx: zipmap=False)"
              .formatted(manifest.reference(), String.join(", ", others)));
    }
    Map<String, String> options = new HashMap<>();
    options.put("interOpNumThreads", "1");
    options.put("intraOpNumThreads", "1");
    options.putAll(manifest.engineOptions());
    return options;
  }

  private static OnnxFile names(Path artifact, ModelManifest manifest) throws IOException {
    if (Files.isDirectory(artifact)) {
      throw new ModelLoadException(
          "%s: %s is a directory; an OnnxRuntime artifact must be an .onnx file"
              .formatted(manifest.reference(), manifest.artifact()));
    }
    try {
      return OnnxFile.read(artifact);
    } catch (InvalidProtocolBufferException e) {
      throw new ModelLoadException(
          "%s: %s is no ONNX model: %s"
              .formatted(manifest.reference(), manifest.artifact(), e.getMessage()),
          e);
    }
  }

  private static Map<String, String> torchOptions(Path artifact, ModelManifest manifest)
      throws IOException {
    if (!TorchScriptFile.is(artifact)) {
      throw new ModelLoadException(
          "%s: %s is no TorchScript archive; save the model by torch.jit.script(model).save(file) or torch.jit.trace(model, example).save(file)"
              .formatted(manifest.reference(), manifest.artifact()));
    }
    Map<String, String> options = new HashMap<>();
    options.put("mapLocation", "true"); // to the device that it is to run on
    options.putAll(manifest.engineOptions());
    return options;
  }

  /** Whether the engine knows the model's inputs by name. */
  private static boolean named(ModelManifest manifest) {
    return !manifest.engine().equals(Engines.PYTORCH);
  }

  private static Map<String, String> tensorFlowOptions(Path artifact, ModelManifest manifest)
      throws IOException {
    Map<String, String> options = new HashMap<>();
    options.put("Tags", "serve");
    options.put("SignatureDefKey", "serving_default");
    options.put("ConfigProto", Base64.getEncoder().encodeToString(ONE_THREAD));
    options.putAll(manifest.engineOptions());
    SavedModelFile names = savedModelNames(artifact, manifest);
    String signature = options.get("SignatureDefKey");
    requireKnown(manifest, "SignatureDefKey", signature, names.signatures());
    for (String tag : options.get("Tags").split(",")) {
      requireKnown(manifest, "Tags", tag, names.tags());
    }
    return options;
  }

  private static SavedModelFile savedModelNames(Path artifact, ModelManifest manifest)
      throws IOException {
    Path file = artifact.resolve("saved_model.pb");
    if (!Files.isRegularFile(file)) {
      throw new ModelLoadException(
          "%s: %s holds no saved_model.pb; a TensorFlow artifact must be a SavedModel directory"
              .formatted(manifest.reference(), manifest.artifact()));
    }
    try {
      return SavedModelFile.read(file);
    } catch (InvalidProtocolBufferException e) {
      throw new ModelLoadException(
          "%s: %s is no SavedModel: %s".formatted(manifest.reference(), file, e.getMessage()), e);
    }
  }

  private static void requireKnown(
      ModelManifest manifest, String option, String value, SortedSet<String> known)
      throws ModelLoadException {
    if (!known.contains(value)) {
      throw new ModelLoadException(
          "%s: engine option %s: the SavedModel has no \"%s\"%s"
              .formatted(manifest.reference(), option, value, NearestName.hint(value, known)));
    }
  }

  private static void checkInputs(ModelManifest manifest, DjlModel model)
      throws ModelLoadException {
    if (!named(manifest)) {
      return; // the golden rows will tell
    }
    PairList<String, Shape> inputs = model.describeInputs();
    SortedSet<String> names = new TreeSet<>(inputs.keys());
    for (Signature.Input input : manifest.signature().inputs()) {
      if (!names.contains(input.tensor())) {
        throw new ModelLoadException(
            "%s: the model has no input tensor \"%s\"%s; its input tensors: %s"
                .formatted(
                    manifest.reference(),
                    input.tensor(),
                    NearestName.of(input.tensor(), names)
                        .map(name -> "; did you mean \"" + name + "\"?")
                        .orElse(""),
                    String.join(", ", inputs.keys())));
      }
      @Nullable Shape shape = inputs.get(input.tensor());
      if (shape != null && shape.dimension() > 0) {
        checkShape(manifest, input, shape);
      }
    }
    manifest.signature().inputs().forEach(input -> names.remove(input.tensor()));
    if (!names.isEmpty()) {
      throw new ModelLoadException(
          "%s: the model takes input tensors that the signature does not name: %s; it must name all of them, each with its features"
              .formatted(manifest.reference(), String.join(", ", names)));
    }
  }

  private static void checkShape(ModelManifest manifest, Signature.Input input, Shape shape)
      throws ModelLoadException {
    int dimensions = input.vector() ? 1 : 2;
    if (shape.dimension() != dimensions) {
      throw new ModelLoadException(
          "%s: input tensor %s has %d dimensions; the signature gives it %d: %s"
              .formatted(
                  manifest.reference(),
                  input.tensor(),
                  shape.dimension(),
                  dimensions,
                  input.vector() ? "[rows]" : "[rows, features]"));
    }
    if (!input.vector() && shape.get(1) > 0 && shape.get(1) != input.features().size()) {
      throw new ModelLoadException(
          "%s: input tensor %s takes %d features; the signature names %d"
              .formatted(
                  manifest.reference(), input.tensor(), shape.get(1), input.features().size()));
    }
  }

  private static void reproduce(ModelManifest manifest, GoldenRows golden, DjlModel model)
      throws ModelLoadException {
    int rows = golden.features().length;
    // Without golden rows a row of zeros still shows whether the tensors are there.
    double[][] batch = rows == 0 ? new double[1][model.features()] : golden.features();
    for (int row = 0; row < rows; row++) {
      requireWidth(manifest, row, "features", golden.features()[row], model.features());
      requireWidth(manifest, row, "outputs", golden.outputs()[row], model.outputs());
    }
    double[] outputs = new double[batch.length * model.outputs()];
    try {
      model.score(batch, 0, batch.length, outputs);
    } catch (ScoringException e) {
      throw new ModelLoadException(
          manifest.reference() + " fails on its golden rows: " + e.getMessage(), e);
    }
    for (int row = 0; row < rows; row++) {
      for (int output = 0; output < model.outputs(); output++) {
        double expected = golden.outputs()[row][output];
        double actual = outputs[row * model.outputs() + output];
        if (!agree(expected, actual)) {
          throw new ModelLoadException(
              "%s: golden row %d, output %s: expected %s, actual %s; they must agree within %s"
                  .formatted(
                      manifest.reference(),
                      row,
                      manifest.signature().outputNames().get(output),
                      expected,
                      actual,
                      GOLDEN_TOLERANCE));
        }
      }
    }
  }

  private static void requireWidth(
      ModelManifest manifest, int row, String what, double[] values, int width)
      throws ModelLoadException {
    if (values.length != width) {
      throw new ModelLoadException(
          "%s: golden row %d has %d %s; the signature has %d"
              .formatted(manifest.reference(), row, values.length, what, width));
    }
  }

  private static boolean agree(double expected, double actual) {
    return Double.compare(expected, actual) == 0
        || Math.abs(expected - actual) <= GOLDEN_TOLERANCE * Math.max(1, Math.abs(expected));
  }

  private static String name(PipelineDefinition.Device device) {
    return switch (device) {
      case CPU -> "cpu";
      case PREFER_GPU -> "prefer-gpu";
      case REQUIRE_GPU -> "require-gpu";
    };
  }
}
