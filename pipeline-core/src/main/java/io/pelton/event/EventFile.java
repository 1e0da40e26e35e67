package io.pelton.event;

import de.siegmar.fastcsv.reader.CommentStrategy;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.writer.CsvWriter;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.jspecify.annotations.Nullable;

/**
 * A file of events, of the kind that its name's end tells: {@code .csv} with a header, {@code
 * .json}, {@code .jsonl} or {@code .ndjson} with one object a line, {@code .avro} container; each
 * plain or with {@code .gz}. Read record after record; an empty file has none. Not thread-safe.
 */
public abstract class EventFile implements Closeable {
  private static final int BUFFER = 1 << 16;
  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

  private EventFile() {}

  /**
   * Opens a file and reads its head.
   *
   * @param in its bytes; closed with this file, or when it cannot be opened
   * @param required columns that a CSV file must have
   * @throws IOException that names the file and what is wrong with it
   */
  public static EventFile open(
      String path, InputStream in, EventSchema schema, Collection<String> required)
      throws IOException {
    String name = path.toLowerCase(Locale.ROOT);
    InputStream bytes = new BufferedInputStream(in, BUFFER);
    try {
      if (name.endsWith(".gz")) {
        name = name.substring(0, name.length() - 3);
        // No bytes at all are no gzip, but an empty file is an empty file.
        bytes =
            isEmpty(bytes)
                ? bytes
                : new BufferedInputStream(new GZIPInputStream(bytes, BUFFER), BUFFER);
      }
      if (name.endsWith(".csv")) {
        return new Csv(withoutByteOrderMark(bytes), schema, required);
      }
      if (name.endsWith(".json") || name.endsWith(".jsonl") || name.endsWith(".ndjson")) {
        return new JsonLines(withoutByteOrderMark(bytes), schema);
      }
      if (name.endsWith(".avro")) {
        return new AvroContainer(path, bytes, schema);
      }
      throw new EventFormatException(
          "unknown kind of file; names end in .csv, .json, .jsonl, .ndjson or .avro, and .gz");
    } catch (EventFormatException e) {
      bytes.close();
      throw new IOException(path + ": " + e.getMessage());
    } catch (IOException | AvroRuntimeException e) {
      bytes.close();
      throw new IOException(path + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static boolean isEmpty(InputStream in) throws IOException {
    in.mark(1);
    boolean empty = in.read() < 0;
    in.reset();
    return empty;
  }

  /** Goes to the next record; false at the end. */
  public abstract boolean next() throws IOException;

  /**
   * The record's fields in the event schema's order.
   *
   * @throws EventFormatException when the record is not of that schema
   */
  public abstract @Nullable Object[] fields();

  /** The record as it stands in the file, to be found there again: text, or Avro binary. */
  public abstract byte[] raw();

  /** Line of a text file, record of an Avro file, from 1. */
  public abstract long number();

  /** Skips the mark that some programs put before UTF-8. */
  private static InputStream withoutByteOrderMark(InputStream in) throws IOException {
    in.mark(BYTE_ORDER_MARK.length);
    if (!Arrays.equals(in.readNBytes(BYTE_ORDER_MARK.length), BYTE_ORDER_MARK)) {
      in.reset();
    }
    return in;
  }

  private static final class Csv extends EventFile {
    private final CsvReader<CsvRecord> csv;
    private final Iterator<CsvRecord> records;
    private final @Nullable CsvEventReader reader;
    private @Nullable CsvRecord current;

    Csv(InputStream in, EventSchema schema, Collection<String> required) {
      csv =
          CsvReader.builder()
              .commentStrategy(CommentStrategy.NONE)
              .skipEmptyLines(true)
              .allowMissingFields(true)
              .allowExtraFields(true)
              .ofCsvRecord(new InputStreamReader(in, StandardCharsets.UTF_8));
      records = csv.iterator();
      reader =
          records.hasNext()
              ? new CsvEventReader(schema, records.next().getFields(), required)
              : null;
    }

    @Override
    public boolean next() {
      boolean more = records.hasNext();
      current = more ? records.next() : null;
      return more;
    }

    private CsvRecord current() {
      if (current == null) {
        throw new IllegalStateException("there is no current record");
      }
      return current;
    }

    @Override
    public @Nullable Object[] fields() {
      if (reader == null) {
        throw new IllegalStateException("there is no current record");
      }
      return reader.read(current().getFields());
    }

    @Override
    public byte[] raw() {
      StringWriter text = new StringWriter();
      try (CsvWriter writer = CsvWriter.builder().build(text)) {
        writer.writeRecord(current().getFields());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return text.toString().stripTrailing().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public long number() {
      return current().getStartingLineNumber();
    }

    @Override
    public void close() throws IOException {
      csv.close();
    }
  }

  private static final class JsonLines extends EventFile {
    private final JsonEventReader reader;
    private final BufferedReader lines;
    private byte[] current = {};
    private long number;

    JsonLines(InputStream in, EventSchema schema) {
      reader = new JsonEventReader(schema);
      lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8), BUFFER);
    }

    @Override
    public boolean next() throws IOException {
      String line;
      do {
        line = lines.readLine();
        number++;
      } while (line != null && line.isBlank());
      current = line == null ? new byte[0] : line.getBytes(StandardCharsets.UTF_8);
      return line != null;
    }

    @Override
    public @Nullable Object[] fields() {
      return reader.read(current);
    }

    @Override
    public byte[] raw() {
      return current;
    }

    @Override
    public long number() {
      return number;
    }

    @Override
    public void close() throws IOException {
      lines.close();
    }
  }

  private static final class AvroContainer extends EventFile {
    private final String path;
    private final InputStream in;
    private final @Nullable DataFileStream<GenericRecord> records;
    private final @Nullable AvroEventReader reader;
    private byte[] current = {};
    private long number;

    AvroContainer(String path, InputStream in, EventSchema schema) throws IOException {
      this.path = path;
      this.in = in;
      records = isEmpty(in) ? null : new DataFileStream<>(in, new GenericDatumReader<>());
      reader = records == null ? null : new AvroEventReader(schema, records.getSchema());
    }

    @Override
    public boolean next() throws IOException {
      if (records == null) {
        return false;
      }
      try {
        if (!records.hasNext()) {
          return false;
        }
        current = encoded(records.next(), records.getSchema());
      } catch (AvroRuntimeException e) {
        throw new IOException(path + ": the file is damaged after record " + number, e);
      }
      number++;
      return true;
    }

    private static byte[] encoded(GenericRecord record, Schema schema) throws IOException {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
      new GenericDatumWriter<GenericRecord>(schema).write(record, encoder);
      return out.toByteArray();
    }

    @Override
    public @Nullable Object[] fields() {
      if (reader == null) {
        throw new IllegalStateException("there is no current record");
      }
      return reader.read(current, 0);
    }

    @Override
    public byte[] raw() {
      return current;
    }

    @Override
    public long number() {
      return number;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
