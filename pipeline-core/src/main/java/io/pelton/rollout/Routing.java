package io.pelton.rollout;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;

/** Spreads entity keys evenly, by a salted hash: the same on every machine and in every replay. */
final class Routing {
  private static final double UNIT = 0x1p-53;

  private final Hasher64 hasher;

  /** Keys fall anew with each salt. What it gives is on the wire: it must never change. */
  Routing(String salt) {
    hasher = Hashing.xxh3_64(Hashing.xxh3_64().hashCharsToLong(salt));
  }

  /** Where a key lies, from 0 to below 1, evenly. */
  double point(String key) {
    return (hasher.hashCharsToLong(key) >>> 11) * UNIT;
  }
}
