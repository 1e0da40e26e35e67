package io.pelton.drift.performance;

import io.pelton.performance.Calibration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a version from when it was published.
 *
 * @param metrics on held-out data, by name
 * @param calibration of its scores there; null when it was published without
 * @param segments by carried field the values that have baselines of their own, commonest first
 */
public record VersionEvaluation(
    Map<String, Double> metrics,
    @Nullable Calibration calibration,
    Map<String, List<String>> segments) {
  /** Of a version of which nothing is known. */
  public static final VersionEvaluation NONE = new VersionEvaluation(Map.of(), null, Map.of());

  public VersionEvaluation {
    metrics = Map.copyOf(metrics);
    segments = Map.copyOf(segments);
  }
}
