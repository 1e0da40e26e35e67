package io.pelton.drift.job;

import static io.pelton.drift.job.Predictions.HOUR;
import static io.pelton.drift.job.Predictions.V1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.drift.CategoryCounts;
import io.pelton.drift.CategoryProfile;
import io.pelton.drift.Persistence;
import io.pelton.drift.Thresholds;
import io.pelton.drift.ValueCounts;
import io.pelton.job.JobMetric;
import io.pelton.job.SpecificRecordSerializer;
import io.pelton.pipeline.Drift;
import io.pelton.schemas.DriftBin;
import io.pelton.schemas.DriftBinKind;
import io.pelton.schemas.DriftReport;
import io.pelton.schemas.DriftType;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

final class MergeCountsTest {
  private static final long CLOSING = HOUR - 1 + 60_000;

  private static KeyedOneInputStreamOperatorTestHarness<FeatureKey, PartialCounts, DriftReport>
      harness() throws Exception {
    return harness(Predictions.DRIFT);
  }

  private static KeyedOneInputStreamOperatorTestHarness<FeatureKey, PartialCounts, DriftReport>
      harness(Drift drift) throws Exception {
    var harness =
        new KeyedOneInputStreamOperatorTestHarness<FeatureKey, PartialCounts, DriftReport>(
            new KeyedProcessOperator<>(
                new MergeCounts(
                    Windows.of(drift), Predictions.BASELINES, "fraud", drift, List.of())),
            FeatureKey::of,
            TypeInformation.of(FeatureKey.class));
    harness.setup(new SpecificRecordSerializer<>(DriftReport.class));
    return harness;
  }

  private static Drift drift(Long previous, Drift.Window... windows) {
    return new Drift(
        List.of(windows),
        60_000,
        Thresholds.USUAL,
        20,
        new Persistence(2, 3),
        0,
        previous,
        null,
        null,
        256);
  }

  private static PartialCounts partial(long start, int rows) throws IOException {
    return partial(start, rows, 0);
  }

  private static PartialCounts partial(long start, int rows, double shift) throws IOException {
    ValueCounts counts = new ValueCounts(Predictions.BASELINES.load(V1).feature("amount"));
    new Random(start + rows).doubles(rows).forEach(value -> counts.add(value + shift));
    return new PartialCounts(V1, "", "amount", true, start, rows, counts.toSparse(), null, null);
  }

  @Test
  void addsPartialsUpAndMeasuresThemWhenTheWindowEnds() throws Exception {
    try (var harness = harness()) {
      harness.open();
      harness.processElement(partial(0, 30), HOUR - 1);
      harness.processElement(partial(HOUR, 5), 2 * HOUR - 1);
      harness.processElement(partial(0, 20), HOUR - 1);
      harness.processWatermark(HOUR - 2);
      assertThat(harness.extractOutputValues()).isEmpty();
      harness.processWatermark(HOUR - 1);

      assertThat(harness.extractOutputValues())
          .extracting(DriftReport::getCurrentCount)
          .containsExactly(50L);
      assertThat(harness.extractOutputValues().get(0).getWatermark().toEpochMilli())
          .isEqualTo(HOUR - 1);
    }
  }

  @Test
  void measuresAWindowAgainWhenLateRowsCame() throws Exception {
    try (var harness = harness()) {
      harness.open();
      harness.processElement(partial(0, 30), HOUR - 1);
      harness.processWatermark(HOUR - 1);
      harness.processElement(partial(0, 3), CLOSING);
      harness.processElement(partial(0, 4), CLOSING);
      harness.processWatermark(CLOSING - 1);
      assertThat(harness.extractOutputValues()).hasSize(1);
      harness.processWatermark(CLOSING);

      assertThat(harness.extractOutputValues())
          .extracting(DriftReport::getCurrentCount)
          .containsExactly(30L, 37L);
      harness.processWatermark(10 * HOUR);
      assertThat(harness.extractOutputValues()).hasSize(2);
      assertThat(harness.numKeyedStateEntries()).isEqualTo(1); // where it was
    }
  }

  @Test
  void putsWindowsOfSeveralWidthsTogetherFromPanes() throws Exception {
    Drift drift = drift(null, new Drift.Window(HOUR, HOUR), new Drift.Window(3 * HOUR, HOUR));
    try (var harness = harness(drift)) {
      harness.open();
      int[] rows = {1, 10, 100, 1_000};
      for (int hour = 0; hour < rows.length; hour++) {
        harness.processElement(partial(hour * HOUR, rows[hour]), (hour + 1) * HOUR - 1);
      }
      harness.processWatermark(10 * HOUR);

      assertThat(harness.extractOutputValues())
          .extracting(
              report -> report.getWindowStart().toEpochMilli() / HOUR,
              report -> report.getWindowEnd().toEpochMilli() / HOUR,
              DriftReport::getCurrentCount)
          .containsExactly(
              tuple(-2L, 1L, 1L),
              tuple(0L, 1L, 1L),
              tuple(-1L, 2L, 11L),
              tuple(1L, 2L, 10L),
              tuple(0L, 3L, 111L),
              tuple(2L, 3L, 100L),
              tuple(1L, 4L, 1_110L),
              tuple(3L, 4L, 1_000L),
              tuple(2L, 5L, 1_100L),
              tuple(3L, 6L, 1_000L));
    }
  }

  @Test
  void comparesAWindowWithTheTimeBeforeIt() throws Exception {
    try (var harness = harness(drift(2 * HOUR, new Drift.Window(HOUR, HOUR)))) {
      harness.open();
      harness.processElement(partial(0, 15), HOUR - 1);
      harness.processElement(partial(HOUR, 30), 2 * HOUR - 1); // 15 rows before it: too few
      harness.processElement(partial(2 * HOUR, 500), 3 * HOUR - 1);
      harness.processElement(partial(3 * HOUR, 500, 5), 4 * HOUR - 1);
      harness.processWatermark(10 * HOUR);

      assertThat(harness.extractOutputValues())
          .extracting(
              report -> report.getWindowStart().toEpochMilli() / HOUR,
              DriftReport::getBaselineCount,
              DriftReport::getReference)
          .containsExactly(tuple(2L, 45L, "previous 2h"), tuple(3L, 530L, "previous 2h"));
      assertThat(harness.extractOutputValues().get(0).getKs()).isLessThan(0.3);
      assertThat(harness.extractOutputValues().get(1).getKs()).isEqualTo(1);
    }
  }

  @Test
  void measuresCategoriesAndTellsOfNewOnes() throws Exception {
    CategoryProfile country = CategoryProfile.of("country", Collections.nCopies(300, "FR"), 100);
    BaselineProvider provider =
        version -> Predictions.BASELINES.load(version).withFields(List.of(), List.of(country));
    Drift drift = Predictions.DRIFT;
    try (var harness =
        new KeyedOneInputStreamOperatorTestHarness<FeatureKey, PartialCounts, DriftReport>(
            new KeyedProcessOperator<>(
                new MergeCounts(Windows.of(drift), provider, "fraud", drift, List.of("country"))),
            FeatureKey::of,
            TypeInformation.of(FeatureKey.class))) {
      harness.setup(new SpecificRecordSerializer<>(DriftReport.class));
      harness.open();
      CategoryCounts counts = country.counter();
      Collections.nCopies(60, "FR").forEach(counts::add);
      Collections.nCopies(40, "XX").forEach(counts::add);
      harness.processElement(
          new PartialCounts(
              V1, "", "field:country", false, 0, 100, counts.toSparse(), null, counts.newValues()),
          HOUR - 1);
      harness.processWatermark(HOUR - 1);

      DriftReport report = harness.extractOutputValues().get(0);
      assertThat(report.getType()).isEqualTo(DriftType.CATEGORICAL);
      assertThat(report.getKs()).isNull();
      assertThat(report.getCramersV()).isGreaterThan(0.5);
      assertThat(report.getUnseen()).isEqualTo(40);
      assertThat(report.getNewValues()).isEqualTo(Map.of("XX", 40L));
      assertThat(report.getBins())
          .containsExactly(
              new DriftBin(DriftBinKind.VALUE, null, "FR", 300L, 60L),
              new DriftBin(DriftBinKind.UNSEEN, null, null, 0L, 40L));
    }
  }

  @Test
  void countsPartialsOfReportedWindowsAsLateEvenAfterARestore() throws Exception {
    OperatorSubtaskState state;
    try (var harness = harness()) {
      harness.open();
      harness.processElement(partial(0, 30), HOUR - 1);
      harness.processWatermark(CLOSING);
      harness.processElement(partial(0, 7), HOUR - 1);
      state = harness.snapshot(1, 1);
    }
    try (var harness = harness()) {
      harness.initializeState(state);
      harness.open();
      harness.processElement(partial(0, 4), HOUR - 1);
      harness.processWatermark(CLOSING + HOUR);

      assertThat(harness.extractOutputValues()).isEmpty();
      var accumulators = harness.getEnvironment().getAccumulatorRegistry().getUserMap();
      assertThat(accumulators.get(JobMetric.DRIFT_LATE.id()).getLocalValue()).isEqualTo(11L);
      assertThat(accumulators.get(JobMetric.DRIFT_COUNTED.id()).getLocalValue()).isEqualTo(-11L);
    }
  }
}
