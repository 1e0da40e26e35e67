package io.pelton.feature.job;

import io.pelton.feature.EntityPlan;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;

/**
 * Events to features.
 *
 * <pre>
 * incoming ──► admit ──► deduplicate ──► (key by entity ──► windowed features) for each entity ──► finish ──► features
 *                ├──► late     │                                                              │
 *                └──► dead letters ◄──────────────────── features out of bounds ──────────────┘
 * </pre>
 *
 * <p>The same in streaming and batch: with a declared out-of-orderness, and in batch, rows of an
 * entity are taken by (time, id), else on arrival.
 */
public final class FeatureTopology {
  static final String ADMIT = "feature-admit";
  static final String DEDUPLICATE = "feature-deduplicate";
  static final String ENTITY = "feature-entity-";
  static final String FINISH = "feature-finish";

  private FeatureTopology() {}

  /**
   * @param incoming records as {@link EventSources} read them
   */
  public static FeatureOutputs build(DataStream<Incoming> incoming, PipelineDefinition pipeline) {
    FeaturePlan plan = new FeaturePlan(pipeline);
    EntityFeaturesOperator.Order order = order(incoming, pipeline);
    long retain = order == EntityFeaturesOperator.Order.ARRIVAL ? pipeline.allowedLateness() : 0;

    Admitted admitted =
        pipeline.events().duplicatesWithin() == null
            ? admit(incoming, pipeline)
            : admitOnce(incoming, pipeline, order, plan);

    DataStream<FeatureRow> withWindows = admitted.rows;
    for (EntityPlan entity : plan.entities()) {
      int key = entity.key();
      withWindows =
          withWindows
              .keyBy(row -> row.keys[key], Types.STRING)
              .transform(
                  "features of " + entity.entity(),
                  new FeatureRowTypeInfo(),
                  new EntityFeaturesOperator(entity, order, retain, plan.rowNames()))
              .uid(ENTITY + entity.entity());
    }

    SingleOutputStreamOperator<FeatureRow> features =
        withWindows
            .process(new FinishRows(pipeline), new FeatureRowTypeInfo())
            .uid(FINISH)
            .name("finish rows");

    DataStream<DeadLetter> deadLetters =
        admitted.deadLetters.union(features.getSideOutput(FinishRows.DEAD));
    return new FeatureOutputs(features, admitted.late, deadLetters);
  }

  private record Admitted(
      DataStream<FeatureRow> rows,
      DataStream<LateEvent> late,
      DataStream<DeadLetter> deadLetters) {}

  private static Admitted admit(DataStream<Incoming> incoming, PipelineDefinition pipeline) {
    SingleOutputStreamOperator<FeatureRow> rows =
        incoming
            .process(new AdmitEvents<>(pipeline, (event, row) -> row), new FeatureRowTypeInfo())
            .uid(ADMIT)
            .name("admit events");
    return new Admitted(
        rows, rows.getSideOutput(AdmitEvents.LATE), rows.getSideOutput(AdmitEvents.DEAD));
  }

  /** Events travel with their bytes, which a duplicate's dead letter carries. */
  private static Admitted admitOnce(
      DataStream<Incoming> incoming,
      PipelineDefinition pipeline,
      EntityFeaturesOperator.Order order,
      FeaturePlan plan) {
    SingleOutputStreamOperator<Incoming> events =
        incoming
            .process(new AdmitEvents<>(pipeline, (event, row) -> event), new IncomingTypeInfo())
            .uid(ADMIT)
            .name("admit events");
    SingleOutputStreamOperator<FeatureRow> rows =
        events
            .keyBy(event -> DeduplicateEvents.row(event).id, Types.STRING)
            .transform(
                "deduplicate events",
                new FeatureRowTypeInfo(),
                new DeduplicateEvents(pipeline, order, plan.rowNames()))
            .uid(DEDUPLICATE);
    return new Admitted(
        rows,
        events.getSideOutput(AdmitEvents.LATE),
        events.getSideOutput(AdmitEvents.DEAD).union(rows.getSideOutput(DeduplicateEvents.DEAD)));
  }

  private static EntityFeaturesOperator.Order order(
      DataStream<Incoming> incoming, PipelineDefinition pipeline) {
    RuntimeExecutionMode mode =
        incoming.getExecutionEnvironment().getConfiguration().get(ExecutionOptions.RUNTIME_MODE);
    if (mode == RuntimeExecutionMode.BATCH) {
      return EntityFeaturesOperator.Order.SORTED;
    }
    return pipeline.events().outOfOrderness() != null
        ? EntityFeaturesOperator.Order.WATERMARK
        : EntityFeaturesOperator.Order.ARRIVAL;
  }
}
