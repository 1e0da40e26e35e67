package io.pelton.job;

import java.io.IOException;
import java.io.Serializable;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How rows become the lines of a file: their columns, their order and their cells. */
interface Table<T> extends Serializable {
  /** What a column holds. */
  enum Kind {
    TEXT,
    /** Double; NaN is missing. */
    NUMBER,
    INTEGER,
    /** Epoch milliseconds. */
    TIME,
    /** Texts to doubles. */
    MAP
  }

  /** A column by name. */
  record Column(String name, Kind kind) implements Serializable {}

  /** Takes the cells of one row in the columns' order. */
  interface Cells {
    void text(@Nullable String value) throws IOException;

    void number(double value) throws IOException;

    void integer(long value) throws IOException;

    void time(long millis) throws IOException;

    void map(Map<String, Double> value) throws IOException;
  }

  List<Column> columns();

  /** Rows are written by this first. */
  long order(T row);

  /** Then by this. */
  Comparator<T> ties();

  /** Event time in epoch milliseconds, null where time does not choose rows. */
  @Nullable Long time(T row);

  void write(T row, Cells cells) throws IOException;

  /**
   * @throws IllegalArgumentException when two columns have one name
   */
  static List<Column> distinct(List<Column> columns) {
    List<String> names = columns.stream().map(Column::name).toList();
    for (int i = 0; i < names.size(); i++) {
      if (names.indexOf(names.get(i)) < i) {
        throw new IllegalArgumentException(
            "column "
                + names.get(i)
                + " appears twice in the output; columns are "
                + names
                + ": rename the feature or output");
      }
    }
    return columns;
  }
}
