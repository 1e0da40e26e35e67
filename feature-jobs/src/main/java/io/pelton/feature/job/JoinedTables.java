package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.feature.TableJoin;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;

/**
 * Events joined with tables whose rows come from topics, one table after the other.
 *
 * <pre>
 * admitted events ────────────────► (key by the event's field) ──┐
 *                                                                ├──► join ──► and so on for each table
 * table rows ──► admit table rows ─────────────► (key by key) ───┘
 *                       └──► dead letters
 * </pre>
 *
 * @param events with what the tables hold among their fields
 */
record JoinedTables(
    DataStream<Incoming> events, DataStream<LateEvent> late, DataStream<DeadLetter> deadLetters) {
  static final String ADMIT = "feature-table-admit-";
  static final String JOIN = "feature-table-join-";

  /**
   * @param tables their rows by name
   * @param joins how they are joined, one or more
   * @param onArrival whether events are taken as they come
   */
  static JoinedTables join(
      DataStream<Incoming> events,
      Map<String, DataStream<Incoming>> tables,
      PipelineDefinition pipeline,
      List<TableJoin> joins,
      boolean onArrival) {
    PipelineDefinition pinned = TableFiles.pinned(pipeline);
    DataStream<Incoming> joined = events;
    DataStream<LateEvent> late = null;
    DataStream<DeadLetter> dead = null;
    for (int table = 0; table < joins.size(); table++) {
      String name = joins.get(table).table().name();
      DataStream<Incoming> rows = Objects.requireNonNull(tables.get(name));
      SingleOutputStreamOperator<FeatureRow> admitted =
          rows.process(
                  new AdmitRecords(
                      null, JobMetric.FEATURE_TABLE_ROWS_IN, JobMetric.FEATURE_TABLE_ROWS_DEAD),
                  new FeatureRowTypeInfo())
              .uid(ADMIT + name)
              .name("admit rows of table " + name)
              .setParallelism(rows.getParallelism());
      DataStream<DeadLetter> refused = admitted.getSideOutput(AdmitEvents.DEAD);
      dead = dead == null ? refused : dead.union(refused);
      SingleOutputStreamOperator<Incoming> withTable =
          joined
              .keyBy(new JoinTable.EventKey(pinned, name), Types.STRING)
              .connect(admitted.keyBy(row -> row.id, Types.STRING))
              .transform(
                  "join table " + name,
                  new IncomingTypeInfo(),
                  new JoinTable(pinned, name, onArrival))
              .uid(JOIN + name);
      DataStream<LateEvent> behind = withTable.getSideOutput(AdmitEvents.LATE);
      late = late == null ? behind : late.union(behind);
      joined = withTable;
    }
    return new JoinedTables(joined, Objects.requireNonNull(late), Objects.requireNonNull(dead));
  }
}
