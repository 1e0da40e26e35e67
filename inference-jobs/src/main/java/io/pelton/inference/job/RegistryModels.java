package io.pelton.inference.job;

import io.pelton.job.FlinkStorage;
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
 * Loads versions from the registry.
 *
 * @param features what the pipeline offers the model
 * @param maxBatchSize largest batch to warm up with
 * @param fallback the version that scores when another one cannot
 * @param declared outputs when no version can; empty when there are none
 */
record RegistryModels(
    String registry,
    String model,
    PipelineDefinition.Device device,
    List<String> features,
    int maxBatchSize,
    @Nullable Integer fallback,
    Map<String, Double> declared)
    implements Models {
  private static final int WARM_UPS = 20;

  /**
   * The fallback is the version that its alias means now: should the alias move while the job runs,
   * its subtasks must not fall back to different ones.
   *
   * @throws IllegalArgumentException when the pipeline has no model section
   * @throws IOException when the registry has no such fallback
   */
  static RegistryModels of(String registry, String model, PipelineDefinition pipeline)
      throws IOException {
    PipelineDefinition.Model section = ModelSource.model(pipeline);
    Fallback fallback = section.safeguards().fallback();
    return new RegistryModels(
        registry,
        model,
        section.device(),
        pipeline.modelFeatures(),
        section.maxBatchSize(),
        fallback == null || fallback.version() == null
            ? null
            : resolve(registry, model, fallback.version()),
        fallback == null ? Map.of() : fallback.outputs());
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
  public Loaded load(int version, Path temporary, @Nullable Integer gpu) throws IOException {
    VersionFiles.Lease files =
        VersionFiles.SHARED.lease(
            new Registry(FlinkStorage.open(registry)), new ModelVersion(model, version), temporary);
    @Nullable ScoringModel loading = null;
    try {
      ModelManifest manifest = files.manifest();
      checkDeclared(manifest);
      loading = ModelLoader.load(files.directory(), manifest, device, gpu, features);
      warmUp(manifest, loading);
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

  /** The first batches of a size cost the engine its planning; no event should wait for that. */
  private void warmUp(ModelManifest manifest, ScoringModel ready) throws ModelLoadException {
    double[][] rows = new double[maxBatchSize][];
    Arrays.fill(rows, new double[ready.features()]);
    double[] outputs = new double[maxBatchSize * ready.outputs()];
    try {
      for (int count = 1; count < maxBatchSize; count *= 4) {
        ready.score(rows, 0, count, outputs);
      }
      for (int i = 0; i < WARM_UPS; i++) {
        ready.score(rows, 0, maxBatchSize, outputs);
      }
    } catch (ScoringException e) {
      throw new ModelLoadException(
          manifest.reference() + " fails at warm-up on rows of zeros: " + e.getMessage(), e);
    }
  }
}
