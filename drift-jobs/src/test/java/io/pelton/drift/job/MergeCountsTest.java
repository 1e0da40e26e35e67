package io.pelton.drift.job;

import static io.pelton.drift.job.Predictions.HOUR;
import static io.pelton.drift.job.Predictions.V1;
import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.drift.ValueCounts;
import io.pelton.job.JobMetric;
import io.pelton.job.SpecificRecordSerializer;
import io.pelton.schemas.DriftReport;
import java.io.IOException;
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
    var harness =
        new KeyedOneInputStreamOperatorTestHarness<FeatureKey, PartialCounts, DriftReport>(
            new KeyedProcessOperator<>(
                new MergeCounts(Windows.of(Predictions.DRIFT), Predictions.BASELINES, "fraud")),
            FeatureKey::of,
            TypeInformation.of(FeatureKey.class));
    harness.setup(new SpecificRecordSerializer<>(DriftReport.class));
    return harness;
  }

  private static PartialCounts partial(long start, int rows) throws IOException {
    ValueCounts counts = new ValueCounts(Predictions.BASELINES.load(V1).feature("amount"));
    new Random(start + rows).doubles(rows).forEach(counts::add);
    return new PartialCounts(V1, "amount", true, start, rows, counts.toSparse());
  }

  @Test
  void addsPartialsUpAndMeasuresThemOnceTheWindowCloses() throws Exception {
    try (var harness = harness()) {
      harness.open();
      harness.processElement(partial(0, 30), HOUR - 1);
      harness.processElement(partial(HOUR, 5), 2 * HOUR - 1);
      harness.processElement(partial(0, 20), HOUR - 1);
      harness.processWatermark(CLOSING - 1);
      assertThat(harness.extractOutputValues()).isEmpty();
      harness.processWatermark(CLOSING);

      assertThat(harness.extractOutputValues())
          .extracting(DriftReport::getCurrentCount)
          .containsExactly(50L);
      assertThat(harness.extractOutputValues().get(0).getWatermark().toEpochMilli())
          .isEqualTo(CLOSING);
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
