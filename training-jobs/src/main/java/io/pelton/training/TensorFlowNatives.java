package io.pelton.training;

import ai.djl.engine.Engine;
import ai.djl.util.Platform;
import ai.djl.util.Utils;

/**
 * TensorFlow's native libraries, which training and serving share in one process. Whoever comes
 * first must load them from where the other will, and without a download: so training lets DJL load
 * them, as serving does.
 */
final class TensorFlowNatives {
  private static final String ENGINE = "TensorFlow";
  private static final String DIRECTORY = "TENSORFLOW_LIBRARY_PATH";

  private TensorFlowNatives() {}

  /**
   * Loads the libraries if nobody has yet. Must run before the first class of TensorFlow is used.
   *
   * @throws IllegalStateException if they are neither on the class path nor in a directory
   */
  static void load() {
    // A placeholder is DJL's word for "download it".
    if (Utils.getEnvOrSystemProperty(DIRECTORY) == null
        && Platform.detectPlatform("tensorflow").isPlaceholder()) {
      throw new IllegalStateException(
          ("TensorFlow: no native libraries for %s: put tensorflow-core-native and"
                  + " native/lib/tensorflow.properties for it on the class path, or set %s to the"
                  + " directory that holds them; nothing is downloaded")
              .formatted(Platform.fromSystem("tensorflow").getClassifier(), DIRECTORY));
    }
    Engine.getEngine(ENGINE);
  }
}
