package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.Incoming;
import io.pelton.job.JobMetric;
import io.pelton.job.OutcomeEvents;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;

/**
 * Outcomes made rows that enter the histories of their events' entities.
 *
 * <pre>
 * admitted events ──► keep what outcomes need ──► (key by event id) ──┐
 *                                                                     ├──► join ──► rows of outcomes
 * outcomes ──► admit outcomes ──────────────────► (key by event id) ──┘     ├──► late
 *                   └──► dead letters ◄─────────────────────────────────────┘
 * </pre>
 *
 * @param rows at the times from which the outcomes are known
 * @param admitted outcomes that could be read
 */
record OutcomeRows(
    DataStream<FeatureRow> rows,
    DataStream<FeatureRow> admitted,
    DataStream<LateEvent> late,
    DataStream<DeadLetter> deadLetters) {
  static final String KEEP = "feature-outcome-events";
  static final String ADMIT = "feature-outcome-admit";
  static final String JOIN = "feature-outcome-join";

  /**
   * @param lateness how late an outcome may come when rows are taken on arrival, milliseconds
   */
  static OutcomeRows join(
      DataStream<FeatureRow> events,
      DataStream<Incoming> outcomes,
      PipelineDefinition pipeline,
      EntityFeaturesOperator.Order order,
      long lateness) {
    SingleOutputStreamOperator<FeatureRow> admitted =
        outcomes
            .process(
                new AdmitRecords(
                    OutcomeEvents.of(pipeline).featureNames().get(0),
                    JobMetric.FEATURE_OUTCOMES_IN,
                    JobMetric.FEATURE_OUTCOMES_DEAD),
                new FeatureRowTypeInfo())
            .uid(ADMIT)
            .name("admit outcomes");
    SingleOutputStreamOperator<FeatureRow> rows =
        events
            .process(new KeepForOutcomes(pipeline), new FeatureRowTypeInfo())
            .uid(KEEP)
            .name("keep what outcomes need")
            .keyBy(row -> row.id, Types.STRING)
            .connect(admitted.keyBy(row -> row.id, Types.STRING))
            .process(new JoinOutcomes(pipeline, order, lateness), new FeatureRowTypeInfo())
            .uid(JOIN)
            .name("join outcomes with their events");
    return new OutcomeRows(
        rows,
        admitted,
        rows.getSideOutput(AdmitEvents.LATE),
        admitted.getSideOutput(AdmitEvents.DEAD).union(rows.getSideOutput(AdmitEvents.DEAD)));
  }
}
