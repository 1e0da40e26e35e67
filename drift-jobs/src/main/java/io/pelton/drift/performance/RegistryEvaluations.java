package io.pelton.drift.performance;

import io.pelton.job.FlinkStorage;
import io.pelton.performance.Calibration;
import io.pelton.registry.Registry;
import io.pelton.registry.RegistryException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Evaluations as they were published with the model versions. */
public final class RegistryEvaluations implements Evaluations {
  private static final long serialVersionUID = 1;
  private static final Logger LOG = LoggerFactory.getLogger(RegistryEvaluations.class);

  private final String registry;

  /**
   * @param registry a directory on any Flink file system
   */
  public RegistryEvaluations(String registry) {
    this.registry = registry;
  }

  @Override
  public VersionEvaluation load(String model, int version) throws IOException {
    try {
      Registry published = new Registry(FlinkStorage.open(registry));
      return new VersionEvaluation(
          published.manifest(model, version).evaluation(),
          published.calibrationJson(model, version).map(Calibration::fromJson).orElse(null));
    } catch (FileNotFoundException
        | NoSuchFileException
        | RegistryException
        | IllegalArgumentException e) {
      LOG.warn(
          "reports of performance of {}@{} come without its evaluation and take its scores as they are: {}",
          model,
          version,
          e.getMessage());
      return VersionEvaluation.NONE;
    }
  }
}
