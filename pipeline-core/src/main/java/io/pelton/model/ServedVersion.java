package io.pelton.model;

import java.io.Serializable;
import java.util.List;

/**
 * A model version as it serves traffic. One instance is shared by all rows that it scored.
 *
 * @param version {@link #DECLARED} when none scored
 * @param artifactDigest SHA-256 over the version's artifact files, hex
 * @param variant which part of the rollout plan it serves, e.g. {@code champion}
 * @param features input features in the model's order
 * @param outputs output names, in the order of {@link ScoredRow#outputs}
 */
public record ServedVersion(
    String model,
    int version,
    String artifactDigest,
    String variant,
    List<String> features,
    List<String> outputs)
    implements Serializable {
  /** The version of outputs that the pipeline file declares. */
  public static final int DECLARED = 0;

  public ServedVersion {
    features = List.copyOf(features);
    outputs = List.copyOf(outputs);
  }

  /** The same version as another variant. */
  public ServedVersion as(String other) {
    return new ServedVersion(model, version, artifactDigest, other, features, outputs);
  }

  /** Declared outputs for rows that were meant for this version. */
  public ServedVersion declared() {
    return new ServedVersion(model, DECLARED, "", variant, features, outputs);
  }
}
