package io.pelton.registry;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model about to be published; the registry gives it its number and digests.
 *
 * @param engine DJL's name of the engine: {@code OnnxRuntime}, {@code TensorFlow} or {@code
 *     PyTorch}
 * @param artifact local model file or SavedModel directory
 * @param engineOptions options for the engine, e.g. {@code Tags}, {@code SignatureDefKey}
 * @param profileJson baseline profile of the training data, null when there is none
 * @param evaluation metrics on held-out data by name
 * @param memory bytes that it takes when it is loaded, null when nobody said
 * @param calibrationJson how often rows of a score were followed by outcome 1 in held-out data,
 *     null when nobody said
 */
public record NewVersion(
    String name,
    String engine,
    Path artifact,
    Signature signature,
    Map<String, String> engineOptions,
    GoldenRows goldenRows,
    @Nullable String profileJson,
    Map<String, Double> evaluation,
    Provenance provenance,
    @Nullable Long memory,
    @Nullable String calibrationJson) {
  /** One of which nobody said how it is calibrated. */
  public NewVersion(
      String name,
      String engine,
      Path artifact,
      Signature signature,
      Map<String, String> engineOptions,
      GoldenRows goldenRows,
      @Nullable String profileJson,
      Map<String, Double> evaluation,
      Provenance provenance,
      @Nullable Long memory) {
    this(
        name,
        engine,
        artifact,
        signature,
        engineOptions,
        goldenRows,
        profileJson,
        evaluation,
        provenance,
        memory,
        null);
  }

  /** One of which nobody said how it is calibrated or what it takes. */
  public NewVersion(
      String name,
      String engine,
      Path artifact,
      Signature signature,
      Map<String, String> engineOptions,
      GoldenRows goldenRows,
      @Nullable String profileJson,
      Map<String, Double> evaluation,
      Provenance provenance) {
    this(
        name,
        engine,
        artifact,
        signature,
        engineOptions,
        goldenRows,
        profileJson,
        evaluation,
        provenance,
        null);
  }

  public NewVersion {
    engineOptions = Map.copyOf(engineOptions);
    evaluation = Map.copyOf(evaluation);
    goldenRows.check(signature);
  }
}
