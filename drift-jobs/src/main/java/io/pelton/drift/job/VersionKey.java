package io.pelton.drift.job;

import io.pelton.model.ServedVersion;

/** A model version, whichever variant it serves: what has one baseline. */
public record VersionKey(String model, int version) {
  static VersionKey of(ServedVersion served) {
    return new VersionKey(served.model(), served.version());
  }
}
