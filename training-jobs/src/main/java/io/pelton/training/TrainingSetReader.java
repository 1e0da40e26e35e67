package io.pelton.training;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** Reads a training set from CSV files of features and CSV files of labels. */
public final class TrainingSetReader {
  private static final int BUFFER = 1 << 16;

  /** What a label file says of one event. */
  private record Outcome(long time, double label, String entity) {}

  /** Position of a named column. */
  private record Column(String name, int index) {
    String of(CsvRecord line) {
      return line.getField(index);
    }
  }

  private TrainingSetReader() {}

  /**
   * Joins features with labels by event id.
   *
   * @throws IOException if a file cannot be read
   * @throws IllegalArgumentException if a column is absent, a value is not what its column holds,
   *     or an id comes twice
   */
  public static LabelledRows read(FeatureFiles features, LabelFiles labels) throws IOException {
    var rowsById = readFeatures(features);
    var outcomes = readLabels(labels, rowsById);
    int labelled = outcomes.size();
    var ids = new ArrayList<String>(labelled);
    var entities = new ArrayList<String>(labelled);
    var times = new long[labelled];
    var rows = new double[labelled][];
    var target = new double[labelled];
    for (var entry : rowsById.entrySet()) {
      Outcome outcome = outcomes.get(entry.getKey());
      if (outcome == null) {
        continue;
      }
      int row = ids.size();
      ids.add(entry.getKey());
      if (labels.entity() != null) {
        entities.add(outcome.entity);
      }
      times[row] = outcome.time;
      rows[row] = entry.getValue();
      target[row] = outcome.label;
    }
    return new LabelledRows(
        new TrainingSet(features.features(), ids, times, entities, rows, target),
        rowsById.size() - labelled);
  }

  private static Map<String, double[]> readFeatures(FeatureFiles files) throws IOException {
    var rows = new LinkedHashMap<String, double[]>();
    for (Path path : files.paths()) {
      try (var csv = CsvReader.builder().ofCsvRecord(open(path))) {
        Iterator<CsvRecord> lines = csv.iterator();
        List<String> header = header(path, lines);
        Column id = column(path, header, files.id());
        var columns = new ArrayList<Column>();
        for (String feature : files.features()) {
          columns.add(column(path, header, feature));
        }
        while (lines.hasNext()) {
          CsvRecord line = lines.next();
          var values = new double[columns.size()];
          for (int i = 0; i < values.length; i++) {
            values[i] = number(path, line, columns.get(i));
          }
          if (rows.put(id.of(line), values) != null) {
            throw problem(path, line, id.name, "\"" + id.of(line) + "\" comes twice");
          }
        }
      } catch (CsvParseException e) {
        throw notCsv(path, e);
      }
    }
    return rows;
  }

  private static Map<String, Outcome> readLabels(LabelFiles files, Map<String, double[]> wanted)
      throws IOException {
    var outcomes = new HashMap<String, Outcome>();
    for (Path path : files.paths()) {
      try (var csv = CsvReader.builder().ofCsvRecord(open(path))) {
        Iterator<CsvRecord> lines = csv.iterator();
        List<String> header = header(path, lines);
        Column id = column(path, header, files.id());
        Column time = column(path, header, files.time());
        Column label = column(path, header, files.label());
        Column entity = files.entity() == null ? null : column(path, header, files.entity());
        while (lines.hasNext()) {
          CsvRecord line = lines.next();
          String key = id.of(line);
          if (!wanted.containsKey(key) || label.of(line).isEmpty()) {
            continue;
          }
          var outcome =
              new Outcome(
                  time(path, line, time),
                  label(path, line, label),
                  entity == null ? "" : entity.of(line));
          if (outcomes.put(key, outcome) != null) {
            throw problem(path, line, id.name, "\"" + key + "\" has two labels");
          }
        }
      } catch (CsvParseException e) {
        throw notCsv(path, e);
      }
    }
    return outcomes;
  }

  private static Reader open(Path path) throws IOException {
    InputStream bytes = new BufferedInputStream(Files.newInputStream(path), BUFFER);
    try {
      return new InputStreamReader(
          path.toString().endsWith(".gz") ? new GZIPInputStream(bytes, BUFFER) : bytes,
          StandardCharsets.UTF_8);
    } catch (IOException e) {
      bytes.close();
      throw new IOException(path + ": ends in .gz but is not gzip", e);
    }
  }

  private static List<String> header(Path path, Iterator<CsvRecord> lines) {
    if (!lines.hasNext()) {
      throw new IllegalArgumentException(path + ": is empty; the first line must name the columns");
    }
    return lines.next().getFields();
  }

  private static Column column(Path path, List<String> header, String name) {
    int index = header.indexOf(name);
    if (index < 0) {
      throw new IllegalArgumentException(
          "%s: no column \"%s\"; there are %s".formatted(path, name, header));
    }
    return new Column(name, index);
  }

  private static double number(Path path, CsvRecord line, Column column) {
    String text = column.of(line);
    if (text.isEmpty()) {
      return Double.NaN;
    }
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw problem(
          path,
          line,
          column.name,
          "\"%s\" is not a number; leave it empty if missing".formatted(text));
    }
  }

  private static double label(Path path, CsvRecord line, Column column) {
    return switch (column.of(line)) {
      case "0", "false" -> 0;
      case "1", "true" -> 1;
      default ->
          throw problem(
              path, line, column.name, "\"%s\" is neither 0 nor 1".formatted(column.of(line)));
    };
  }

  private static long time(Path path, CsvRecord line, Column column) {
    String text = column.of(line);
    try {
      boolean millis = text.chars().skip(text.startsWith("-") ? 1 : 0).allMatch(Character::isDigit);
      return millis ? Long.parseLong(text) : Instant.parse(text).toEpochMilli();
    } catch (DateTimeParseException | NumberFormatException e) {
      throw problem(
          path, line, column.name, "\"%s\" is neither ISO 8601 nor epoch millis".formatted(text));
    }
  }

  private static IllegalArgumentException notCsv(Path path, CsvParseException cause) {
    return new IllegalArgumentException(path + ": " + cause.getMessage(), cause);
  }

  private static IllegalArgumentException problem(
      Path path, CsvRecord line, String column, String what) {
    return new IllegalArgumentException(
        "%s:%d: %s: %s".formatted(path, line.getStartingLineNumber(), column, what));
  }
}
