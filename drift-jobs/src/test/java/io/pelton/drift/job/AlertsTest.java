package io.pelton.drift.job;

import static io.pelton.drift.job.Predictions.HOUR;
import static io.pelton.drift.job.Reports.report;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.drift.Persistence;
import io.pelton.drift.Thresholds;
import io.pelton.job.SpecificRecordSerializer;
import io.pelton.pipeline.Drift;
import io.pelton.schemas.AlertSeverity;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftBin;
import io.pelton.schemas.DriftBinKind;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftSegment;
import io.pelton.schemas.SegmentKind;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

final class AlertsTest {
  private static final Drift DRIFT =
      Drift.tumbling(HOUR, 0, Thresholds.USUAL, 100, new Persistence(2, 3), 256);

  private static KeyedOneInputStreamOperatorTestHarness<AlertKey, DriftReport, DriftAlert> harness()
      throws Exception {
    var harness =
        new KeyedOneInputStreamOperatorTestHarness<AlertKey, DriftReport, DriftAlert>(
            new KeyedProcessOperator<>(new Alerts(DRIFT)),
            AlertKey::of,
            TypeInformation.of(AlertKey.class));
    harness.setup(new SpecificRecordSerializer<>(DriftAlert.class));
    return harness;
  }

  private static DriftReport decided(int window, long rows, double psi) {
    DriftReport report = report(window, "a", rows, psi, 0.0, 0.001);
    report.setQValue(0.001);
    report.setDrifted(psi >= 0.2);
    return report;
  }

  private static void send(
      KeyedOneInputStreamOperatorTestHarness<AlertKey, DriftReport, DriftAlert> harness,
      DriftReport report)
      throws Exception {
    harness.processElement(report, report.getWindowEnd().toEpochMilli() - 1);
  }

  @Test
  void anAlertOpensAtKOfNAndResolvesAtNoneOfNAcrossARestore() throws Exception {
    OperatorSubtaskState state;
    try (var harness = harness()) {
      harness.open();
      for (int window = 0; window < 4; window++) {
        // Drifts in windows 1 and 3.
        send(harness, decided(window, 1_000, window % 2 == 1 ? 0.3 : 0));
        harness.processWatermark((window + 1) * HOUR);
      }
      assertThat(harness.extractOutputValues())
          .extracting(DriftAlert::getState, DriftAlert::getAlertId, DriftAlert::getWindowEnd)
          .containsExactly(
              tuple(
                  AlertState.OPENED,
                  "fraud/card-fraud/1/champion/all/a/1h/1970-01-01T01:00:00Z",
                  Instant.ofEpochMilli(4 * HOUR)));
      // One that waits travels with the checkpoint.
      send(harness, decided(4, 1_000, 0));
      state = harness.snapshot(1, 1);
    }
    try (var harness = harness()) {
      harness.initializeState(state);
      harness.open();
      // Too few rows decide nothing: neither does this window count.
      send(harness, decided(5, 5, 0));
      send(harness, decided(6, 1_000, 0));
      harness.processWatermark(7 * HOUR);
      assertThat(harness.extractOutputValues()).isEmpty();

      send(harness, decided(7, 1_000, 0));
      harness.processWatermark(8 * HOUR);

      assertThat(harness.extractOutputValues())
          .extracting(DriftAlert::getState, DriftAlert::getAlertId, DriftAlert::getWindowEnd)
          .containsExactly(
              tuple(
                  AlertState.RESOLVED,
                  "fraud/card-fraud/1/champion/all/a/1h/1970-01-01T01:00:00Z",
                  Instant.ofEpochMilli(8 * HOUR)));
      assertThat(harness.extractOutputValues().get(0).getMessage())
          .isEqualTo(
              "a of card-fraud@1 drifted in none of the last 3 windows: adjusted PSI 0.0000 (threshold 0.2), KS 0.0000 (threshold 0.1), q 0.00100 (level 0.05)");
    }
  }

  @Test
  void tellsOnceThatADriftIsCritical() throws Exception {
    try (var harness = harness()) {
      harness.open();
      double[] psi = {0.3, 0.3, 0.45, 0.5, 0.3};
      for (int window = 0; window < psi.length; window++) {
        send(harness, decided(window, 1_000, psi[window]));
      }
      harness.processWatermark(10 * HOUR);

      assertThat(harness.extractOutputValues())
          .extracting(DriftAlert::getState, DriftAlert::getSeverity, DriftAlert::getSince)
          .containsExactly(
              tuple(AlertState.OPENED, AlertSeverity.WARNING, Instant.EPOCH),
              tuple(AlertState.UPDATED, AlertSeverity.CRITICAL, Instant.EPOCH));
    }
  }

  @Test
  void saysWhatChanged() throws Exception {
    try (var harness = harness()) {
      harness.open();
      for (int window = 0; window < 2; window++) {
        DriftReport report = decided(window, 1_000, 0.3);
        report.setSegment(new DriftSegment("country", SegmentKind.VALUE, "FR"));
        report.setVariant("canary");
        report.setMissingBaseline(10);
        report.setMissingCurrent(300);
        report.setNewValues(Map.of("XX", 7L));
        report.setBins(
            List.of(
                new DriftBin(DriftBinKind.RANGE, 1.5, null, 500L, 400L),
                new DriftBin(DriftBinKind.RANGE, 2.0, null, 400L, 300L),
                new DriftBin(DriftBinKind.RANGE, Double.POSITIVE_INFINITY, null, 90L, 0L),
                new DriftBin(DriftBinKind.MISSING, null, null, 10L, 300L)));
        send(harness, report);
      }
      harness.processWatermark(2 * HOUR);

      DriftAlert alert = harness.extractOutputValues().get(0);
      assertThat(alert.getMissingBaseline()).isEqualTo(0.01);
      assertThat(alert.getMissingCurrent()).isEqualTo(0.3);
      assertThat(alert.getNewValues()).isEqualTo(Map.of("XX", 7L));
      assertThat(alert.getContributions())
          .extracting(one -> one.getBin() + " " + one.getBaseline() + " " + one.getCurrent())
          .containsExactly("missing 0.01 0.3", "above 2 0.09 0.0", "(1.5, 2] 0.4 0.3");
      assertThat(alert.getMessage())
          .startsWith(
              "a of card-fraud@1 (canary) where country=FR drifted in 2 of the last 3 windows: ")
          .endsWith("; most of it: missing, 30.0 % of rows, 1.0 % of the reference's");
    }
  }

  @Test
  void takesWindowsInTheirOrderWhicheverComesFirst() throws Exception {
    try (var harness = harness()) {
      harness.open();
      send(harness, decided(2, 1_000, 0));
      send(harness, decided(1, 1_000, 0.3));
      send(harness, decided(0, 1_000, 0.3));
      harness.processWatermark(3 * HOUR);

      assertThat(harness.extractOutputValues())
          .extracting(DriftAlert::getWindowEnd)
          .containsExactly(Instant.ofEpochMilli(2 * HOUR));
    }
  }
}
