package io.pelton.drift.job;

import static io.pelton.drift.job.Predictions.HOUR;
import static io.pelton.drift.job.Predictions.V1;
import static io.pelton.drift.job.Predictions.V2;
import static io.pelton.drift.job.Predictions.V9;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.drift.FeatureProfile;
import io.pelton.drift.ValueCounts;
import io.pelton.job.JobMetric;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.schemas.LateEvent;
import java.io.FileNotFoundException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

final class LocalCountsTest {
  private static final long LATENESS = 60_000;
  private static final long CLOSING = HOUR - 1 + LATENESS;

  private static OneInputStreamOperatorTestHarness<ScoredRow, PartialCounts> harness(
      int parallelism, int subtask, BaselineProvider baselines) throws Exception {
    OneInputStreamOperatorTestHarness<ScoredRow, PartialCounts> harness =
        new OneInputStreamOperatorTestHarness<>(
            new LocalCounts(new Windows(HOUR, LATENESS), baselines, "fraud.predictions"),
            3,
            parallelism,
            subtask);
    harness.setup();
    return harness;
  }

  private static OneInputStreamOperatorTestHarness<ScoredRow, PartialCounts> opened()
      throws Exception {
    OneInputStreamOperatorTestHarness<ScoredRow, PartialCounts> harness =
        harness(1, 0, Predictions.BASELINES);
    harness.open();
    return harness;
  }

  private static void send(
      OneInputStreamOperatorTestHarness<ScoredRow, PartialCounts> harness,
      long time,
      ServedVersion served)
      throws Exception {
    harness.processElement(Predictions.row("e" + time, time, served, 0, time), time);
  }

  private static long accumulated(OneInputStreamOperatorTestHarness<?, ?> harness, String name) {
    return (Long)
        harness.getEnvironment().getAccumulatorRegistry().getUserMap().get(name).getLocalValue();
  }

  @Test
  void handsOnAWindowWhenTheWatermarkHasPassedItsAllowedLateness() throws Exception {
    try (var harness = opened()) {
      send(harness, 10, V1);
      send(harness, HOUR + 10, V1);
      harness.processWatermark(CLOSING - 1);
      assertThat(harness.extractOutputValues()).isEmpty();

      // Out of order but in time.
      send(harness, 20, V1);
      harness.processWatermark(CLOSING);

      List<PartialCounts> partials = harness.extractOutputValues();
      assertThat(partials)
          .extracting(PartialCounts::feature)
          .containsExactly("amount", "steady", "sparse", "output:score");
      assertThat(partials).allMatch(partial -> partial.windowStart() == 0 && partial.rows() == 2);
      assertThat(partials)
          .extracting(PartialCounts::first)
          .containsExactly(true, false, false, false);
      FeatureProfile amount = Predictions.BASELINES.load(V1).feature("amount");
      ValueCounts expected = new ValueCounts(amount);
      expected.add(Predictions.row("", 10, V1, 0, 10).features[0]);
      expected.add(Predictions.row("", 20, V1, 0, 20).features[0]);
      assertThat(partials.get(0).counts()).isEqualTo(expected.toSparse());
      // Partials leave before the watermark that closes their window.
      List<Object> output = new ArrayList<>(harness.getOutput());
      assertThat(output.get(output.size() - 1)).isEqualTo(new Watermark(CLOSING));
    }
  }

  @Test
  void keepsVersionsApartAndMergesVariants() throws Exception {
    try (var harness = opened()) {
      ServedVersion shadow =
          new ServedVersion("card-fraud", 1, "00", "shadow", V1.features(), V1.outputs());
      send(harness, 1, V1);
      send(harness, 2, V2);
      send(harness, 3, shadow);
      harness.endInput();

      Map<Integer, Long> rows = new TreeMap<>();
      harness.extractOutputValues().stream()
          .filter(PartialCounts::first)
          .forEach(partial -> rows.merge(partial.served().version(), partial.rows(), Long::sum));
      assertThat(rows).containsExactly(Map.entry(1, 2L), Map.entry(2, 1L));
    }
  }

  @Test
  void countsWhatAFallbackScoredForItsVersionAndDeclaredOutputsForNone() throws Exception {
    try (var harness = opened()) {
      send(harness, 1, V1);
      send(harness, 2, V2.as("canary"));
      send(harness, 3, V1.declared());
      harness.endInput();

      assertThat(harness.extractOutputValues())
          .filteredOn(PartialCounts::first)
          .extracting(partial -> partial.served().version() + ": " + partial.rows())
          .containsExactlyInAnyOrder("1: 1", "2: 1");
      assertThat(harness.getSideOutput(LocalCounts.DEAD_LETTERS)).isNull();
      assertThat(accumulated(harness, JobMetric.DRIFT_IN.id())).isEqualTo(3);
      assertThat(accumulated(harness, JobMetric.DRIFT_COUNTED.id())).isEqualTo(2);
      assertThat(accumulated(harness, JobMetric.DRIFT_DECLARED.id())).isEqualTo(1);
    }
  }

  @Test
  void emitsLateRowsAndRowsWithoutBaselineToTheirOwnOutputs() throws Exception {
    try (var harness = opened()) {
      send(harness, HOUR + 1, V1);
      harness.processWatermark(CLOSING);
      send(harness, HOUR - 1, V1);
      send(harness, HOUR + 2, V9);
      harness.endInput();

      assertThat(harness.getSideOutput(LocalCounts.LATE))
          .extracting(StreamRecord::getValue)
          .containsExactly(
              new LateEvent(
                  "e3599999",
                  Instant.ofEpochMilli(HOUR - 1),
                  Instant.ofEpochMilli(CLOSING),
                  "fraud.predictions",
                  -1,
                  -1L,
                  null,
                  null));
      assertThat(harness.getSideOutput(LocalCounts.DEAD_LETTERS))
          .extracting(
              record -> record.getValue().getModel(), record -> record.getValue().getReason())
          .containsExactly(tuple("card-fraud@9", "no-baseline"));
      assertThat(accumulated(harness, JobMetric.DRIFT_IN.id())).isEqualTo(3);
      assertThat(accumulated(harness, JobMetric.DRIFT_COUNTED.id())).isEqualTo(1);
      assertThat(accumulated(harness, JobMetric.DRIFT_LATE.id())).isEqualTo(1);
      assertThat(accumulated(harness, JobMetric.DRIFT_DEAD.id())).isEqualTo(1);
    }
  }

  @Test
  void asksForAMissingBaselineAgainInALaterWindow() throws Exception {
    AtomicInteger asked = ASKED;
    asked.set(0);
    BaselineProvider second =
        version -> {
          if (ASKED.incrementAndGet() == 1) {
            throw new FileNotFoundException("not there yet");
          }
          return Predictions.BASELINES.load(version);
        };
    try (var harness = harness(1, 0, second)) {
      harness.open();
      send(harness, 1, V1);
      send(harness, 2, V1);
      assertThat(asked).hasValue(1);
      send(harness, HOUR, V1);
      send(harness, HOUR + 1, V1);

      assertThat(asked).hasValue(2);
      assertThat(harness.getSideOutput(LocalCounts.DEAD_LETTERS)).hasSize(2);
      assertThat(accumulated(harness, JobMetric.DRIFT_COUNTED.id())).isEqualTo(2);
    }
  }

  /** Static, for the provider that counts in it is copied by serialization. */
  private static final AtomicInteger ASKED = new AtomicInteger();

  @Test
  void holdsNothingBackWhileItsInputIsIdle() throws Exception {
    try (var harness = opened()) {
      send(harness, 10, V1);
      harness.processWatermarkStatus(WatermarkStatus.IDLE);

      assertThat(harness.extractOutputValues()).hasSize(4);
      List<Object> output = new ArrayList<>(harness.getOutput());
      assertThat(output.get(output.size() - 1)).isEqualTo(WatermarkStatus.IDLE);
    }
  }

  @Test
  void boundsItsMemoryByHandingOnWindowsEarly() throws Exception {
    try (var harness = opened()) {
      for (int round = 0; round < 2; round++) {
        for (int window = 0; window <= LocalCounts.MOST_OPEN; window++) {
          send(harness, window * HOUR + round, V1);
        }
      }
      assertThat(harness.extractOutputValues()).isNotEmpty();
      harness.endInput();

      Map<Long, Long> rows = new TreeMap<>();
      harness.extractOutputValues().stream()
          .filter(PartialCounts::first)
          .forEach(partial -> rows.merge(partial.windowStart(), partial.rows(), Long::sum));
      assertThat(rows).hasSize(LocalCounts.MOST_OPEN + 1);
      assertThat(rows.values()).containsOnly(2L);
      assertThat(accumulated(harness, JobMetric.DRIFT_COUNTED.id()))
          .isEqualTo(2L * (LocalCounts.MOST_OPEN + 1));
    }
  }

  @Test
  void goesOnAfterARestoreAtAnotherParallelism() throws Exception {
    OperatorSubtaskState state;
    try (var first = harness(2, 0, Predictions.BASELINES);
        var second = harness(2, 1, Predictions.BASELINES)) {
      first.open();
      second.open();
      send(first, 10, V1);
      send(first, HOUR + 10, V1);
      send(second, HOUR + 20, V1);
      send(second, HOUR + 30, V9);
      first.processWatermark(CLOSING);
      second.processWatermark(CLOSING + 5);
      send(first, 30, V1);
      state =
          AbstractStreamOperatorTestHarness.repackageState(
              first.snapshot(1, 1), second.snapshot(1, 1));
    }

    try (var restored = harness(1, 0, Predictions.BASELINES)) {
      restored.initializeState(
          AbstractStreamOperatorTestHarness.repartitionOperatorState(state, 3, 2, 1, 0));
      restored.open();
      // Closed before the restore, and still closed after it.
      send(restored, 40, V1);
      send(restored, HOUR + 40, V1);
      restored.processWatermark(CLOSING + HOUR);

      assertThat(
              restored.extractOutputValues().stream()
                  .filter(PartialCounts::first)
                  .mapToLong(PartialCounts::rows)
                  .sum())
          .isEqualTo(3);
      assertThat(restored.extractOutputValues()).allMatch(partial -> partial.windowStart() == HOUR);
      assertThat(accumulated(restored, JobMetric.DRIFT_IN.id())).isEqualTo(7);
      assertThat(accumulated(restored, JobMetric.DRIFT_COUNTED.id())).isEqualTo(4);
      assertThat(accumulated(restored, JobMetric.DRIFT_LATE.id())).isEqualTo(2);
      assertThat(accumulated(restored, JobMetric.DRIFT_DEAD.id())).isEqualTo(1);
      restored.endInput();
      assertThat(restored.extractOutputValues()).hasSize(3 * 4);
    }
  }
}
