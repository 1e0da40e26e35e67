package io.pelton.drift.performance;

import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.Outcome;
import io.pelton.schemas.PerformanceReport;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;

/**
 * Performance, from predictions and outcomes to reports.
 *
 * <pre>
 * predictions ──► scores ──► (by event id) ──┐
 *                                            ├──► matched ──► local counts ──► merged counts ──► reports
 * outcomes ────────────────► (by event id) ──┘   findings      a subtask       a variant of
 *                                                                              a version
 * </pre>
 *
 * <p>Everything belongs to a step of a window by its own event time, and counts are integers, so
 * that reports and their revisions do not depend on parallelism, on order, or on streaming or
 * batch.
 */
public final class PerformanceTopology {
  static final String SCORES = "performance-scores";
  static final String MATCHED = "performance-matched";
  static final String LOCAL_COUNTS = "performance-local-counts";
  static final String MERGED_COUNTS = "performance-merged-counts";

  private PerformanceTopology() {}

  /**
   * Adds the stages to the predictions' job.
   *
   * @param predictions with event-time timestamps and watermarks
   * @param outcomes the same, their time being when they were reported
   * @throws IllegalArgumentException when the pipeline does not measure performance
   */
  public static DataStream<PerformanceReport> build(
      DataStream<ScoredRow> predictions,
      DataStream<Outcome> outcomes,
      PipelineDefinition pipeline,
      Evaluations evaluations) {
    if (!pipeline.measuresPerformance()) {
      throw new IllegalArgumentException(
          "pipeline %s does not measure performance; it needs sections drift and outcomes, the latter with a topic of its own"
              .formatted(pipeline.name()));
    }
    Windows windows = Windows.of(pipeline);
    Segments segments = Segments.of(pipeline);

    SingleOutputStreamOperator<Tuple2<String, Scored>> scores =
        predictions
            .process(
                new KeepScores(segments, evaluations),
                Types.TUPLE(Types.STRING, TypeInformation.of(Scored.class)))
            .name(SCORES)
            .uid(SCORES);

    SingleOutputStreamOperator<Finding> matched =
        scores
            .keyBy(identified -> identified.f0, Types.STRING)
            .connect(outcomes.keyBy(Outcome::getEventId, Types.STRING))
            .process(new MatchOutcomes(windows), TypeInformation.of(Finding.class))
            .name(MATCHED)
            .uid(MATCHED);

    SingleOutputStreamOperator<PartialFindings> localCounts =
        matched
            .transform(
                LOCAL_COUNTS, TypeInformation.of(PartialFindings.class), new LocalFindings(windows))
            .uid(LOCAL_COUNTS);

    return localCounts
        .keyBy(PartialFindings::key, TypeInformation.of(VariantKey.class))
        .process(
            new MergeFindings(windows, segments, evaluations, pipeline.name()),
            new SpecificRecordTypeInfo<>(PerformanceReport.class))
        .name(MERGED_COUNTS)
        .uid(MERGED_COUNTS);
  }
}
