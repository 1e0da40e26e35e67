package io.pelton.drift.job;

import io.pelton.schemas.DriftReport;

/**
 * A window of all versions of a model: what is decided together.
 *
 * @param start epoch milliseconds
 * @param end exclusive
 */
public record WindowKey(String model, long start, long end) {
  static WindowKey of(DriftReport report) {
    return new WindowKey(
        report.getModel(),
        report.getWindowStart().toEpochMilli(),
        report.getWindowEnd().toEpochMilli());
  }
}
