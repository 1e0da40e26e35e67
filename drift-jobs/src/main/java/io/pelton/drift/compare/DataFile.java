package io.pelton.drift.compare;

import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;
import de.siegmar.fastcsv.reader.CommentStrategy;
import de.siegmar.fastcsv.reader.CsvReader;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.apache.avro.Schema;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.core.fs.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.CodecFactory;
import org.apache.parquet.hadoop.ParquetReader;
import org.jspecify.annotations.Nullable;

/**
 * A file of rows, of the kind that its name's end tells: {@code .csv} with a header and {@code
 * .avro} containers, each plain or with {@code .gz}, and {@code .parquet}. Read row after row.
 */
abstract class DataFile implements Closeable {
  private static final int BUFFER = 1 << 16;

  private DataFile() {}

  /**
   * @throws IOException that names the file and what is wrong with it
   */
  static DataFile open(Path path) throws IOException {
    try {
      return opened(path);
    } catch (IllegalArgumentException e) {
      throw new IOException(path + ": " + e.getMessage(), e);
    } catch (IOException | RuntimeException e) {
      throw new IOException(path + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static DataFile opened(Path path) throws IOException {
    String name = path.getName().toLowerCase(Locale.ROOT);
    if (name.endsWith(".parquet")) {
      return new Parquet(path);
    }
    boolean gzip = name.endsWith(".gz");
    String kind = gzip ? name.substring(0, name.length() - 3) : name;
    if (!kind.endsWith(".csv") && !kind.endsWith(".avro")) {
      throw new IllegalArgumentException(
          "unknown kind of file; names end in .csv or .avro, plain or with .gz, or in .parquet");
    }
    InputStream in = new BufferedInputStream(path.getFileSystem().open(path), BUFFER);
    try {
      if (gzip) {
        in = new BufferedInputStream(new GZIPInputStream(in, BUFFER), BUFFER);
      }
      return kind.endsWith(".csv") ? new Csv(in) : new AvroContainer(in);
    } catch (IOException | RuntimeException e) {
      in.close();
      throw e;
    }
  }

  /** In the file's order, each once. */
  abstract List<String> columns();

  /** Goes to the next row; false at the end. */
  abstract boolean next() throws IOException;

  /** Gives a cell of the row to a tally. */
  abstract void cell(int column, ColumnTally tally) throws IOException;

  private static final class Csv extends DataFile {
    private final CsvReader<Fields> csv;
    private final Iterator<Fields> rows;
    private final List<String> columns;
    private Fields row = new Fields();

    Csv(InputStream in) {
      csv =
          CsvReader.builder()
              .commentStrategy(CommentStrategy.NONE)
              .skipEmptyLines(true)
              .detectBomHeader(true)
              .build(row, in, StandardCharsets.UTF_8);
      rows = csv.iterator();
      List<String> header = new ArrayList<>();
      if (next()) {
        for (int i = 0; i < row.size; i++) {
          header.add(row.text(i));
        }
      }
      Set<String> seen = new HashSet<>();
      for (String column : header) {
        if (!seen.add(column)) {
          throw new IllegalArgumentException(
              "its header has column \"%s\" twice; names must differ".formatted(column));
        }
      }
      columns = List.copyOf(header);
    }

    @Override
    List<String> columns() {
      return columns;
    }

    @Override
    boolean next() {
      boolean more = rows.hasNext();
      if (more) {
        row = rows.next();
      }
      return more;
    }

    @Override
    void cell(int column, ColumnTally tally) throws IOException {
      int start = row.start(column);
      tally.add(row.chars, start, row.ends[column] - start);
    }

    @Override
    public void close() throws IOException {
      csv.close();
    }
  }

  /** The fields of one CSV record after the other, without a string for each. */
  private static final class Fields extends AbstractBaseCsvCallbackHandler<Fields> {
    private char[] chars = new char[1 << 10];
    private int[] ends = new int[16];
    private int size;

    private int start(int field) {
      return field == 0 ? 0 : ends[field - 1];
    }

    private String text(int field) {
      return new String(chars, start(field), ends[field] - start(field));
    }

    @Override
    protected void handleBegin(long line) {
      size = 0;
    }

    @Override
    protected void handleField(int field, char[] buffer, int offset, int length, boolean quoted) {
      int start = start(field);
      if (start + length > chars.length) {
        chars = Arrays.copyOf(chars, 2 * (start + length));
      }
      if (field == ends.length) {
        ends = Arrays.copyOf(ends, 2 * field);
      }
      System.arraycopy(buffer, offset, chars, start, length);
      ends[field] = start + length;
      size = field + 1;
    }

    @Override
    protected Fields buildRecord() {
      return this;
    }
  }

  /**
   * What Avro and Parquet have in common. A column is a field, or a field of a record in it: of its
   * own name, or after the outer one where that is taken.
   */
  private abstract static class Records extends DataFile {
    @Nullable GenericRecord row;

    private final List<String> columns = new ArrayList<>();

    /** Where each column is: a field, and one in it or -1. */
    private final List<int[]> places = new ArrayList<>();

    final void read(Schema schema) {
      Set<String> taken = new HashSet<>();
      schema.getFields().forEach(field -> taken.add(field.name()));
      for (Schema.Field field : schema.getFields()) {
        Schema inner = record(field.schema());
        if (inner == null) {
          columns.add(field.name());
          places.add(new int[] {field.pos(), -1});
          continue;
        }
        for (Schema.Field nested : inner.getFields()) {
          boolean free = taken.add(nested.name());
          columns.add(free ? nested.name() : field.name() + "." + nested.name());
          places.add(new int[] {field.pos(), nested.pos()});
        }
      }
    }

    private static @Nullable Schema record(Schema schema) {
      return switch (schema.getType()) {
        case RECORD -> schema;
        case UNION ->
            schema.getTypes().stream()
                .filter(branch -> branch.getType() == Schema.Type.RECORD)
                .findFirst()
                .orElse(null);
        default -> null;
      };
    }

    @Override
    final List<String> columns() {
      return columns;
    }

    @Override
    void cell(int column, ColumnTally tally) throws IOException {
      if (row == null) {
        throw new IllegalStateException("there is no row");
      }
      int[] place = places.get(column);
      Object value = row.get(place[0]);
      tally.add(
          place[1] >= 0 && value instanceof GenericRecord inner ? inner.get(place[1]) : value);
    }
  }

  private static final class AvroContainer extends Records {
    private final DataFileStream<GenericRecord> file;

    AvroContainer(InputStream in) throws IOException {
      file = new DataFileStream<>(in, new GenericDatumReader<>());
      read(file.getSchema());
    }

    @Override
    boolean next() throws IOException {
      row = file.hasNext() ? file.next(row) : null;
      return row != null;
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }

  private static final class Parquet extends Records {
    private final ParquetReader<GenericRecord> file;
    private boolean first = true;

    Parquet(Path path) throws IOException {
      // Parquet keeps its codecs for good, with the class loader that it finds here.
      Configuration lasting = new Configuration(false);
      lasting.setClassLoader(DataFile.class.getClassLoader());
      file =
          AvroParquetReader.<GenericRecord>builder(new ParquetInput(path))
              .withConf(new PlainParquetConfiguration())
              .withCodecFactory(new CodecFactory(lasting, ParquetProperties.DEFAULT_PAGE_SIZE))
              .build();
      row = file.read();
      if (row != null) {
        read(row.getSchema());
      }
    }

    @Override
    boolean next() throws IOException {
      if (first) {
        first = false;
      } else {
        row = file.read();
      }
      return row != null;
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
