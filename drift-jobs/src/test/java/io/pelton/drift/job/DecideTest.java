package io.pelton.drift.job;

import static io.pelton.drift.job.Predictions.HOUR;
import static io.pelton.drift.job.Reports.report;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.drift.Persistence;
import io.pelton.drift.Thresholds;
import io.pelton.job.SpecificRecordSerializer;
import io.pelton.pipeline.Drift;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftSegment;
import io.pelton.schemas.SegmentKind;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

final class DecideTest {
  private static Drift drift(long allowedLateness) {
    return Drift.tumbling(HOUR, allowedLateness, Thresholds.USUAL, 100, new Persistence(2, 3), 256);
  }

  private static KeyedOneInputStreamOperatorTestHarness<WindowKey, DriftReport, DriftReport>
      harness() throws Exception {
    return harness(0);
  }

  private static KeyedOneInputStreamOperatorTestHarness<WindowKey, DriftReport, DriftReport>
      harness(long allowedLateness) throws Exception {
    var harness =
        new KeyedOneInputStreamOperatorTestHarness<WindowKey, DriftReport, DriftReport>(
            new KeyedProcessOperator<>(new Decide(drift(allowedLateness))),
            WindowKey::of,
            TypeInformation.of(WindowKey.class));
    harness.setup(new SpecificRecordSerializer<>(DriftReport.class));
    return harness;
  }

  private static void send(
      KeyedOneInputStreamOperatorTestHarness<WindowKey, DriftReport, DriftReport> harness,
      DriftReport report)
      throws Exception {
    harness.processElement(report, report.getWindowEnd().toEpochMilli() - 1);
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
  void adjustsOverVersionsAndSegmentsToo() throws Exception {
    try (var harness = harness()) {
      harness.open();
      DriftReport segment = report(0, "a", 1_000, 0.3, 0.3, 0.5);
      segment.setSegment(new DriftSegment("country", SegmentKind.VALUE, "FR"));
      DriftReport version = report(0, "a", 1_000, 0.3, 0.3, 0.5);
      version.setVersion(2);
      send(harness, version);
      send(harness, segment);
      send(harness, report(0, "a", 1_000, 0.3, 0.3, 0.02));
      harness.processWatermark(HOUR);

      assertThat(harness.extractOutputValues())
          .extracting(DriftReport::getVersion, DriftReport::getQValue)
          .containsExactly(tuple(1, 0.06), tuple(1, 0.5), tuple(2, 0.5));
    }
  }

  @Test
  void aReportThatChangesLeavesAgainWithThoseWhoseQValueItChanges() throws Exception {
    try (var harness = harness(60_000)) {
      harness.open();
      send(harness, report(0, "a", 1_000, 0.3, 0.3, 0.03));
      send(harness, report(0, "b", 1_000, 0.3, 0.3, 0.5));
      send(harness, report(0, "c", 1_000, 0.3, 0.3, 0.9));
      harness.processWatermark(HOUR - 1);
      assertThat(harness.extractOutputValues())
          .extracting(DriftReport::getQValue)
          .containsExactly(0.09, 0.75, 0.9);

      harness.processElement(report(0, "b", 1_001, 0.3, 0.3, 0.04), HOUR + 10);
      harness.processWatermark(HOUR + 10);

      assertThat(harness.extractOutputValues().subList(3, 5))
          .extracting(DriftReport::getFeature, DriftReport::getRevision, DriftReport::getQValue)
          .containsExactly(tuple("a", 1, 0.06), tuple("b", 1, 0.06));
      assertThat(harness.extractOutputValues()).hasSize(5);
      assertThat(harness.extractOutputValues().get(0).getRevision()).isZero();
      harness.processWatermark(HOUR + 60_000);
      assertThat(harness.extractOutputValues()).hasSize(5);
      assertThat(harness.numKeyedStateEntries()).isZero();
    }
  }
}
