package io.pelton.drift.performance;

import io.pelton.drift.BaselineProfile;
import io.pelton.drift.Segment;
import io.pelton.job.FlinkStorage;
import io.pelton.performance.Calibration;
import io.pelton.registry.Registry;
import io.pelton.registry.RegistryException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
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

  private static Map<String, List<String>> segments(String profileJson) {
    BaselineProfile.Segments segments = BaselineProfile.fromJson(profileJson).segments();
    if (segments == null) {
      return Map.of();
    }
    List<String> values =
        segments.profiles().entrySet().stream()
            .filter(segment -> Segment.value(segment.getKey()) != null)
            .sorted(
                Comparator.<Map.Entry<String, BaselineProfile>>comparingLong(
                        segment -> -segment.getValue().rows())
                    .thenComparing(Map.Entry.comparingByKey()))
            .map(segment -> String.valueOf(Segment.value(segment.getKey())))
            .toList();
    return Map.of(segments.by(), values);
  }

  @Override
  public VersionEvaluation load(String model, int version) throws IOException {
    try {
      Registry published = new Registry(FlinkStorage.open(registry));
      return new VersionEvaluation(
          published.manifest(model, version).evaluation(),
          published.calibrationJson(model, version).map(Calibration::fromJson).orElse(null),
          published
              .profileJson(model, version)
              .map(RegistryEvaluations::segments)
              .orElse(Map.of()));
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
