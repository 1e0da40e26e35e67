package io.pelton.table;

import io.pelton.event.EventFile;
import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.pipeline.Table;
import io.pelton.pipeline.Table.TableFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * Reads the files of a reference table. A row that cannot be used is never left out, for events
 * would take an older one in its place: all such rows are noted, and there is no table then.
 */
public final class TableRows {
  /** Problems that are told; of more only the number is. */
  private static final int TOLD = 20;

  /** Values of a column that are kept once, not a row: as many as types and classes have. */
  private static final int SHARED = 10_000;

  private static final int OBJECT = 24;
  private static final int ENTRY = 72;

  private final Table table;
  private final TableRow row;
  private final EventSchema schema;
  private final long limit;
  private final List<String> required;
  private final List<String> problems = new ArrayList<>();
  private final List<TableFile> files = new ArrayList<>();
  private final Map<String, Integer> positions = new HashMap<>();
  private final List<Map<Object, Object>> shared = new ArrayList<>();
  private final @Nullable Object[][] columns;
  private long[] times = new long[16];
  private int[] owners = new int[16];

  /** File and line of each row, for what is wrong between two of them. */
  private int[] fileOf = new int[16];

  private long[] lines = new long[16];
  private int rows;
  private long problemCount;
  private long bytes;

  /**
   * @param limit about how many bytes of memory the rows may take
   */
  public TableRows(Table table, long limit) {
    this.table = table;
    this.limit = limit;
    row = new TableRow(table);
    schema = row.schema();
    // The timestamp of records has a default, for they do not hold it, but files must.
    required =
        table.schema().getFields().stream()
            .filter(
                field ->
                    !field.hasDefaultValue()
                        || table.ofRecordTime() && field.name().equals(Table.RECORD_TIME))
            .map(Schema.Field::name)
            .toList();
    columns = new @Nullable Object[schema.fields().size()][16];
    schema.fields().forEach(field -> shared.add(new HashMap<>()));
  }

  /**
   * Reads a file to its end.
   *
   * @param in its bytes; closed here
   * @throws IOException when it cannot be read
   * @throws InvalidTableException when the rows take more memory than they may
   */
  public void read(String path, InputStream in) throws IOException {
    long before = rows;
    long problemsBefore = problemCount;
    DigestInputStream digest = new DigestInputStream(in, sha256());
    try (EventFile file = EventFile.open(path, digest, schema, required)) {
      while (next(path, file)) {
        try {
          add(file.fields(), file.number());
        } catch (EventFormatException e) {
          problem(path + ":" + file.number() + ": " + e.getMessage());
        }
      }
      // What follows the last row belongs to the file as well.
      digest.transferTo(OutputStream.nullOutputStream());
    }
    if (rows == before && problemCount == problemsBefore) {
      problem(path + ": holds no rows; a reference table has some");
    }
    files.add(
        new TableFile(
            path, rows - before, HexFormat.of().formatHex(digest.getMessageDigest().digest())));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static boolean next(String path, EventFile file) throws IOException {
    try {
      return file.next();
    } catch (IOException | RuntimeException e) {
      throw new IOException(path + " cannot be read to its end: " + e.getMessage(), e);
    }
  }

  private void problem(String text) {
    problemCount++;
    if (problems.size() < TOLD) {
      problems.add(text);
    }
  }

  private void add(@Nullable Object[] fields, long line) {
    boolean deletes = row.deletes(fields);
    if (!deletes) {
      row.check(fields);
    }
    String owner = row.key(fields);
    long from = row.time(fields);
    if (rows == times.length) {
      grow();
    }
    Integer position = positions.get(owner);
    if (position == null) {
      position = positions.size();
      positions.put(owner, position);
      bytes += ENTRY + owner.length();
    }
    owners[rows] = position;
    times[rows] = from;
    fileOf[rows] = files.size();
    lines[rows] = line;
    for (int i = 0; i < fields.length; i++) {
      columns[i][rows] = deletes ? null : shared(i, fields[i]);
    }
    rows++;
    bytes += 2L * Long.BYTES + 2L * Integer.BYTES + (long) Long.BYTES * fields.length;
    if (bytes > limit) {
      throw new InvalidTableException(
          "table %s: %d rows take more than %d MB of memory, the most that tables of files may; give the process a larger heap, or the table fewer columns or rows"
              .formatted(table.name(), rows, limit >> 20));
    }
  }

  private @Nullable Object shared(int column, @Nullable Object value) {
    if (value == null) {
      return null;
    }
    Map<Object, Object> known = shared.get(column);
    Object same = known.get(value);
    if (same != null) {
      return same;
    }
    bytes += OBJECT + (value instanceof String text ? text.length() : 0);
    if (known.size() < SHARED) {
      known.put(value, value);
      bytes += ENTRY;
    }
    return value;
  }

  private void grow() {
    int size = Math.multiplyExact(rows, 2);
    times = Arrays.copyOf(times, size);
    owners = Arrays.copyOf(owners, size);
    fileOf = Arrays.copyOf(fileOf, size);
    lines = Arrays.copyOf(lines, size);
    for (int i = 0; i < columns.length; i++) {
      columns[i] = Arrays.copyOf(columns[i], size);
    }
  }

  /** What was read, in order. */
  public List<TableFile> files() {
    return List.copyOf(files);
  }

  /**
   * The table, of all files that were read.
   *
   * @throws InvalidTableException when a row cannot be used, or a key has two rows of one time
   */
  public ReferenceTable table() {
    int[] order = order();
    for (int i = 1; i < rows; i++) {
      int row = order[i];
      int before = order[i - 1];
      if (owners[row] == owners[before] && times[row] == times[before]) {
        twice(before, row);
      }
    }
    if (problemCount > 0) {
      throw new InvalidTableException(
          "table "
              + table.name()
              + " cannot be used:\n"
              + String.join("\n", problems)
              + (problemCount > problems.size()
                  ? "\nand %d more".formatted(problemCount - problems.size())
                  : ""));
    }
    int[] starts = new int[positions.size() + 1];
    long[] sortedTimes = new long[rows];
    @Nullable Object[][] sorted = new @Nullable Object[columns.length][rows];
    for (int i = 0; i < rows; i++) {
      starts[owners[order[i]] + 1] = i + 1;
      sortedTimes[i] = times[order[i]];
      for (int column = 0; column < columns.length; column++) {
        sorted[column][i] = columns[column][order[i]];
      }
    }
    return new ReferenceTable(positions, starts, sortedTimes, sorted);
  }

  /** Rows by key and time; those of one key and time by where they stand. */
  private int[] order() {
    int[] ends = new int[positions.size() + 1];
    for (int row = 0; row < rows; row++) {
      ends[owners[row] + 1]++;
    }
    Arrays.parallelPrefix(ends, Integer::sum);
    int[] order = new int[rows];
    for (int row = rows - 1; row >= 0; row--) {
      order[--ends[owners[row] + 1]] = row;
    }
    // What were the ends of keys are now the starts of the next.
    for (int owner = 0; owner < positions.size(); owner++) {
      sort(order, ends[owner + 1], owner + 2 < ends.length ? ends[owner + 2] : rows);
    }
    return order;
  }

  /** Sorts the rows of one key by time; they mostly are. */
  private void sort(int[] order, int from, int to) {
    boolean sorted = true;
    for (int i = from + 1; i < to && sorted; i++) {
      sorted = times[order[i - 1]] <= times[order[i]];
    }
    if (!sorted) {
      int[] rowsByTime =
          IntStream.range(from, to)
              .mapToObj(i -> order[i])
              .sorted(Comparator.comparingLong(row -> times[row]))
              .mapToInt(Integer::intValue)
              .toArray();
      System.arraycopy(rowsByTime, 0, order, from, rowsByTime.length);
    }
  }

  private String key(int position) {
    return positions.entrySet().stream()
        .filter(entry -> entry.getValue() == position)
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }

  private void twice(int before, int row) {
    String place = files.get(fileOf[row]).path() + ":" + lines[row];
    String first =
        (fileOf[row] == fileOf[before] ? "line " : files.get(fileOf[before]).path() + ":")
            + lines[before];
    String owner = key(owners[row]);
    problem(
        !this.row.timed()
            ? "%s: key %s has a row already, at %s; a table without time: has one row a key"
                .formatted(place, owner, first)
            : "%s: key %s has a row of %s already, at %s; which one holds would be chance"
                .formatted(place, owner, Instant.ofEpochMilli(times[row]), first));
  }
}
