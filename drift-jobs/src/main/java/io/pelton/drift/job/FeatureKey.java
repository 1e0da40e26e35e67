package io.pelton.drift.job;

/**
 * A feature or output of a model version: what counts are merged by.
 *
 * @param feature its name on reports
 */
public record FeatureKey(String model, int version, String feature) {
  static FeatureKey of(PartialCounts partial) {
    return new FeatureKey(partial.served().model(), partial.served().version(), partial.feature());
  }
}
