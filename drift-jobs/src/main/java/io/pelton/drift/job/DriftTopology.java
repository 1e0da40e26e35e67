package io.pelton.drift.job;

import io.pelton.job.SpecificRecordTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.Drift;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Entity;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftReport;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;

/**
 * The drift job, from predictions to reports and alerts.
 *
 * <pre>
 * predictions ──► local counts ──► merged counts ──► decisions ──► reports
 *  event time      a subtask        a feature         a window  │
 *                  and pane         (measures)        (q-values)└──► alerts
 *                   │    │                                           a feature
 *                   │    └► dead letters: version without baseline
 *                   └► late: pane closed
 * </pre>
 *
 * <p>Windows are aligned to the epoch, and put together from panes that do not overlap. Counts are
 * integers and merge by addition, so that reports do not depend on parallelism, on order, or on
 * streaming or batch. What a fallback scored counts for the version that did; outputs that the
 * pipeline file declares for none.
 */
public final class DriftTopology {
  static final String LOCAL_COUNTS = "drift-local-counts";
  static final String MERGED_COUNTS = "drift-merged-counts";
  static final String DECISIONS = "drift-decisions";
  static final String ALERTS = "drift-alerts";

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
                new LocalCounts(
                    windows,
                    baselines,
                    pipeline.topic(Topic.PREDICTIONS),
                    drift.segments(),
                    counting(pipeline, drift),
                    pipeline.carry()))
            .uid(LOCAL_COUNTS);

    SingleOutputStreamOperator<DriftReport> mergedCounts =
        localCounts
            .keyBy(FeatureKey::of, TypeInformation.of(FeatureKey.class))
            .process(
                new MergeCounts(windows, baselines, pipeline.name(), drift, pipeline.carry()),
                new SpecificRecordTypeInfo<>(DriftReport.class))
            .name(MERGED_COUNTS)
            .uid(MERGED_COUNTS);

    SingleOutputStreamOperator<DriftReport> decisions =
        mergedCounts
            .keyBy(WindowKey::of, TypeInformation.of(WindowKey.class))
            .process(new Decide(drift), new SpecificRecordTypeInfo<>(DriftReport.class))
            .name(DECISIONS)
            .uid(DECISIONS);

    SingleOutputStreamOperator<DriftAlert> alerts =
        decisions
            .keyBy(AlertKey::of, TypeInformation.of(AlertKey.class))
            .process(new Alerts(drift), new SpecificRecordTypeInfo<>(DriftAlert.class))
            .name(ALERTS)
            .uid(ALERTS);

    return new DriftOutputs(
        decisions,
        alerts,
        localCounts.getSideOutput(LocalCounts.LATE),
        localCounts.getSideOutput(LocalCounts.DEAD_LETTERS));
  }

  private static PaneCounts.Counting counting(PipelineDefinition pipeline, Drift drift) {
    Integer segment = null;
    if (drift.segments() != null) {
      segment = pipeline.carry().indexOf(drift.segments().by());
      if (segment < 0) {
        throw new IllegalArgumentException(
            "pipeline %s: drift.segments.by is %s, which predictions do not carry; name it under carry, too"
                .formatted(pipeline.name(), drift.segments().by()));
      }
    }
    Integer key = null;
    if (drift.dependence() != null) {
      key = pipeline.entities().stream().map(Entity::name).toList().indexOf(drift.dependence());
      if (key < 0) {
        throw new IllegalArgumentException(
            "pipeline %s: drift.dependence is %s, which is no entity of it; name one, or none"
                .formatted(pipeline.name(), drift.dependence()));
      }
    }
    return new PaneCounts.Counting(segment, key);
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
