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
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
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
 *                ├──► late ◄───┴──────────────┤ ({@link LateRows})                            │
 *                ├──► dead letters ◄──────────┼───────── features out of bounds ──────────────┘
 *                └──► outcomes joined with their events ({@link OutcomeRows}), where features aggregate them
 * </pre>
 *
 * <p>Where tables are read whose rows come from topics, events are joined with them between admit
 * and deduplicate ({@link JoinedTables}), and completed after that. Without them there is no such
 * stage.
 *
 * <p>The same in streaming and batch: with a declared out-of-orderness, and in batch, rows of an
 * entity are taken by (time, id), else on arrival.
 */
public final class FeatureTopology {
  static final String ADMIT = "feature-admit";
  static final String COMPLETE = "feature-complete";
  static final String DEDUPLICATE = "feature-deduplicate";
  static final String ENTITY = "feature-entity-";
  static final String FINISH = "feature-finish";

  private FeatureTopology() {}

  /**
   * The same of a pipeline without tables of topics and features of outcomes, without history.
   *
   * @param incoming records as {@link EventSources} read them
   * @throws IllegalArgumentException when features of the pipeline aggregate outcomes
   */
  public static FeatureOutputs build(DataStream<Incoming> incoming, PipelineDefinition pipeline) {
    return build(incoming, null, Map.of(), pipeline, false);
  }

  /**
   * The same of a pipeline without tables of topics, without history.
   *
   * @param outcomes null when no feature aggregates them
   */
  public static FeatureOutputs build(
      DataStream<Incoming> incoming,
      @Nullable DataStream<Incoming> outcomes,
      PipelineDefinition pipeline) {
    return build(incoming, outcomes, Map.of(), pipeline, false);
  }

  /**
   * @param incoming records as {@link EventSources} read them
   * @param outcomes records as {@link EventSources} read them; null when no feature aggregates them
   * @param tables by name the rows of tables of topics, as {@link EventSources} read them, in a
   *     streaming job; in batch the rows of all tables come from files
   * @param history whether the sources of a streaming job read history before their topics: then
   *     what is taken on arrival waits until all of it is in
   * @throws IllegalArgumentException when there are features of outcomes but no outcomes, or the
   *     other way round; or the same of tables
   */
  public static FeatureOutputs build(
      DataStream<Incoming> incoming,
      @Nullable DataStream<Incoming> outcomes,
      Map<String, DataStream<Incoming>> tables,
      PipelineDefinition pipeline,
      boolean history) {
    if (pipeline.featuresOfOutcomes().isEmpty() != (outcomes == null)) {
      throw new IllegalArgumentException(
          "outcomes are %s, but the features that aggregate outcomes are %s"
              .formatted(outcomes == null ? "missing" : "given", pipeline.featuresOfOutcomes()));
    }
    FeaturePlan plan = new FeaturePlan(pipeline);
    EntityFeaturesOperator.Order order = order(incoming, pipeline, history);
    LateRows lateRows = LateRows.of(pipeline, order.onArrival());

    Set<String> streamed =
        plan.streamedTables().stream()
            .map(join -> join.table().name())
            .collect(Collectors.toCollection(LinkedHashSet::new));
    if (!streamed.equals(tables.keySet())) {
      throw new IllegalArgumentException(
          "tables of topics that features read are %s, but the rows of %s are given"
              .formatted(streamed, tables.keySet()));
    }

    Admitted admitted =
        !streamed.isEmpty()
            ? admitJoined(incoming, tables, pipeline, order, plan)
            : pipeline.events().duplicatesWithin() == null
                ? admit(incoming, pipeline)
                : admitOnce(incoming, pipeline, order, plan);

    OutcomeRows joined =
        outcomes == null
            ? null
            : OutcomeRows.join(admitted.rows, outcomes, pipeline, order, lateRows.allowed());
    DataStream<FeatureRow> withWindows = admitted.rows;
    DataStream<LateEvent> late = admitted.late;
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
      EntityOperator operator = new EntityOperator(entity.entity(), entity.tile());
      SingleOutputStreamOperator<FeatureRow> withEntity =
          keyed
              .transform(
                  operator.name(),
                  new FeatureRowTypeInfo(),
                  new EntityFeaturesOperator(entity, order, lateRows, plan.rowNames()))
              .uid(operator.uid());
      late = late.union(withEntity.getSideOutput(AdmitEvents.LATE));
      withWindows = withEntity;
    }

    SingleOutputStreamOperator<FeatureRow> features =
        withWindows
            .process(new FinishRows(pipeline), new FeatureRowTypeInfo())
            .uid(FINISH)
            .name("finish rows");

    DataStream<DeadLetter> deadLetters =
        admitted.deadLetters.union(features.getSideOutput(FinishRows.DEAD));
    return joined == null
        ? new FeatureOutputs(features, late, deadLetters, null)
        : new FeatureOutputs(
            features,
            late.union(joined.late()),
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
    SingleOutputStreamOperator<Incoming> events = admitWhole(incoming, pipeline);
    SingleOutputStreamOperator<FeatureRow> rows = deduplicate(events, pipeline, order, plan);
    return new Admitted(
        rows,
        events.getSideOutput(AdmitEvents.LATE).union(rows.getSideOutput(AdmitEvents.LATE)),
        events.getSideOutput(AdmitEvents.DEAD).union(rows.getSideOutput(DeduplicateEvents.DEAD)));
  }

  private static SingleOutputStreamOperator<Incoming> admitWhole(
      DataStream<Incoming> incoming, PipelineDefinition pipeline) {
    return incoming
        .process(new AdmitEvents<>(pipeline, (event, row) -> event), new IncomingTypeInfo())
        .uid(ADMIT)
        .name("admit events");
  }

  private static SingleOutputStreamOperator<FeatureRow> deduplicate(
      DataStream<Incoming> events,
      PipelineDefinition pipeline,
      EntityFeaturesOperator.Order order,
      FeaturePlan plan) {
    return events
        .keyBy(event -> DeduplicateEvents.row(event).id, Types.STRING)
        .transform(
            "deduplicate events",
            new FeatureRowTypeInfo(),
            new DeduplicateEvents(pipeline, order, plan.rowNames()))
        .uid(DEDUPLICATE);
  }

  /** Events are joined with tables of topics before rules and features that read these. */
  private static Admitted admitJoined(
      DataStream<Incoming> incoming,
      Map<String, DataStream<Incoming>> tables,
      PipelineDefinition pipeline,
      EntityFeaturesOperator.Order order,
      FeaturePlan plan) {
    if (order == EntityFeaturesOperator.Order.SORTED) {
      throw new IllegalArgumentException(
          "tables %s come from topics, but a batch run takes their rows from files: --table NAME=FILES"
              .formatted(tables.keySet()));
    }
    SingleOutputStreamOperator<Incoming> events = admitWhole(incoming, pipeline);
    DataStream<LateEvent> late = events.getSideOutput(AdmitEvents.LATE);
    DataStream<DeadLetter> dead = events.getSideOutput(AdmitEvents.DEAD);
    JoinedTables joined =
        JoinedTables.join(events, tables, pipeline, plan.streamedTables(), order.onArrival());
    late = late.union(joined.late());
    dead = dead.union(joined.deadLetters());
    if (pipeline.events().duplicatesWithin() == null) {
      SingleOutputStreamOperator<FeatureRow> rows =
          joined
              .events()
              .process(
                  new CompleteEvents<>(pipeline, (event, row) -> row), new FeatureRowTypeInfo())
              .uid(COMPLETE)
              .name("complete events");
      return new Admitted(rows, late, dead.union(rows.getSideOutput(CompleteEvents.DEAD)));
    }
    SingleOutputStreamOperator<Incoming> complete =
        joined
            .events()
            .process(
                new CompleteEvents<>(pipeline, (event, row) -> event.with(row)),
                new IncomingTypeInfo())
            .uid(COMPLETE)
            .name("complete events");
    SingleOutputStreamOperator<FeatureRow> rows = deduplicate(complete, pipeline, order, plan);
    return new Admitted(
        rows,
        late.union(rows.getSideOutput(AdmitEvents.LATE)),
        dead.union(
            complete.getSideOutput(CompleteEvents.DEAD),
            rows.getSideOutput(DeduplicateEvents.DEAD)));
  }

  private static EntityFeaturesOperator.Order order(
      DataStream<Incoming> incoming, PipelineDefinition pipeline, boolean history) {
    RuntimeExecutionMode mode =
        incoming.getExecutionEnvironment().getConfiguration().get(ExecutionOptions.RUNTIME_MODE);
    if (mode == RuntimeExecutionMode.BATCH) {
      return EntityFeaturesOperator.Order.SORTED;
    }
    if (pipeline.events().outOfOrderness() != null) {
      return EntityFeaturesOperator.Order.WATERMARK;
    }
    return history
        ? EntityFeaturesOperator.Order.ARRIVAL_AFTER_HISTORY
        : EntityFeaturesOperator.Order.ARRIVAL;
  }
}
