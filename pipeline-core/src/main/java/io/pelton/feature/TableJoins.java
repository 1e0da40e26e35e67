package io.pelton.feature;

import io.pelton.event.EventSchema;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Table;
import io.pelton.table.ReferenceTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Puts into an event's extended fields what its reference tables hold of their keys as of the
 * event's time; null where they hold nothing. Fields that no expression reads stay null.
 */
final class TableJoins {
  private final Join[] joins;

  /**
   * @param on position of the event's field with the key
   * @param columns fields of the table that expressions read
   * @param targets where among the extended fields they go
   */
  private record Join(
      Table declared, @Nullable ReferenceTable table, int on, int[] columns, int[] targets) {}

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
    List<Join> list = new ArrayList<>();
    for (Table table : pipeline.tables()) {
      List<String> fields =
          new EventSchema(table.schema()).fields().stream().map(EventSchema.Field::name).toList();
      int[] columns =
          fields.stream()
              .filter(field -> read.contains(table.column(field)))
              .mapToInt(fields::indexOf)
              .toArray();
      int[] targets =
          fields.stream()
              .map(table::column)
              .filter(read::contains)
              .mapToInt(extended::indexOf)
              .toArray();
      if (columns.length > 0) {
        list.add(
            new Join(
                table, tables.get(table.name()), extended.indexOf(table.on()), columns, targets));
      }
    }
    joins = list.toArray(Join[]::new);
  }

  /** The event's fields with the keys of tables that are read. */
  List<String> keys() {
    return List.of(joins).stream().map(join -> join.declared.on()).distinct().toList();
  }

  /**
   * @param fields the event's extended fields, filled in place
   * @param time the event's
   */
  void join(@Nullable Object[] fields, long time) {
    for (Join join : joins) {
      if (join.table == null) {
        throw new IllegalStateException(
            "table " + join.declared.name() + " was not loaded where events are read");
      }
      Object key = fields[join.on];
      int row = key == null ? ReferenceTable.NONE : join.table.find(key.toString(), time);
      if (row != ReferenceTable.NONE) {
        for (int i = 0; i < join.columns.length; i++) {
          fields[join.targets[i]] = join.table.value(row, join.columns[i]);
        }
      }
    }
  }
}
