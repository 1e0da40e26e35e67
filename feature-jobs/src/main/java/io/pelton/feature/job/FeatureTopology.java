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
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamUtils;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.jspecify.annotations.Nullable;

/**
 * Events to features.
 *
 * <pre>
 * incoming ──► admit ──► deduplicate ──► (key by entity ──► windowed features) for each entity ──► finish ──► features
 *                ├──► late     │              ▲                                               │
 *                ├──► dead letters ◄──────────┼───────── features out of bounds ──────────────┘
 *                └──► outcomes joined with their events ({@link OutcomeRows}), where features aggregate them
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
   * @throws IllegalArgumentException when features of the pipeline aggregate outcomes
   */
  public static FeatureOutputs build(DataStream<Incoming> incoming, PipelineDefinition pipeline) {
    return build(incoming, null, pipeline);
  }

  /**
   * @param incoming records as {@link EventSources} read them
   * @param outcomes records as {@link EventSources} read them; null when no feature aggregates them
   * @throws IllegalArgumentException when there are features of outcomes but no outcomes, or the
   *     other way round
   */
  public static FeatureOutputs build(
      DataStream<Incoming> incoming,
      @Nullable DataStream<Incoming> outcomes,
      PipelineDefinition pipeline) {
    if (pipeline.featuresOfOutcomes().isEmpty() != (outcomes == null)) {
      throw new IllegalArgumentException(
          "outcomes are %s, but the features that aggregate outcomes are %s"
              .formatted(outcomes == null ? "missing" : "given", pipeline.featuresOfOutcomes()));
    }
    FeaturePlan plan = new FeaturePlan(pipeline);
    EntityFeaturesOperator.Order order = order(incoming, pipeline);
    long retain = order == EntityFeaturesOperator.Order.ARRIVAL ? pipeline.allowedLateness() : 0;

    Admitted admitted =
        pipeline.events().duplicatesWithin() == null
            ? admit(incoming, pipeline)
            : admitOnce(incoming, pipeline, order, plan);

    OutcomeRows joined =
        outcomes == null
            ? null
            : OutcomeRows.join(admitted.rows, outcomes, pipeline, order, retain);
    DataStream<FeatureRow> withWindows = admitted.rows;
    int keyedBy = -1;
    for (EntityPlan entity : plan.entities()) {
      int key = entity.key();
      KeySelector<FeatureRow, String> selector = row -> row.keys[key];
      // Tiles of another width of the same entity: the rows are where they have to be.
      boolean inPlace = key == keyedBy && (joined == null || !entity.ofOutcomes());
      DataStream<FeatureRow> rows =
          joined != null && entity.ofOutcomes() ? withWindows.union(joined.rows()) : withWindows;
      KeyedStream<FeatureRow, String> keyed =
          inPlace
              ? DataStreamUtils.reinterpretAsKeyedStream(rows, selector, Types.STRING)
              : rows.keyBy(selector, Types.STRING);
      keyedBy = key;
      String tiles = entity.tile() == 0 ? "" : "-tiles-of-" + entity.tile() + "ms";
      withWindows =
          keyed
              .transform(
                  "features of " + entity.entity() + tiles.replace('-', ' '),
                  new FeatureRowTypeInfo(),
                  new EntityFeaturesOperator(entity, order, retain, plan.rowNames()))
              .uid(ENTITY + entity.entity() + tiles);
    }

    SingleOutputStreamOperator<FeatureRow> features =
        withWindows
            .process(new FinishRows(pipeline), new FeatureRowTypeInfo())
            .uid(FINISH)
            .name("finish rows");

    DataStream<DeadLetter> deadLetters =
        admitted.deadLetters.union(features.getSideOutput(FinishRows.DEAD));
    return joined == null
        ? new FeatureOutputs(features, admitted.late, deadLetters, null)
        : new FeatureOutputs(
            features,
            admitted.late.union(joined.late()),
            deadLetters.union(joined.deadLetters()),
            joined.admitted());
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
