package io.pelton.drift.job;

import static io.pelton.drift.job.Predictions.HOUR;

import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftType;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Reports of hours of version 1, as they come to be decided. */
final class Reports {
  private Reports() {}

  static DriftReport report(
      int window, String feature, long rows, double psi, Double ks, double p) {
    return DriftReport.newBuilder()
        .setPipeline("fraud")
        .setModel("card-fraud")
        .setVersion(1)
        .setFeature(feature)
        .setType(DriftType.NUMERIC)
        .setWindowStart(Instant.ofEpochMilli(window * HOUR))
        .setWindowEnd(Instant.ofEpochMilli((window + 1) * HOUR))
        .setRevision(0)
        .setWatermark(Instant.EPOCH)
        .setBaselineCount(1_000)
        .setCurrentCount(rows)
        .setMissingBaseline(0)
        .setMissingCurrent(0)
        .setOutOfRange(0)
        .setKs(ks)
        .setKsPValue(p)
        .setKsMethod("finite-sample")
        .setRankErrorBound(0)
        .setPsi(psi)
        .setPsiAdjusted(psi)
        .setPsiPValue(p)
        .setJensenShannon(0)
        .setWasserstein(null)
        .setPValue(p)
        .setQValue(null)
        .setDrifted(false)
        .setBins(List.of())
        .setDistribution(List.of())
        .setNewValues(Map.of())
        .build();
  }
}
