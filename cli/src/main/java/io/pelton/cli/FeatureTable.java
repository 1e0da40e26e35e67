package io.pelton.cli;

import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import io.pelton.registry.NearestName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Named columns of numbers from a CSV file with a header; NaN is an empty field.
 *
 * @param columns all columns of the file
 */
record FeatureTable(Path file, List<String> columns, List<NamedCsvRecord> records) {
  static FeatureTable read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file.toString());
    }
    List<NamedCsvRecord> records = new ArrayList<>();
    try (CsvReader<NamedCsvRecord> csv = CsvReader.builder().ofNamedCsvRecord(file)) {
      Iterator<NamedCsvRecord> rows = csv.iterator();
      while (rows.hasNext()) {
        records.add(rows.next());
      }
    }
    if (records.isEmpty()) {
      throw new InputException(file + ": no rows; it must have a header and one row or more");
    }
    return new FeatureTable(file, records.get(0).getHeader(), records);
  }

  /** A column's text in every row; null where its field is empty. */
  List<@Nullable String> texts(String name) throws InputException {
    require(name);
    List<@Nullable String> texts = new ArrayList<>();
    for (NamedCsvRecord row : records) {
      String field = row.getField(name);
      texts.add(field.isEmpty() ? null : field);
    }
    return texts;
  }

  private void require(String name) throws InputException {
    if (!columns.contains(name)) {
      throw new InputException(
          "%s:1: no column \"%s\"%s".formatted(file, name, NearestName.hint(name, columns)));
    }
  }

  /** The named columns of every row, in the order of the names. */
  double[][] values(List<String> names) throws InputException {
    for (String name : names) {
      require(name);
    }
    double[][] values = new double[records.size()][names.size()];
    for (int row = 0; row < values.length; row++) {
      NamedCsvRecord csv = records.get(row);
      for (int column = 0; column < names.size(); column++) {
        values[row][column] = number(csv, names.get(column));
      }
    }
    return values;
  }

  private double number(NamedCsvRecord row, String column) throws InputException {
    String field = row.getField(column);
    if (field.isEmpty()) {
      return Double.NaN;
    }
    try {
      return Double.parseDouble(field);
    } catch (NumberFormatException e) {
      throw new InputException(
          "%s:%d: %s: \"%s\" is not a number; a missing value is an empty field"
              .formatted(file, row.getStartingLineNumber(), column, field));
    }
  }
}
