package io.pelton.feature;

import io.pelton.event.EventSchema;
import io.pelton.pipeline.Table;
import io.pelton.table.ReferenceTable;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Where an event has a reference table's key, and where what the table holds of it goes. */
public final class TableJoin {
  private final Table table;
  private final List<String> names;
  private final int on;

  /** Fields of the table that expressions read. */
  private final int[] columns;

  /** Where among the extended fields they go. */
  private final int[] targets;

  /**
   * @param extended the event's fields, and after them those of tables
   * @param read names of the fields that expressions read
   */
  TableJoin(Table table, EventSchema extended, Set<String> read) {
    this.table = table;
    names = new EventSchema(table.schema()).fields().stream().map(EventSchema.Field::name).toList();
    on = extended.indexOf(table.on());
    columns =
        names.stream()
            .filter(field -> read.contains(table.column(field)))
            .mapToInt(names::indexOf)
            .toArray();
    targets =
        names.stream()
            .map(table::column)
            .filter(read::contains)
            .mapToInt(extended::indexOf)
            .toArray();
  }

  public Table table() {
    return table;
  }

  /** Names of the table's fields in its schema's order, which is that of its rows' values. */
  public List<String> names() {
    return names;
  }

  /** Whether an expression reads the table. */
  boolean isRead() {
    return columns.length > 0;
  }

  /** The key that an event has, as text; null for none. */
  public @Nullable String key(@Nullable Object[] fields) {
    Object key = fields[on];
    return key == null ? null : key.toString();
  }

  /** Puts a row's values among an event's extended fields. */
  public void fill(@Nullable Object[] fields, ReferenceTable rows, int row) {
    for (int i = 0; i < columns.length; i++) {
      fields[targets[i]] = rows.value(row, columns[i]);
    }
  }

  /**
   * The same.
   *
   * @param row values by the table's fields
   */
  public void fill(@Nullable Object[] fields, @Nullable Object[] row) {
    for (int i = 0; i < columns.length; i++) {
      fields[targets[i]] = row[columns[i]];
    }
  }
}
