package io.pelton.drift.job;

import io.pelton.model.ServedVersion;
import io.pelton.schemas.DriftReport;

/** A model version, whichever variant it serves: what windows are decided by. */
public record VersionKey(String model, int version) {
  static VersionKey of(ServedVersion served) {
    return new VersionKey(served.model(), served.version());
  }

  static VersionKey of(DriftReport report) {
    return new VersionKey(report.getModel(), report.getVersion());
  }
}
