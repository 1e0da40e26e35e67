package io.pelton.drift.job;

import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.Drift;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DriftReport;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;

/**
 * The drift job, from predictions to reports and alerts.
 *
 * <pre>
 * predictions ──► local counts ──► merged counts ──► decisions ──► reports
 *  event time      a subtask        a feature         a version │
 *                   │    │          (measures)        (q-values) └► alerts
 *                   │    └► dead letters: version without baseline
 *                   └► late: window closed
 * </pre>
 *
 * <p>Windows are tumbling and aligned to the epoch. Counts are integers and merge by addition, so
 * that reports do not depend on parallelism, on order, or on streaming or batch. What a fallback
 * scored counts for the version that did; outputs that the pipeline file declares for none.
 */
public final class DriftTopology {
  static final String LOCAL_COUNTS = "drift-local-counts";
  static final String MERGED_COUNTS = "drift-merged-counts";
  static final String DECISIONS = "drift-decisions";

  private DriftTopology() {}

  /**
   * Adds the stages to the predictions' job.
   *
   * @param predictions with event-time timestamps and watermarks
   * @throws IllegalArgumentException when the pipeline has no drift section, or one that cannot be
   */
  public static DriftOutputs build(
      DataStream<ScoredRow> predictions, PipelineDefinition pipeline, BaselineProvider baselines) {
    Drift drift = drift(pipeline);
    Windows windows = Windows.of(drift);

    SingleOutputStreamOperator<PartialCounts> localCounts =
        predictions
            .transform(
                LOCAL_COUNTS,
                TypeInformation.of(PartialCounts.class),
                new LocalCounts(windows, baselines, pipeline.topic(Topic.PREDICTIONS)))
            .uid(LOCAL_COUNTS);

    SingleOutputStreamOperator<DriftReport> mergedCounts =
        localCounts
            .keyBy(FeatureKey::of, TypeInformation.of(FeatureKey.class))
            .process(
                new MergeCounts(windows, baselines, pipeline.name()),
                new SpecificRecordTypeInfo<>(DriftReport.class))
            .name(MERGED_COUNTS)
            .uid(MERGED_COUNTS);

    SingleOutputStreamOperator<DriftReport> decisions =
        mergedCounts
            .keyBy(VersionKey::of, TypeInformation.of(VersionKey.class))
            .process(new Decide(drift), new SpecificRecordTypeInfo<>(DriftReport.class))
            .name(DECISIONS)
            .uid(DECISIONS);

    return new DriftOutputs(
        decisions,
        decisions.getSideOutput(Decide.ALERTS),
        localCounts.getSideOutput(LocalCounts.LATE),
        localCounts.getSideOutput(LocalCounts.DEAD_LETTERS));
  }

  private static Drift drift(PipelineDefinition pipeline) {
    Drift drift = pipeline.drift();
    if (drift == null) {
      throw new IllegalArgumentException(
          "pipeline %s has no drift section; add one, at least `drift: {window: 1h}`"
              .formatted(pipeline.name()));
    }
    int k = drift.persistence().k();
    int n = drift.persistence().n();
    if (k < 1 || k > n) {
      throw new IllegalArgumentException(
          "pipeline %s: drift.persistence is %d of %d windows; it must be 1 or more of at least as many"
              .formatted(pipeline.name(), k, n));
    }
    return drift;
  }
}
