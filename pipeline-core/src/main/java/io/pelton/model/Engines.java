package io.pelton.model;

import ai.djl.engine.Engine;
import ai.djl.engine.StandardCapabilities;
import io.pelton.registry.NearestName;
import java.util.List;
import java.util.TreeSet;

/**
 * The engines of DJL that Pelton serves with. Every use of DJL starts here, because DJL decides at
 * its first use whether it may download and report, and its ONNX engine must exist before anything
 * else touches ONNX Runtime.
 */
final class Engines {
  static final String ONNX = "OnnxRuntime";
  static final String TENSORFLOW = "TensorFlow";

  static {
    setUnlessSet("ai.djl.offline", "true");
    setUnlessSet("OPT_OUT_TRACKING", "true");
    setUnlessSet("ai.djl.onnx.disable_alternative", "true");
  }

  private Engines() {}

  /** Starts an engine, at its first use. */
  static Engine engine(String model, String name) throws ModelLoadException {
    List<String> known = List.of(ONNX, TENSORFLOW);
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
      return Engine.getEngine(name);
    } catch (RuntimeException | LinkageError e) {
      throw new ModelLoadException(
          "%s: engine %s does not start: %s; is its native library for this platform on the class path?"
              .formatted(model, name, rootMessage(e)),
          e);
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
    return engine.equals(ONNX)
        ? "ai.djl.onnxruntime:onnxruntime-engine"
        : "ai.djl.tensorflow:tensorflow-engine";
  }

  private static void setUnlessSet(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }
}
