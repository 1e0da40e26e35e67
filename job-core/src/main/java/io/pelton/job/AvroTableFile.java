package io.pelton.job;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.avro.AvroParquetWriter;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.CodecFactory;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.jspecify.annotations.Nullable;

/** Avro container files, and Parquet, which is written through the same Avro records. */
final class AvroTableFile implements TableFile {
  /** Appends records to a file of either format. */
  private interface Appender {
    void append(GenericRecord row) throws IOException;

    void finish() throws IOException;
  }

  private final GenericData.Record row;
  private final Appender appender;
  private int next;

  private AvroTableFile(Schema schema, Appender appender) {
    this.row = new GenericData.Record(schema);
    this.appender = appender;
  }

  static AvroTableFile avro(List<Table.Column> columns, String name, OutputStream out)
      throws IOException {
    Schema schema = schema(columns, name);
    DataFileWriter<GenericRecord> writer =
        new DataFileWriter<GenericRecord>(new GenericDatumWriter<>(schema))
            .setCodec(org.apache.avro.file.CodecFactory.deflateCodec(6));
    // Avro's own marker is random, and the same rows must give the same bytes.
    byte[] marker = Arrays.copyOf(("pelton " + name).getBytes(StandardCharsets.UTF_8), 16);
    writer.create(schema, out, marker);
    return new AvroTableFile(
        schema,
        new Appender() {
          @Override
          public void append(GenericRecord record) throws IOException {
            writer.append(record);
          }

          @Override
          public void finish() throws IOException {
            writer.flush();
          }
        });
  }

  static AvroTableFile parquet(List<Table.Column> columns, String name, OutputStream out)
      throws IOException {
    Schema schema = schema(columns, name);
    // Parquet keeps its codecs, and their configuration, for good: with the class loader of this
    // job they would fail the next one.
    Configuration lasting = new Configuration(false);
    lasting.setClassLoader(AvroTableFile.class.getClassLoader());
    ParquetWriter<GenericRecord> writer =
        AvroParquetWriter.<GenericRecord>builder(new StreamFile(out))
            .withConf(new PlainParquetConfiguration())
            .withSchema(schema)
            .withDataModel(GenericData.get())
            .withCodecFactory(new CodecFactory(lasting, ParquetProperties.DEFAULT_PAGE_SIZE))
            .withCompressionCodec(CompressionCodecName.SNAPPY)
            .build();
    return new AvroTableFile(
        schema,
        new Appender() {
          @Override
          public void append(GenericRecord record) throws IOException {
            writer.write(record);
          }

          @Override
          public void finish() throws IOException {
            writer.close();
          }
        });
  }

  private static Schema schema(List<Table.Column> columns, String name) {
    SchemaBuilder.FieldAssembler<Schema> fields =
        SchemaBuilder.record(name.replace('-', '_')).fields();
    for (Table.Column column : columns) {
      Schema type =
          switch (column.kind()) {
            case TEXT -> Schema.create(Schema.Type.STRING);
            case NUMBER -> Schema.create(Schema.Type.DOUBLE);
            case INTEGER -> Schema.create(Schema.Type.LONG);
            case TIME ->
                LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG));
            case MAP -> Schema.createMap(Schema.create(Schema.Type.DOUBLE));
          };
      fields
          .name(column.name())
          .type(Schema.createUnion(Schema.create(Schema.Type.NULL), type))
          .withDefault(null);
    }
    return fields.endRecord();
  }

  @Override
  public void text(@Nullable String value) {
    row.put(next++, value);
  }

  @Override
  public void number(double value) {
    row.put(next++, Double.isNaN(value) ? null : value);
  }

  @Override
  public void integer(long value) {
    row.put(next++, value);
  }

  @Override
  public void time(long millis) {
    row.put(next++, millis);
  }

  @Override
  public void map(Map<String, Double> value) {
    row.put(next++, value);
  }

  @Override
  public void endRow() throws IOException {
    appender.append(row);
    next = 0;
  }

  @Override
  public void finish() throws IOException {
    appender.finish();
  }

  /** Parquet's view of a stream that Flink opened and closes. */
  private record StreamFile(OutputStream out) implements OutputFile {
    @Override
    public PositionOutputStream create(long blockSizeHint) {
      return new CountingStream(out);
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) {
      return create(blockSizeHint);
    }

    @Override
    public boolean supportsBlockSize() {
      return false;
    }

    @Override
    public long defaultBlockSize() {
      return 0;
    }
  }

  /** Knows its position; closing it leaves the file to its owner. */
  private static final class CountingStream extends PositionOutputStream {
    private final OutputStream out;
    private long position;

    CountingStream(OutputStream out) {
      this.out = out;
    }

    @Override
    public long getPos() {
      return position;
    }

    @Override
    public void write(int b) throws IOException {
      out.write(b);
      position++;
    }

    @Override
    public void write(byte[] bytes, int offset, int count) throws IOException {
      out.write(bytes, offset, count);
      position += count;
    }

    @Override
    public void flush() throws IOException {
      out.flush();
    }

    @Override
    public void close() throws IOException {
      out.flush();
    }
  }
}
