package io.pelton.rollout;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;
import java.util.List;

/**
 * Spreads entity keys over variants, by a salted hash: a key has the same variant on every machine
 * and in every replay, and keeps it when the share of its variant grows, as long as those listed
 * before do not shrink.
 */
public final class Routing {
  private static final double UNIT = 0x1p-53;

  private final Hasher64 hasher;

  /** Keys fall anew with each salt. What it gives is on the wire: it must never change. */
  public Routing(String salt) {
    hasher = Hashing.xxh3_64(Hashing.xxh3_64().hashCharsToLong(salt));
  }

  /** Where a key lies, from 0 to below 1, evenly. */
  public double point(String key) {
    return (hasher.hashCharsToLong(key) >>> 11) * UNIT;
  }

  /** The variant in whose share a key falls; they are laid out in their order from 0 on. */
  public static Variant choose(List<Variant> variants, double point) {
    double end = 0;
    for (Variant variant : variants) {
      end += variant.share();
      if (point < end) {
        return variant;
      }
    }
    // Shares add up to 1 but for rounding.
    return variants.get(variants.size() - 1);
  }
}
