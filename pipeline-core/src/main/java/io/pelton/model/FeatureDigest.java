package io.pelton.model;

/**
 * A fast 64-bit hash of a feature row, for comparing what was scored with what was logged. Rows
 * that are equal as numbers are equal here: -0.0 counts as 0.0, and every NaN as the one missing
 * value. Order and count matter. Not cryptographic. Its values are on the wire: they must never
 * change.
 */
public final class FeatureDigest {
  // Multipliers of xxHash64, and the finaliser of MurmurHash3.
  private static final long PRIME_1 = 0x9E3779B185EBCA87L;
  private static final long PRIME_2 = 0xC2B2AE3D27D4EB4FL;
  private static final long PRIME_4 = 0x85EBCA77C2B2AE63L;

  private FeatureDigest() {}

  public static long of(double[] features) {
    long hash = PRIME_4 + features.length * PRIME_1;
    for (double feature : features) {
      // Adding 0.0 turns -0.0 into 0.0; doubleToLongBits gives every NaN the same bits.
      long bits = Double.doubleToLongBits(feature + 0.0);
      hash = Long.rotateLeft(hash ^ Long.rotateLeft(bits * PRIME_2, 31) * PRIME_1, 27);
      hash = hash * PRIME_1 + PRIME_4;
    }
    hash ^= hash >>> 33;
    hash *= 0xFF51AFD7ED558CCDL;
    hash ^= hash >>> 33;
    hash *= 0xC4CEB9FE1A85EC53L;
    return hash ^ (hash >>> 33);
  }
}
