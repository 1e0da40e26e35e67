package io.pelton.model;

/**
 * A fast 64-bit hash of a feature row, for comparing what was scored with what was logged. Rows
 * that are equal as numbers are equal here: -0.0 counts as 0.0, and every NaN as the one missing
 * value. Order and count matter. Not cryptographic. Its values are on the wire: they must never
 * change.
 */
public final class FeatureDigest {
  // Primes of xxHash64, and the finaliser of MurmurHash3.
  private static final long PRIME_1 = 0x9E3779B185EBCA87L;
  private static final long PRIME_2 = 0xC2B2AE3D27D4EB4FL;
  private static final long PRIME_3 = 0x165667B19E3779F9L;
  private static final long PRIME_4 = 0x85EBCA77C2B2AE63L;

  private static final long MISSING = Double.doubleToLongBits(Double.NaN);

  private FeatureDigest() {}

  public static long of(double[] features) {
    int count = features.length;
    // Four lanes, for none of them waits for another.
    long one = PRIME_1;
    long two = PRIME_2;
    long three = PRIME_3;
    long four = PRIME_4;
    int i = 0;
    for (; i <= count - 4; i += 4) {
      one = mix(one, bits(features[i]));
      two = mix(two, bits(features[i + 1]));
      three = mix(three, bits(features[i + 2]));
      four = mix(four, bits(features[i + 3]));
    }
    for (; i < count; i++) {
      one = mix(one, bits(features[i]));
    }
    long hash = mix(mix(mix(mix(count, one), two), three), four);
    hash ^= hash >>> 33;
    hash *= 0xFF51AFD7ED558CCDL;
    hash ^= hash >>> 33;
    hash *= 0xC4CEB9FE1A85EC53L;
    return hash ^ (hash >>> 33);
  }

  /** Adding 0.0 turns -0.0 into 0.0; a comparison is cheaper than what doubleToLongBits does. */
  private static long bits(double feature) {
    return Double.isNaN(feature) ? MISSING : Double.doubleToRawLongBits(feature + 0.0);
  }

  private static long mix(long hash, long bits) {
    return Long.rotateLeft((hash ^ bits) * PRIME_1, 29);
  }
}
