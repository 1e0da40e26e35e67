package io.pelton.inference.job;

import io.pelton.job.FlinkStorage;
import io.pelton.job.KafkaUnavailableException;
import io.pelton.job.PredictionSchemas;
import io.pelton.model.ModelLoadException;
import io.pelton.model.ModelLoader;
import io.pelton.model.ScoringException;
import io.pelton.model.ScoringModel;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.Fallback;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.ModelVersion;
import io.pelton.registry.Registry;
import io.pelton.registry.RegistryException;
import io.pelton.rollout.Variant;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Loads versions from the registry, and publishes the schemas of what they will predict.
 *
 * @param features what the pipeline offers the model
 * @param fallback the version that scores when another one cannot
 * @param declared outputs when no version can; empty when there are none
 * @param schemas null when predictions do not go to Kafka
 */
record RegistryModels(
    String registry,
    String model,
    PipelineDefinition.Device device,
    List<String> features,
    @Nullable Integer fallback,
    Map<String, Double> declared,
    @Nullable PredictionSchemas schemas)
    implements Models {
  /** Batches of the largest size, as far as there is time for more than one. */
  private static final int WARM_UPS = 20;

  private static final long WARM_UP_NANOS = 100_000_000;

  /**
   * The fallback is the version that its alias means now: should the alias move while the job runs,
   * its subtasks must not fall back to different ones.
   *
   * @throws IllegalArgumentException when the pipeline has no model section
   * @throws IOException when the registry has no such fallback
   */
  static RegistryModels of(
      String registry,
      String model,
      PipelineDefinition pipeline,
      @Nullable PredictionSchemas schemas)
      throws IOException {
    PipelineDefinition.Model section = ModelSource.model(pipeline);
    Fallback fallback = section.safeguards().fallback();
    return new RegistryModels(
        registry,
        model,
        section.device(),
        pipeline.modelFeatures(),
        fallback == null || fallback.version() == null
            ? null
            : resolve(registry, model, fallback.version()),
        fallback == null ? Map.of() : fallback.outputs(),
        schemas);
  }

  private static int resolve(String registry, String model, String fallback) throws IOException {
    try {
      return new Registry(FlinkStorage.open(registry)).resolve(model + "@" + fallback).version();
    } catch (RegistryException e) {
      throw new RegistryException(
          "model.fallback.version of the pipeline file: " + e.getMessage(), e);
    }
  }

  @Override
  public Loaded load(int version, Path temporary, @Nullable Integer gpu, int maxBatchSize)
      throws IOException {
    VersionFiles.Lease files =
        VersionFiles.SHARED.lease(
            new Registry(FlinkStorage.open(registry)), new ModelVersion(model, version), temporary);
    @Nullable ScoringModel loading = null;
    try {
      ModelManifest manifest = files.manifest();
      checkDeclared(manifest);
      loading = ModelLoader.load(files.directory(), manifest, device, gpu, features);
      warmUp(manifest, loading, maxBatchSize);
      publishSchema(manifest);
      ServedVersion served =
          new ServedVersion(
              manifest.name(),
              manifest.version(),
              manifest.artifactDigest(),
              Variant.CHAMPION,
              manifest.signature().features(),
              manifest.signature().outputNames());
      return new Loaded(
          served, loading, device.name().toLowerCase(Locale.ROOT).replace('_', '-'), files::close);
    } catch (IOException | RuntimeException | Error e) {
      if (loading != null) {
        loading.close();
      }
      files.close();
      throw e;
    }
  }

  private void publishSchema(ModelManifest manifest) throws ModelLoadException {
    try {
      if (schemas != null) {
        schemas.publish(manifest.signature().features());
      }
    } catch (KafkaUnavailableException e) {
      throw new ModelLoadException(
          "%s: the schema of its predictions is not published: %s"
              .formatted(manifest.reference(), e.getMessage()),
          e);
    }
  }

  private void checkDeclared(ModelManifest manifest) throws ModelLoadException {
    try {
      if (!declared.isEmpty()) {
        DeclaredOutputs.check(manifest.reference(), manifest.signature().outputNames(), declared);
      }
    } catch (IllegalArgumentException e) {
      throw new ModelLoadException(String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public long memory(int version) throws IOException {
    return new Registry(FlinkStorage.open(registry)).memory(model, version);
  }

  /**
   * The first batches of a size cost the engine its planning; no event should wait for that. Nor
   * for a slow model's many batches, which take a core from what serves.
   */
  private static void warmUp(ModelManifest manifest, ScoringModel ready, int maxBatchSize)
      throws ModelLoadException {
    double[][] rows = new double[maxBatchSize][];
    Arrays.fill(rows, new double[ready.features()]);
    double[] outputs = new double[maxBatchSize * ready.outputs()];
    try {
      for (int count = 1; count < maxBatchSize; count *= 4) {
        ready.score(rows, 0, count, outputs);
      }
      long start = System.nanoTime();
      for (int i = 0; i == 0 || i < WARM_UPS && System.nanoTime() - start < WARM_UP_NANOS; i++) {
        ready.score(rows, 0, maxBatchSize, outputs);
      }
    } catch (ScoringException e) {
      throw new ModelLoadException(
          manifest.reference() + " fails at warm-up on rows of zeros: " + e.getMessage(), e);
    }
  }
}
