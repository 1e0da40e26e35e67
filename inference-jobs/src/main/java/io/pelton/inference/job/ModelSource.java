package io.pelton.inference.job;

import io.pelton.job.FlinkStorage;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.ModelVersion;
import io.pelton.registry.Registry;
import io.pelton.rollout.RolloutPlan;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.util.FileUtils;

/**
 * Where a job takes its model from.
 *
 * @param registry directory on any Flink file system
 * @param reference {@code name} (its champion), {@code name@3} or {@code name@alias}
 */
public record ModelSource(String registry, String reference) implements Serializable {
  /** The champion of the pipeline's model. */
  public static ModelSource champion(String registry, PipelineDefinition pipeline) {
    return new ModelSource(registry, model(pipeline).name());
  }

  /**
   * The version that the reference means now.
   *
   * @throws IOException when the registry has none
   */
  public ModelSource pinned() throws IOException {
    return new ModelSource(
        registry, new Registry(FlinkStorage.open(registry)).resolve(reference).toString());
  }

  /**
   * Loads the model, and its fallback, once in this process, as a task would, so that one that
   * cannot serve is an error before the job starts rather than a job that fails again and again.
   *
   * @return the version's manifest
   * @throws IOException that says why the model cannot serve
   */
  public ModelManifest check(PipelineDefinition pipeline) throws IOException {
    Registry versions = new Registry(FlinkStorage.open(registry));
    ModelVersion version = versions.resolve(reference);
    Path temporary = Files.createTempDirectory("pelton-check");
    try {
      RegistryModels models = RegistryModels.of(registry, version.model(), pipeline, null);
      int maxBatchSize = model(pipeline).maxBatchSize();
      models.load(version.version(), temporary, null, maxBatchSize).close();
      Integer fallback = models.fallback();
      if (fallback != null && fallback != version.version()) {
        models.load(fallback, temporary, null, maxBatchSize).close();
      }
    } finally {
      FileUtils.deleteDirectory(temporary.toFile());
    }
    return versions.manifest(version.model(), version.version());
  }

  /**
   * A plan of the version that the reference means now, alone.
   *
   * @throws IOException when the registry has none
   */
  public RolloutPlan plan() throws IOException {
    ModelVersion version = new Registry(FlinkStorage.open(registry)).resolve(reference);
    return RolloutPlan.of(version.model(), version.version());
  }

  /**
   * @throws IllegalArgumentException when the pipeline has none
   */
  static PipelineDefinition.Model model(PipelineDefinition pipeline) {
    PipelineDefinition.Model model = pipeline.model();
    if (model == null) {
      throw new IllegalArgumentException(
          "pipeline " + pipeline.name() + " has no model section; add one to score with it");
    }
    return model;
  }
}
