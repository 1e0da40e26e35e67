package io.pelton.training;

import io.pelton.drift.BaselineProfile;
import io.pelton.performance.Calibration;
import io.pelton.performance.Performance;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Registry;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Publishes a trained model with all that serving and watching it needs. */
public final class Publication {
  private static final int GOLDEN_ROWS = 20;

  private Publication() {}

  /**
   * Publishes a version: its golden rows are the first held-out ones; its baseline profile is the
   * training set's features, and the scores of held-out rows, for a model is surer of the rows that
   * it was trained on; these rows also calibrate its scores.
   *
   * @param name the model's name in the registry
   * @param edges most edges that the profile keeps of a feature
   * @throws IOException when the registry refuses it or cannot be written
   */
  public static ModelManifest publish(
      Registry registry,
      String name,
      TrainedModel model,
      TrainingSet train,
      TrainingSet heldOut,
      int edges)
      throws IOException {
    double[] scores = model.scorer().score(heldOut.rows());
    // What reports of performance compare with, and what is measured here alone.
    Map<String, Double> evaluation =
        new LinkedHashMap<>(Performance.evaluation(scores, heldOut.labels()));
    evaluation.putAll(Evaluation.of(heldOut, scores).metrics());
    double[][] outputs =
        Arrays.stream(scores).mapToObj(s -> new double[] {s}).toArray(double[][]::new);
    int golden = Math.min(GOLDEN_ROWS, heldOut.size());
    BaselineProfile profile =
        BaselineProfile.of(
            train.features(), train.rows(), model.signature().outputNames(), outputs, edges);
    return registry.publish(
        new NewVersion(
            name,
            model.engine(),
            model.directory().resolve(model.artifact()),
            model.signature(),
            model.engineOptions(),
            new GoldenRows(Arrays.copyOf(heldOut.rows(), golden), Arrays.copyOf(outputs, golden)),
            profile.toJson(),
            evaluation,
            model.provenance(),
            null,
            Calibration.of(scores, heldOut.labels()).toJson()));
  }
}
