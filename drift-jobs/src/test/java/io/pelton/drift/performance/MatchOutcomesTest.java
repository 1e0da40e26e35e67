package io.pelton.drift.performance;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.drift.Segment;
import io.pelton.job.JobMetric;
import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.performance.ScoreCounts;
import io.pelton.performance.ScoreTally;
import io.pelton.schemas.Outcome;
import io.pelton.schemas.PerformanceReport;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.operators.co.KeyedCoProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

final class MatchOutcomesTest {
  /** Windows of a hundred, with a lateness of ten; outcomes count up to 250 after their event. */
  private static final Windows WINDOWS = new Windows(100, 10, 250);

  private static KeyedTwoInputStreamOperatorTestHarness<
          String, Tuple2<String, Scored>, Outcome, Finding>
      matching() throws Exception {
    KeyedTwoInputStreamOperatorTestHarness<String, Tuple2<String, Scored>, Outcome, Finding>
        harness =
            new KeyedTwoInputStreamOperatorTestHarness<>(
                new KeyedCoProcessOperator<>(new MatchOutcomes(WINDOWS)),
                identified -> identified.f0,
                Outcome::getEventId,
                Types.STRING);
    harness.setup(
        TypeInformation.of(Finding.class)
            .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
    harness.open();
    return harness;
  }

  private static Tuple2<String, Scored> scored(String id, long time, int version, long score) {
    return Tuple2.of(id, new Scored(time, "fraud", version, "champion", Segment.ALL, score, false));
  }

  private static Outcome outcome(String id, long time, double label) {
    return new Outcome(id, Instant.ofEpochMilli(time), label);
  }

  private static long count(
      KeyedTwoInputStreamOperatorTestHarness<?, ?, ?, ?> harness, JobMetric metric) {
    return (Long)
        harness
            .getEnvironment()
            .getAccumulatorRegistry()
            .getUserMap()
            .get(metric.id())
            .getLocalValue();
  }

  /** What is counted in the end, by version and time. */
  private static TreeMap<String, ScoreCounts> counted(List<Finding> findings) {
    TreeMap<String, ScoreTally> tallies = new TreeMap<>();
    for (Finding finding : findings) {
      ScoreTally tally =
          tallies.computeIfAbsent(
              "version %d at %d".formatted(finding.scored().version(), finding.at()),
              key -> new ScoreTally());
      if (finding.label() == null) {
        tally.predicted(finding.scored().score(), finding.scored().missing(), finding.times());
      } else {
        tally.happened(finding.scored().score(), finding.label(), finding.times());
      }
    }
    TreeMap<String, ScoreCounts> counts = new TreeMap<>();
    tallies.forEach((key, tally) -> counts.put(key, tally.counts()));
    counts.values().removeIf(ScoreCounts::isEmpty);
    return counts;
  }

  @Test
  void countsTheSameInWhateverOrderRecordsCome() throws Exception {
    List<Object> records =
        new ArrayList<>(
            List.of(
                scored("a", 50, 1, 700_000),
                // Scored again by another version: the first by time and version counts.
                scored("a", 50, 2, 600_000),
                outcome("a", 90, 1),
                outcome("a", 80, 0),
                outcome("a", 80, 1),
                outcome("a", 400, 1),
                outcome("b", 20, 1),
                scored("b", 60, 1, 100_000),
                outcome("c", 20, 1)));
    TreeMap<String, ScoreCounts> expected = null;
    for (int order = 0; order < 40; order++) {
      Collections.shuffle(records, new Random(order));
      try (var harness = matching()) {
        for (Object record : records) {
          if (record instanceof Outcome outcome) {
            harness.processElement2(outcome, outcome.getReportedAt().toEpochMilli());
          } else {
            @SuppressWarnings("unchecked")
            Tuple2<String, Scored> scored = (Tuple2<String, Scored>) record;
            harness.processElement1(scored, scored.f1.time());
          }
        }
        harness.processBothWatermarks(Watermark.MAX_WATERMARK);
        TreeMap<String, ScoreCounts> counted = counted(harness.extractOutputValues());
        if (expected == null) {
          expected = counted;
        }
        assertThat(counted).isEqualTo(expected);
        assertThat(count(harness, JobMetric.PERFORMANCE_COUNTED)).isEqualTo(2);
        assertThat(count(harness, JobMetric.PERFORMANCE_REPEATED)).isOne();
        assertThat(count(harness, JobMetric.PERFORMANCE_OUTCOMES_IN)).isEqualTo(6);
        assertThat(count(harness, JobMetric.PERFORMANCE_OUTCOMES_JOINED)).isEqualTo(2);
        assertThat(count(harness, JobMetric.PERFORMANCE_OUTCOMES_REPEATED)).isEqualTo(2);
        assertThat(count(harness, JobMetric.PERFORMANCE_OUTCOMES_UNMATCHED)).isEqualTo(2);
        assertThat(harness.numKeyedStateEntries()).isZero();
        assertThat(harness.numEventTimeTimers()).isZero();
      }
    }
    // Of version 1: both at their times, what became of a at 80 (label 0), of b when it happens.
    assertThat(expected.keySet())
        .containsExactly("version 1 at 50", "version 1 at 60", "version 1 at 80");
    assertThat(expected.get("version 1 at 80").negatives()).containsExactly(1);
    assertThat(expected.get("version 1 at 60").positives()).containsExactly(1);
  }

  @Test
  void whatComesWhenItsTimeIsOverIsCountedAsSuch() throws Exception {
    try (var harness = matching()) {
      harness.processBothWatermarks(new Watermark(310));
      harness.processElement1(scored("a", 50, 1, 700_000), 50);
      harness.processElement2(outcome("b", 50, 1), 50);
      harness.processElement1(scored("c", 51, 1, 700_000), 51);
      harness.processElement2(outcome("c", 60, 1), 60);

      assertThat(harness.extractOutputValues()).hasSize(2);
      assertThat(count(harness, JobMetric.PERFORMANCE_LATE)).isOne();
      assertThat(count(harness, JobMetric.PERFORMANCE_OUTCOMES_UNMATCHED)).isOne();
      assertThat(count(harness, JobMetric.PERFORMANCE_OUTCOMES_JOINED)).isOne();
      harness.processBothWatermarks(new Watermark(311));
      assertThat(harness.numKeyedStateEntries()).isZero();
    }
  }

  @Test
  void aWaitingPredictionTakesFewBytes() throws Exception {
    DataOutputSerializer bytes = new DataOutputSerializer(64);
    TypeInformation.of(Scored.class)
        .createSerializer(new SerializerConfigImpl())
        .serialize(new Scored(50, "card-fraud", 1, "champion", Segment.ALL, 700_000, false), bytes);

    assertThat(bytes.length()).isLessThanOrEqualTo(50);
  }

  private static KeyedOneInputStreamOperatorTestHarness<
          VariantKey, PartialFindings, PerformanceReport>
      merging(OperatorSubtaskState state) throws Exception {
    KeyedOneInputStreamOperatorTestHarness<VariantKey, PartialFindings, PerformanceReport> harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new KeyedProcessOperator<>(
                new MergeFindings(
                    WINDOWS,
                    new Segments(null, -1),
                    (model, version) -> VersionEvaluation.NONE,
                    "p")),
            PartialFindings::key,
            TypeInformation.of(VariantKey.class));
    harness.setup(
        new SpecificRecordTypeInfo<>(PerformanceReport.class)
            .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
    if (state != null) {
      harness.initializeState(state);
    }
    harness.open();
    return harness;
  }

  private static PartialFindings predictions(long start, long step, int rows) {
    ScoreTally tally = new ScoreTally();
    for (int i = 0; i < rows; i++) {
      tally.predicted(i, false, 1);
    }
    return new PartialFindings(
        new VariantKey("fraud", 1, "champion", Segment.ALL),
        new WindowStep(start, step),
        tally.counts().toBytes());
  }

  @Test
  void whatComesLateGoesIntoTheNextRevisionUntilTheLast() throws Exception {
    OperatorSubtaskState state;
    try (var harness = merging(null)) {
      harness.processElement(predictions(0, 0, 5), 0);
      harness.processWatermark(109);
      // A step closes 10 after its end: at 109, 209, 309, 409; none comes after 3 steps.
      harness.processElement(predictions(0, 0, 2), 0);
      harness.processWatermark(208);
      assertThat(harness.extractOutputValues())
          .extracting(PerformanceReport::getPredictions)
          .containsExactly(5L);
      state = harness.snapshot(1, 1);
    }
    try (var harness = merging(state)) {
      harness.processWatermark(209);
      // The watermark begins anew, but what was closed stays closed.
      harness.processElement(predictions(0, 1, 1), 0);
      harness.processWatermark(308);
      harness.processWatermark(409);
      harness.processElement(predictions(0, 3, 9), 0);
      harness.processWatermark(Watermark.MAX_WATERMARK);

      List<PerformanceReport> reports = harness.extractOutputValues();
      assertThat(reports).extracting(PerformanceReport::getPredictions).containsExactly(7L, 8L, 8L);
      assertThat(reports).extracting(PerformanceReport::getRevision).containsExactly(1, 2, 3);
      assertThat(reports)
          .extracting(PerformanceReport::getComplete)
          .containsExactly(false, false, true);
      assertThat(harness.numEventTimeTimers()).isZero();
      assertThat(
              harness
                  .getEnvironment()
                  .getAccumulatorRegistry()
                  .getUserMap()
                  .get(JobMetric.PERFORMANCE_LATE.id())
                  .getLocalValue())
          .isEqualTo(9L);
    }
  }

  @Test
  void stepsCoverAllTimesOnce() {
    assertThat(WINDOWS.lastStep()).isEqualTo(3);
    for (long time = -300; time < 300; time++) {
      long start = WINDOWS.start(time);
      assertThat(WINDOWS.step(start, time)).isZero();
      for (long at = time; at <= time + 250; at++) {
        long step = WINDOWS.step(start, at);
        assertThat(step).isBetween(0L, 3L);
        assertThat(WINDOWS.closing(start, step)).isGreaterThanOrEqualTo(at);
        assertThat(step == 0 || WINDOWS.closing(start, step - 1) < at).isTrue();
      }
      assertThat(WINDOWS.startOfComplete(WINDOWS.closing(start, 3))).isEqualTo(start);
      assertThat(WINDOWS.closing(start, 3)).isGreaterThanOrEqualTo(WINDOWS.expiry(time));
    }
  }
}
