package io.pelton.drift.performance;

/** A model version as one variant: what performance is measured of. */
public record VariantKey(String model, int version, String variant) {
  static VariantKey of(Scored scored) {
    return new VariantKey(scored.model(), scored.version(), scored.variant());
  }
}
