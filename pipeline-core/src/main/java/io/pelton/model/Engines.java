package io.pelton.model;

import ai.djl.engine.Engine;
import ai.djl.engine.StandardCapabilities;
import ai.djl.util.Platform;
import ai.djl.util.Utils;
import io.pelton.registry.NearestName;
import java.util.List;
import java.util.TreeSet;

/**
 * The engines of DJL that Pelton serves with. Every use of DJL starts here, because DJL decides at
 * its first use whether it may download and report, and its ONNX engine must exist before anything
 * else touches ONNX Runtime.
 */
public final class Engines {
  public static final String ONNX = "OnnxRuntime";
  public static final String TENSORFLOW = "TensorFlow";
  public static final String PYTORCH = "PyTorch";

  static {
    setUnlessSet("ai.djl.offline", "true");
    setUnlessSet("OPT_OUT_TRACKING", "true");
    setUnlessSet("ai.djl.onnx.disable_alternative", "true");
    // A subtask is one thread; and batches vary in size, for each of which PyTorch would compile.
    setUnlessSet("ai.djl.pytorch.num_threads", "1");
    setUnlessSet("ai.djl.pytorch.num_interop_threads", "1");
    setUnlessSet("ai.djl.pytorch.graph_optimizer", "false");
  }

  private Engines() {}

  /**
   * Starts an engine, at its first use; later calls return the same.
   *
   * @param model what asks for it, for messages
   */
  public static Engine engine(String model, String name) throws ModelLoadException {
    List<String> known = List.of(ONNX, TENSORFLOW, PYTORCH);
    if (!known.contains(name)) {
      throw new ModelLoadException(
          model + ": unknown engine \"" + name + "\"" + NearestName.hint(name, known));
    }
    try {
      if (!Engine.hasEngine(name)) {
        throw new ModelLoadException(
            "%s: engine %s is not on the class path, which has %s; add %s and its native library"
                .formatted(model, name, new TreeSet<>(Engine.getAllEngines()), artifact(name)));
      }
      requireNatives(model, name);
      return Engine.getEngine(name);
    } catch (RuntimeException | LinkageError e) {
      throw new ModelLoadException(
          "%s: engine %s does not start: %s; its native library for this platform must be on the class path, and nothing else in this process may have started it before"
              .formatted(model, name, rootMessage(e)),
          e);
    }
  }

  /** TensorFlow's and PyTorch's are separate files; without them DJL looks for a download. */
  private static void requireNatives(String model, String name) throws ModelLoadException {
    if (name.equals(TENSORFLOW)
        && Utils.getEnvOrSystemProperty("TENSORFLOW_LIBRARY_PATH") == null
        && Platform.detectPlatform("tensorflow").isPlaceholder()) {
      throw new ModelLoadException(
          "%s: engine TensorFlow has no native library for %s on the class path; add org.tensorflow:tensorflow-core-native for it with native/lib/tensorflow.properties, or set TENSORFLOW_LIBRARY_PATH to the directory that holds it"
              .formatted(model, Platform.fromSystem("tensorflow").getClassifier()));
    }
    if (name.equals(PYTORCH)
        && Utils.getEnvOrSystemProperty("PYTORCH_LIBRARY_PATH") == null
        && Platform.detectPlatform("pytorch").isPlaceholder()) {
      throw new ModelLoadException(
          "%s: engine PyTorch has no native library for %s on the class path; add ai.djl.pytorch:pytorch-native-cpu for it, or set PYTORCH_LIBRARY_PATH to the directory that holds it"
              .formatted(model, Platform.fromSystem("pytorch").getClassifier()));
    }
  }

  static boolean hasGpu(Engine engine) {
    return engine.hasCapability(StandardCapabilities.CUDA);
  }

  static String rootMessage(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null && root.getCause() != root) {
      root = root.getCause();
    }
    String message = root.getMessage();
    return message != null ? message : root.getClass().getSimpleName();
  }

  private static String artifact(String engine) {
    return switch (engine) {
      case ONNX -> "ai.djl.onnxruntime:onnxruntime-engine";
      case TENSORFLOW -> "ai.djl.tensorflow:tensorflow-engine";
      default -> "ai.djl.pytorch:pytorch-engine";
    };
  }

  private static void setUnlessSet(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }
}
