package io.pelton.drift.job;

/**
 * A feature or output of a model version: what counts are merged by.
 *
 * @param segment {@link io.pelton.drift.Segment}
 * @param feature its name on reports
 */
public record FeatureKey(
    String model, int version, String variant, String segment, String feature) {
  static FeatureKey of(PartialCounts partial) {
    return new FeatureKey(
        partial.served().model(),
        partial.served().version(),
        partial.served().variant(),
        partial.segment(),
        partial.feature());
  }
}
