package io.pelton.it;

import io.pelton.drift.BaselineProfile;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Registry;
import io.pelton.training.TrainedModel;
import io.pelton.training.Trainer;
import io.pelton.training.TrainingSet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Trains a few trees on rows of features and makes them champion. */
final class Champion {
  private static final int GOLDEN_ROWS = 20;
  private static final int EDGES = 256;

  private Champion() {}

  /** On all features of the pipeline. */
  static ModelManifest publish(
      Path registry, PipelineDefinition pipeline, BatchRows features, Set<String> frauds)
      throws Exception {
    return publish(registry, pipeline, features, frauds, pipeline.featureNames());
  }

  /**
   * @param registry directory of the registry
   * @param frauds ids of the events with label 1
   * @param taken features that the model takes
   */
  static ModelManifest publish(
      Path registry,
      PipelineDefinition pipeline,
      BatchRows features,
      Set<String> frauds,
      List<String> taken)
      throws Exception {
    int[] columns = taken.stream().mapToInt(pipeline.featureNames()::indexOf).toArray();
    List<String> ids = new ArrayList<>(features.rows().keySet());
    double[][] rows =
        ids.stream()
            .map(features.rows()::get)
            .map(row -> Arrays.stream(columns).mapToDouble(column -> row[column]).toArray())
            .toArray(double[][]::new);
    TrainingSet set =
        new TrainingSet(
            taken,
            ids,
            new long[ids.size()],
            List.of(),
            rows,
            ids.stream().mapToDouble(id -> frauds.contains(id) ? 1 : 0).toArray());
    TrainedModel model =
        Trainer.named("tribuo-xgboost", Map.of("trees", "10", "max-depth", "3"), 7)
            .train(set, registry.resolveSibling("trained"));
    double[][] scores =
        Arrays.stream(model.scorer().score(rows))
            .mapToObj(score -> new double[] {score})
            .toArray(double[][]::new);
    Registry target = new Registry(new LocalStorage(registry));
    ModelManifest published =
        target.publish(
            new NewVersion(
                CardPipeline.MODEL,
                model.engine(),
                model.directory().resolve(model.artifact()),
                model.signature(),
                model.engineOptions(),
                new GoldenRows(
                    Arrays.copyOf(rows, GOLDEN_ROWS), Arrays.copyOf(scores, GOLDEN_ROWS)),
                BaselineProfile.of(
                        set.features(), rows, model.signature().outputNames(), scores, EDGES)
                    .toJson(),
                Map.of(),
                model.provenance()));
    target.setAlias(published.name(), Registry.CHAMPION, published.version());
    return published;
  }
}
