package io.pelton.rollout;

import java.io.Serializable;

/**
 * Events that one version scores, whatever share other versions have.
 *
 * @param name on each prediction, in the place of a variant's
 * @param when an expression on the event's carried fields, a truth
 */
public record Segment(String name, String when, int version) implements Serializable {
  public Segment {
    if (name.isBlank()) {
      throw new IllegalArgumentException("a segment's name must not be empty");
    }
    if (when.isBlank()) {
      throw new IllegalArgumentException(
          "segment \"" + name + "\" has no condition: give an expression on carried fields");
    }
    Variant.requireVersion(version);
  }
}
