package io.pelton.inference.job;

import io.pelton.job.FlinkStorage;
import io.pelton.model.ModelLoadException;
import io.pelton.model.ModelLoader;
import io.pelton.model.ScoringException;
import io.pelton.model.ScoringModel;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.ModelVersion;
import io.pelton.registry.Registry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Loads a version from the registry.
 *
 * @param features what the pipeline offers the model
 * @param maxBatchSize largest batch to warm up with
 */
record RegistryModels(
    ModelSource source, PipelineDefinition.Device device, List<String> features, int maxBatchSize)
    implements Models {
  /** Variant of the only version that serves while there is no rollout plan. */
  private static final String VARIANT = Registry.CHAMPION;

  private static final int WARM_UPS = 20;

  @Override
  public Loaded load(Path temporary, List<Integer> gpus) throws IOException {
    Registry registry = new Registry(FlinkStorage.open(source.registry()));
    ModelVersion version = registry.resolve(source.reference());
    VersionFiles.Lease files = VersionFiles.SHARED.lease(registry, version, temporary);
    @Nullable Integer gpu = null;
    @Nullable ScoringModel model = null;
    try {
      if (device != PipelineDefinition.Device.CPU) {
        gpu = GpuLeases.SHARED.lease(gpus);
      }
      ModelManifest manifest = files.manifest();
      model = ModelLoader.load(files.directory(), manifest, device, gpu, features);
      warmUp(manifest, model);
      ServedVersion served =
          new ServedVersion(
              manifest.name(),
              manifest.version(),
              manifest.artifactDigest(),
              VARIANT,
              manifest.signature().features(),
              manifest.signature().outputNames());
      @Nullable Integer leased = gpu;
      return new Loaded(served, model, () -> release(files, leased));
    } catch (IOException | RuntimeException | Error e) {
      if (model != null) {
        model.close();
      }
      release(files, gpu);
      throw e;
    }
  }

  private static void release(VersionFiles.Lease files, @Nullable Integer gpu) {
    if (gpu != null) {
      GpuLeases.SHARED.release(gpu);
    }
    files.close();
  }

  /** The first batches of a size cost the engine its planning; no event should wait for that. */
  private void warmUp(ModelManifest manifest, ScoringModel model) throws ModelLoadException {
    double[] rows = new double[maxBatchSize * model.features()];
    double[] outputs = new double[maxBatchSize * model.outputs()];
    try {
      for (int count = 1; count < maxBatchSize; count *= 4) {
        model.score(rows, count, outputs);
      }
      for (int i = 0; i < WARM_UPS; i++) {
        model.score(rows, maxBatchSize, outputs);
      }
    } catch (ScoringException e) {
      throw new ModelLoadException(
          manifest.reference() + " fails at warm-up on rows of zeros: " + e.getMessage(), e);
    }
  }
}
