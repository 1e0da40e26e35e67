package io.pelton.training;

import io.pelton.registry.Provenance;
import io.pelton.registry.Signature;
import java.nio.file.Path;
import java.util.Map;

/**
 * A model that was trained and written to files, not yet in the registry.
 *
 * @param engine DJL's name of the engine: {@code OnnxRuntime} or {@code TensorFlow}
 * @param directory holds the artifact
 * @param artifact path of the model inside the directory: an {@code .onnx} file or a SavedModel
 *     directory
 * @param engineOptions options for the engine, e.g. {@code Tags}
 * @param scorer scores as the artifact does, to 1e-6
 */
public record TrainedModel(
    String engine,
    Path directory,
    String artifact,
    Signature signature,
    Map<String, String> engineOptions,
    Provenance provenance,
    Scorer scorer) {
  public TrainedModel {
    engineOptions = Map.copyOf(engineOptions);
  }

  /** Metrics of this model on rows that it was not trained on. */
  public Evaluation evaluate(TrainingSet heldOut) {
    if (!heldOut.features().equals(signature.features())) {
      throw new IllegalArgumentException(
          "held-out set: features are %s; the model takes %s"
              .formatted(heldOut.features(), signature.features()));
    }
    return Evaluation.of(heldOut, scorer.score(heldOut.rows()));
  }
}
