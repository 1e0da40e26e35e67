package io.pelton.drift.job;

import static io.pelton.drift.job.Predictions.HOUR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.drift.Persistence;
import io.pelton.job.SpecificRecordSerializer;
import io.pelton.pipeline.Drift;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftType;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

final class DecideTest {
  private static final Drift DRIFT =
      new Drift(HOUR, 0, 0.2, 0.1, 0.05, 100, new Persistence(2, 3), 256);

  private static KeyedOneInputStreamOperatorTestHarness<VersionKey, DriftReport, DriftReport>
      harness() throws Exception {
    var harness =
        new KeyedOneInputStreamOperatorTestHarness<VersionKey, DriftReport, DriftReport>(
            new KeyedProcessOperator<>(new Decide(DRIFT)),
            VersionKey::of,
            TypeInformation.of(VersionKey.class));
    harness.setup(new SpecificRecordSerializer<>(DriftReport.class));
    return harness;
  }

  private static DriftReport report(
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

  private static void send(
      KeyedOneInputStreamOperatorTestHarness<VersionKey, DriftReport, DriftReport> harness,
      DriftReport report)
      throws Exception {
    harness.processElement(report, report.getWindowEnd().toEpochMilli() - 1);
  }

  private static List<DriftAlert> alerts(
      KeyedOneInputStreamOperatorTestHarness<VersionKey, DriftReport, DriftReport> harness) {
    var alerts = harness.getSideOutput(Decide.ALERTS);
    return alerts == null ? List.of() : alerts.stream().map(StreamRecord::getValue).toList();
  }

  @Test
  void driftNeedsEffectSignificanceAndRows() throws Exception {
    try (var harness = harness()) {
      harness.open();
      send(harness, report(0, "ks", 100, 0.0, 0.1, 0.001));
      send(harness, report(0, "psi", 100, 0.2, null, 0.001));
      send(harness, report(0, "no effect", 100, 0.19, 0.09, 0.001));
      send(harness, report(0, "by chance", 100, 0.3, 0.3, 0.2));
      send(harness, report(1, "too few", 99, 0.3, 0.3, 0.001));
      harness.processWatermark(2 * HOUR);

      assertThat(harness.extractOutputValues())
          .extracting(DriftReport::getFeature)
          .containsExactly("by chance", "ks", "no effect", "psi", "too few");
      assertThat(harness.extractOutputValues())
          .filteredOn(DriftReport::getDrifted)
          .extracting(DriftReport::getFeature)
          .containsExactly("ks", "psi");
    }
  }

  @Test
  void adjustsPValuesOverAllFeaturesOfTheWindow() throws Exception {
    try (var harness = harness()) {
      harness.open();
      // Significant alone, not among two others; another window's do not count.
      send(harness, report(0, "a", 1_000, 0.3, 0.3, 0.03));
      send(harness, report(0, "b", 1_000, 0.3, 0.3, 0.5));
      send(harness, report(1, "a", 1_000, 0.3, 0.3, 0.03));
      harness.processWatermark(2 * HOUR);

      assertThat(harness.extractOutputValues())
          .extracting(DriftReport::getQValue)
          .containsExactly(0.06, 0.5, 0.03);
      assertThat(harness.extractOutputValues())
          .extracting(DriftReport::getDrifted)
          .containsExactly(false, false, true);
    }
  }

  @Test
  void anAlertOpensAtKOfNAndResolvesAtNoneOfNAcrossARestore() throws Exception {
    OperatorSubtaskState state;
    try (var harness = harness()) {
      harness.open();
      for (int window = 0; window < 4; window++) {
        // Drifts in windows 1 and 3.
        send(harness, report(window, "a", 1_000, window % 2 == 1 ? 0.5 : 0, 0.0, 0.001));
        harness.processWatermark((window + 1) * HOUR);
      }
      assertThat(alerts(harness))
          .extracting(DriftAlert::getState, DriftAlert::getAlertId, DriftAlert::getWindowEnd)
          .containsExactly(
              tuple(
                  AlertState.OPENED,
                  "fraud/card-fraud/1/a/1970-01-01T01:00:00Z",
                  Instant.ofEpochMilli(4 * HOUR)));
      // An undecided window travels with the checkpoint.
      send(harness, report(4, "a", 1_000, 0, 0.0, 0.5));
      state = harness.snapshot(1, 1);
    }
    try (var harness = harness()) {
      harness.initializeState(state);
      harness.open();
      // Too few rows decide nothing: neither does this window count.
      send(harness, report(5, "a", 5, 0, 0.0, 0.5));
      send(harness, report(6, "a", 1_000, 0, 0.0, 0.5));
      harness.processWatermark(7 * HOUR);
      assertThat(alerts(harness)).isEmpty();

      send(harness, report(7, "a", 1_000, 0, 0.0, 0.5));
      harness.processWatermark(8 * HOUR);

      assertThat(alerts(harness))
          .extracting(DriftAlert::getState, DriftAlert::getAlertId, DriftAlert::getWindowEnd)
          .containsExactly(
              tuple(
                  AlertState.RESOLVED,
                  "fraud/card-fraud/1/a/1970-01-01T01:00:00Z",
                  Instant.ofEpochMilli(8 * HOUR)));
      assertThat(alerts(harness).get(0).getMessage())
          .isEqualTo(
              "a of card-fraud@1 drifted in none of the last 3 windows: adjusted PSI 0.0000 (threshold 0.2), KS 0.0000 (threshold 0.1), q 0.500 (level 0.05)");
    }
  }
}
