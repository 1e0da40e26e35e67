package io.pelton.registry;

/** A version of a model, as {@code name@3}. */
public record ModelVersion(String model, int version) {
  @Override
  public String toString() {
    return model + "@" + version;
  }
}
