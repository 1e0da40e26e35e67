package io.pelton.drift.job;

import static io.pelton.drift.job.Predictions.HOUR;
import static io.pelton.drift.job.Predictions.V1;
import static io.pelton.drift.job.Predictions.V2;
import static io.pelton.drift.job.Predictions.V9;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.drift.BaselineProfile;
import io.pelton.drift.CategoryProfile;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.NewValues;
import io.pelton.drift.SparseCounts;
import io.pelton.drift.ValueCounts;
import io.pelton.job.JobMetric;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.Drift;
import io.pelton.schemas.LateEvent;
import java.io.FileNotFoundException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
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
    return harness(parallelism, subtask, baselines, null);
  }

  private static OneInputStreamOperatorTestHarness<ScoredRow, PartialCounts> harness(
      int parallelism, int subtask, BaselineProvider baselines, Drift.Segments segments)
      throws Exception {
    OneInputStreamOperatorTestHarness<ScoredRow, PartialCounts> harness =
        new OneInputStreamOperatorTestHarness<>(
            new LocalCounts(
                Windows.of(Predictions.DRIFT),
                baselines,
                "fraud.predictions",
                segments,
                new PaneCounts.Counting(segments == null ? null : 0, null),
                List.of("country")),
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
  void handsOnAPaneWhenItEndsAndAgainWhatCameAfterThat() throws Exception {
    try (var harness = opened()) {
      send(harness, 10, V1);
      send(harness, HOUR + 10, V1);
      harness.processWatermark(HOUR - 2);
      assertThat(harness.extractOutputValues()).isEmpty();

      // Out of order but in time.
      send(harness, 20, V1);
      harness.processWatermark(HOUR - 1);

      List<PartialCounts> partials = harness.extractOutputValues();
      assertThat(partials)
          .extracting(PartialCounts::feature)
          .containsExactly("amount", "steady", "sparse", "output:score");
      assertThat(partials).allMatch(partial -> partial.paneStart() == 0 && partial.rows() == 2);
      assertThat(partials)
          .extracting(PartialCounts::first)
          .containsExactly(true, false, false, false);
      FeatureProfile amount = Predictions.BASELINES.load(V1).feature("amount");
      ValueCounts expected = new ValueCounts(amount);
      expected.add(Predictions.row("", 10, V1, 0, 10).features[0]);
      expected.add(Predictions.row("", 20, V1, 0, 20).features[0]);
      assertThat(partials.get(0).counts()).isEqualTo(expected.toSparse());
      // Partials leave before the watermark that ends their pane.
      List<Object> output = new ArrayList<>(harness.getOutput());
      assertThat(output.get(output.size() - 1)).isEqualTo(new Watermark(HOUR - 1));

      send(harness, 30, V1);
      harness.processWatermark(CLOSING - 1);
      assertThat(harness.extractOutputValues()).hasSize(4);
      harness.processWatermark(CLOSING);
      assertThat(harness.extractOutputValues()).hasSize(8);
      assertThat(harness.extractOutputValues().get(4).rows()).isEqualTo(1);
      assertThat(harness.extractOutputStreamRecords().get(4).getTimestamp()).isEqualTo(CLOSING);
      assertThat(accumulated(harness, JobMetric.DRIFT_LATE.id())).isZero();
    }
  }

  @Test
  void keepsVersionsAndVariantsApart() throws Exception {
    try (var harness = opened()) {
      send(harness, 1, V1);
      send(harness, 2, V2);
      send(harness, 3, V1.as("canary"));
      send(harness, 4, V1);
      harness.endInput();

      Map<String, Long> rows = new TreeMap<>();
      harness.extractOutputValues().stream()
          .filter(PartialCounts::first)
          .forEach(
              partial ->
                  rows.merge(
                      partial.served().variant() + partial.served().version(),
                      partial.rows(),
                      Long::sum));
      assertThat(rows).isEqualTo(Map.of("champion1", 2L, "champion2", 1L, "canary1", 1L));
    }
  }

  @Test
  void countsSegmentsBesideAllRows() throws Exception {
    BaselineProvider bySegment =
        version -> {
          Random random = new Random(1);
          double[][] features = new double[300][];
          double[][] outputs = new double[300][];
          List<String> countries = new ArrayList<>();
          for (int i = 0; i < 300; i++) {
            features[i] = new double[] {random.nextGaussian(), i % 7, i};
            outputs[i] = new double[] {random.nextDouble()};
            countries.add(i % 10 == 0 ? null : i % 10 == 1 ? "IT" : i % 2 == 0 ? "FR" : "DE");
          }
          return BaselineProfile.of(version.features(), features, version.outputs(), outputs, 64)
              .withSegments("country", countries, features, outputs, 2, 32);
        };
    // Beyond the cap: neither measured nor taken for one of the others, whose baseline lacks it.
    assertThat(rowsBySegment(bySegment, 1))
        .isEqualTo(Map.of("", 6L, "=DE", 1L, "missing", 1L, "other", 2L));
    try (var harness = harness(1, 0, bySegment, new Drift.Segments("country", List.of(), 20))) {
      harness.open();
      sendFromCountries(harness);
      harness.endInput();

      assertThat(harness.extractOutputValues())
          .filteredOn(partial -> partial.feature().equals("amount"))
          .extracting(PartialCounts::segment, PartialCounts::rows, PartialCounts::first)
          .containsExactly(
              tuple("", 6L, true),
              tuple("=DE", 1L, false),
              tuple("=FR", 2L, false),
              tuple("missing", 1L, false),
              tuple("other", 2L, false));
    }
  }

  private static Map<String, Long> rowsBySegment(BaselineProvider baselines, int cap)
      throws Exception {
    try (var harness = harness(1, 0, baselines, new Drift.Segments("country", List.of(), cap))) {
      harness.open();
      sendFromCountries(harness);
      harness.endInput();
      Map<String, Long> rows = new TreeMap<>();
      harness.extractOutputValues().stream()
          .filter(partial -> partial.feature().equals("amount"))
          .forEach(partial -> rows.put(partial.segment(), partial.rows()));
      return rows;
    }
  }

  private static void sendFromCountries(
      OneInputStreamOperatorTestHarness<ScoredRow, PartialCounts> harness) throws Exception {
    String[] countries = {"FR", "DE", "IT", "XX", null, "FR"};
    for (int i = 0; i < countries.length; i++) {
      ScoredRow row = Predictions.row("e" + i, i, V1, 0, i);
      harness.processElement(
          new ScoredRow(
              row.id,
              row.time,
              row.keys,
              new Object[] {countries[i]},
              V1,
              row.features,
              0,
              row.outputs),
          i);
    }
  }

  @Test
  void countsCarriedFieldsThatTheBaselineKnows() throws Exception {
    BaselineProvider withField =
        version ->
            Predictions.BASELINES
                .load(version)
                .withFields(
                    List.of(),
                    List.of(
                        CategoryProfile.of("country", List.of("FR", "FR", "DE"), 100),
                        CategoryProfile.of("not carried", List.of("x"), 100)));
    try (var harness = harness(1, 0, withField)) {
      harness.open();
      send(harness, 2, V1); // from FR
      send(harness, 4, V1);
      send(harness, 5, V1); // from nowhere
      send(harness, 7, V1); // from DE
      harness.endInput();

      assertThat(harness.extractOutputValues())
          .extracting(PartialCounts::feature)
          .containsExactly("amount", "steady", "sparse", "output:score", "field:country");
      PartialCounts country = harness.extractOutputValues().get(4);
      assertThat(country.counts())
          .isEqualTo(new SparseCounts(5, new int[] {0, 1, 4}, new long[] {2, 1, 1}));
      assertThat(country.newValues()).isEqualTo(NewValues.NONE);
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
          .forEach(partial -> rows.merge(partial.paneStart(), partial.rows(), Long::sum));
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
      assertThat(restored.extractOutputValues()).allMatch(partial -> partial.paneStart() == HOUR);
      assertThat(accumulated(restored, JobMetric.DRIFT_IN.id())).isEqualTo(7);
      assertThat(accumulated(restored, JobMetric.DRIFT_COUNTED.id())).isEqualTo(4);
      assertThat(accumulated(restored, JobMetric.DRIFT_LATE.id())).isEqualTo(2);
      assertThat(accumulated(restored, JobMetric.DRIFT_DEAD.id())).isEqualTo(1);
      restored.endInput();
      assertThat(restored.extractOutputValues()).hasSize(3 * 4);
    }
  }
}
