package io.pelton.feature.job;

import de.siegmar.fastcsv.reader.CommentStrategy;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.writer.CsvWriter;
import io.pelton.event.AvroEventReader;
import io.pelton.event.CsvEventReader;
import io.pelton.event.EventFormatException;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.RejectedEventException;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.wire.StaticSchemaStore;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSourceSplit;
import org.apache.flink.connector.file.src.reader.BulkFormat;
import org.apache.flink.connector.file.src.util.CheckpointedPosition;
import org.apache.flink.connector.file.src.util.IteratorResultIterator;
import org.apache.flink.core.fs.Path;
import org.jspecify.annotations.Nullable;

/**
 * Reads event files, by their names' ends: {@code .csv} with a header, {@code .json} or {@code
 * .jsonl} with one object a line, {@code .avro} container files; each plain or with {@code .gz}. A
 * row that cannot be read becomes a rejected record with the row's text; a file that cannot be read
 * fails the run with its name.
 */
final class EventFiles implements BulkFormat<Incoming, FileSourceSplit> {
  private static final long serialVersionUID = 1;
  private static final int BATCH = 2_048;

  /** Files carry no clock of their own to compare event times with. */
  private static final long LATEST = Instant.parse("2200-01-01T00:00:00Z").toEpochMilli();

  private final PipelineDefinition pipeline;

  EventFiles(PipelineDefinition pipeline) {
    this.pipeline = pipeline;
  }

  /** Records of one file, with their number in it. */
  private interface Records extends Closeable {
    /** Null at the end. */
    @Nullable Incoming next() throws IOException;
  }

  /**
   * Opens a file and reads its head.
   *
   * @throws IOException when it cannot be read, or is not what its name says
   */
  private Records open(Path path) throws IOException {
    String name = path.getName().toLowerCase(Locale.ROOT);
    InputStream in = new BufferedInputStream(path.getFileSystem().open(path), 1 << 16);
    try {
      if (name.endsWith(".gz")) {
        name = name.substring(0, name.length() - 3);
        in = new BufferedInputStream(new GZIPInputStream(in, 1 << 16), 1 << 16);
      }
      EventDecoder decoder = new EventDecoder(pipeline, StaticSchemaStore.of());
      if (name.endsWith(".csv")) {
        return new CsvRecords(path, in, decoder);
      }
      if (name.endsWith(".json") || name.endsWith(".jsonl") || name.endsWith(".ndjson")) {
        return new JsonRecords(path, in, decoder);
      }
      if (name.endsWith(".avro")) {
        return new AvroRecords(path, in, decoder);
      }
      throw new IOException(
          path + ": unknown kind of file; names end in .csv, .json, .jsonl or .avro, and .gz");
    } catch (EventFormatException e) {
      in.close();
      throw new IOException(path + ": " + e.getMessage());
    } catch (IOException e) {
      in.close();
      throw new IOException(path + " cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * Looks at a file's head as a run will.
   *
   * @throws IOException that names the file and what is wrong with it
   */
  static void check(Path path, PipelineDefinition pipeline) throws IOException {
    new EventFiles(pipeline).open(path).close();
  }

  private Set<String> required() {
    Set<String> fields = new LinkedHashSet<>();
    fields.add(pipeline.events().id());
    fields.add(pipeline.events().time());
    pipeline.entities().forEach(entity -> fields.add(entity.field()));
    fields.addAll(pipeline.carry());
    return fields;
  }

  private static Incoming incoming(
      Path path,
      long number,
      byte @Nullable [] value,
      @Nullable FeatureRow row,
      Incoming.@Nullable Rejection rejection) {
    return new Incoming(path.getName(), -1, number, 0, null, value, row, rejection);
  }

  private final class CsvRecords implements Records {
    private final Path path;
    private final EventDecoder decoder;
    private final CsvReader<CsvRecord> csv;
    private final Iterator<CsvRecord> records;
    private final @Nullable CsvEventReader reader;

    CsvRecords(Path path, InputStream in, EventDecoder decoder) {
      this.path = path;
      this.decoder = decoder;
      csv =
          CsvReader.builder()
              .commentStrategy(CommentStrategy.NONE)
              .skipEmptyLines(true)
              .allowMissingFields(true)
              .allowExtraFields(true)
              .ofCsvRecord(new InputStreamReader(in, StandardCharsets.UTF_8));
      records = csv.iterator();
      // An empty file has no events, and no header to complain about.
      reader =
          records.hasNext()
              ? new CsvEventReader(decoder.schema(), records.next().getFields(), required())
              : null;
    }

    @Override
    public @Nullable Incoming next() {
      if (reader == null || !records.hasNext()) {
        return null;
      }
      CsvRecord line = records.next();
      FeatureRow row = null;
      Incoming.Rejection rejection = null;
      try {
        row = decoder.admit(reader.read(line.getFields()), LATEST);
      } catch (EventFormatException e) {
        rejection = EventDecoder.undecodable(String.valueOf(e.getMessage()));
      } catch (RejectedEventException e) {
        rejection = Incoming.Rejection.of(e);
      }
      return incoming(
          path, line.getStartingLineNumber(), row == null ? text(line) : null, row, rejection);
    }

    private static byte[] text(CsvRecord line) {
      StringWriter text = new StringWriter();
      CsvWriter.builder().build(text).writeRecord(line.getFields());
      return text.toString().stripTrailing().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
      csv.close();
    }
  }

  private static final class JsonRecords implements Records {
    private final Path path;
    private final EventDecoder decoder;
    private final BufferedReader lines;
    private long number;

    JsonRecords(Path path, InputStream in, EventDecoder decoder) {
      this.path = path;
      this.decoder = decoder;
      lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8), 1 << 16);
    }

    @Override
    public @Nullable Incoming next() throws IOException {
      String line;
      do {
        line = lines.readLine();
        number++;
      } while (line != null && line.isBlank());
      return line == null
          ? null
          : decoder.decodeJson(
              path.getName(), number, line.getBytes(StandardCharsets.UTF_8), LATEST);
    }

    @Override
    public void close() throws IOException {
      lines.close();
    }
  }

  private static final class AvroRecords implements Records {
    private final Path path;
    private final EventDecoder decoder;
    private final InputStream in;
    private final @Nullable DataFileStream<GenericRecord> records;
    private final @Nullable AvroEventReader reader;
    private ByteBuffer block = ByteBuffer.allocate(0);
    private long number;

    AvroRecords(Path path, InputStream in, EventDecoder decoder) throws IOException {
      this.path = path;
      this.decoder = decoder;
      this.in = in;
      in.mark(1);
      boolean empty = in.read() < 0;
      if (empty) {
        records = null;
        reader = null;
        return;
      }
      in.reset();
      records = new DataFileStream<>(in, new GenericDatumReader<>());
      Schema writer = records.getSchema();
      reader = new AvroEventReader(decoder.schema(), writer);
    }

    @Override
    public @Nullable Incoming next() throws IOException {
      if (records == null || reader == null) {
        return null;
      }
      byte[] bytes;
      try {
        if (!records.hasNext()) {
          return null;
        }
        bytes = encoded(records.next(), records.getSchema());
      } catch (AvroRuntimeException e) {
        throw new IOException(path + ": the file is damaged after record " + number, e);
      }
      number++;
      FeatureRow row = null;
      Incoming.Rejection rejection = null;
      try {
        row = decoder.admit(reader.read(bytes, 0), LATEST);
      } catch (EventFormatException e) {
        rejection = EventDecoder.undecodable(String.valueOf(e.getMessage()));
      } catch (RejectedEventException e) {
        rejection = Incoming.Rejection.of(e);
      }
      return incoming(path, number, row == null ? bytes : null, row, rejection);
    }

    private static byte[] encoded(GenericRecord record, Schema schema) throws IOException {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
      new GenericDatumWriter<GenericRecord>(schema).write(record, encoder);
      return out.toByteArray();
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  @Override
  public Reader<Incoming> createReader(Configuration config, FileSourceSplit split)
      throws IOException {
    return new SplitReader(open(split.path()));
  }

  @Override
  public Reader<Incoming> restoreReader(Configuration config, FileSourceSplit split)
      throws IOException {
    Records records = open(split.path());
    long skip =
        split.getReaderPosition().map(CheckpointedPosition::getRecordsAfterOffset).orElse(0L);
    for (long i = 0; i < skip; i++) {
      if (records.next() == null) {
        throw new IOException(
            split.path() + " has become shorter: " + skip + " records were read of it before");
      }
    }
    return new SplitReader(records);
  }

  @Override
  public boolean isSplittable() {
    return false;
  }

  @Override
  public TypeInformation<Incoming> getProducedType() {
    return new IncomingTypeInfo();
  }

  private static final class SplitReader implements Reader<Incoming> {
    private final Records records;
    private long read;

    SplitReader(Records records) {
      this.records = records;
    }

    @Override
    public @Nullable RecordIterator<Incoming> readBatch() throws IOException {
      List<Incoming> batch = new ArrayList<>(BATCH);
      while (batch.size() < BATCH) {
        Incoming next = records.next();
        if (next == null) {
          break;
        }
        batch.add(next);
      }
      if (batch.isEmpty()) {
        return null;
      }
      long before = read;
      read += batch.size();
      return new IteratorResultIterator<>(batch.iterator(), CheckpointedPosition.NO_OFFSET, before);
    }

    @Override
    public void close() throws IOException {
      records.close();
    }
  }
}
