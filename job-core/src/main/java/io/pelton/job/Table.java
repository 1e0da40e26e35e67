package io.pelton.job;

import java.io.IOException;
import java.io.OutputStream;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How rows become the lines of a file: their columns, their order and their cells. */
interface Table<T> extends OrderedRows<T> {
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

  void write(T row, Cells cells) throws IOException;

  @Override
  default List<String> names() {
    return columns().stream().map(Column::name).toList();
  }

  @Override
  default Appender<T> open(BatchOutput.Format format, String name, OutputStream out)
      throws IOException {
    TableFile file = TableFile.open(format, columns(), name, out);
    return new Appender<>() {
      @Override
      public void append(T row) throws IOException {
        write(row, file);
        file.endRow();
      }

      @Override
      public void finish() throws IOException {
        file.finish();
      }
    };
  }

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
