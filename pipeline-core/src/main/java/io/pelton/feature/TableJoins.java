package io.pelton.feature;

import io.pelton.event.EventSchema;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Table;
import io.pelton.table.ReferenceTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Puts into an event's extended fields what its reference tables hold of their keys as of the
 * event's time; null where they hold nothing. Fields that no expression reads stay null, and those
 * of tables whose rows come while the job runs: each of these has a stage of its own.
 */
final class TableJoins {
  private final TableJoin[] joins;
  private final @Nullable ReferenceTable[] loaded;
  private final List<TableJoin> streamed = new ArrayList<>();

  /**
   * @param extended the event's fields, and after them those of tables
   * @param read names of the fields that expressions read
   * @param tables by name; those that are not there must never be joined
   */
  TableJoins(
      PipelineDefinition pipeline,
      EventSchema extended,
      Set<String> read,
      Map<String, ReferenceTable> tables) {
    List<TableJoin> ofFiles = new ArrayList<>();
    for (Table table : pipeline.tables()) {
      TableJoin join = new TableJoin(table, extended, read);
      if (join.isRead()) {
        (table.streamed() ? streamed : ofFiles).add(join);
      }
    }
    joins = ofFiles.toArray(TableJoin[]::new);
    loaded = new @Nullable ReferenceTable[joins.length];
    for (int i = 0; i < joins.length; i++) {
      loaded[i] = tables.get(joins[i].table().name());
    }
  }

  /** Of tables that are read, those whose rows come while the job runs. */
  List<TableJoin> streamed() {
    return streamed;
  }

  /** The event's fields with the keys of tables that are read. */
  List<String> keys() {
    List<TableJoin> all = new ArrayList<>(List.of(joins));
    all.addAll(streamed);
    return all.stream().map(join -> join.table().on()).distinct().toList();
  }

  /**
   * @param fields the event's extended fields, filled in place
   * @param time the event's
   */
  void join(@Nullable Object[] fields, long time) {
    for (int i = 0; i < joins.length; i++) {
      ReferenceTable table = loaded[i];
      if (table == null) {
        throw new IllegalStateException(
            "table " + joins[i].table().name() + " was not loaded where events are read");
      }
      String key = joins[i].key(fields);
      int row = key == null ? ReferenceTable.NONE : table.find(key, time);
      if (row != ReferenceTable.NONE) {
        joins[i].fill(fields, table, row);
      }
    }
  }
}
