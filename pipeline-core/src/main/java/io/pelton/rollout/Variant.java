package io.pelton.rollout;

import java.io.Serializable;

/**
 * A version that takes a share of the traffic.
 *
 * @param name on each prediction, e.g. {@code champion}, {@code canary}, or one of an A/B test
 * @param version in the registry, 1 or more
 * @param share above 0, at most 1
 */
public record Variant(String name, int version, double share) implements Serializable {
  /** The name of the version that serves alone, or what a canary leaves. */
  public static final String CHAMPION = "champion";

  /** The name of a version that is tried on a part of the traffic. */
  public static final String CANARY = "canary";

  public Variant {
    if (name.isBlank()) {
      throw new IllegalArgumentException("a variant's name must not be empty");
    }
    requireVersion(version);
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException(
          "variant \"%s\": share %s must be above 0 and at most 1".formatted(name, share));
    }
  }

  static void requireVersion(int version) {
    if (version < 1) {
      throw new IllegalArgumentException("version " + version + " must be 1 or more");
    }
  }
}
