package io.pelton.drift.performance;

/**
 * Rows of one model version as one variant: what performance is measured of.
 *
 * @param segment of {@link io.pelton.drift.Segment}; that of all rows too
 */
public record VariantKey(String model, int version, String variant, String segment) {
  static VariantKey of(Scored scored, String segment) {
    return new VariantKey(scored.model(), scored.version(), scored.variant(), segment);
  }
}
