package io.pelton.pipeline;

import java.io.Serializable;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What rows get when their model cannot score: another version of it, or declared outputs.
 *
 * @param version number or alias, null for declared outputs
 * @param outputs by name, empty for a version
 */
public record Fallback(@Nullable String version, Map<String, Double> outputs)
    implements Serializable {
  public Fallback {
    outputs = Map.copyOf(outputs);
    if ((version == null) == outputs.isEmpty()) {
      throw new IllegalArgumentException(
          "a fallback has version %s and outputs %s; it must have one of the two"
              .formatted(version, outputs));
    }
  }
}
