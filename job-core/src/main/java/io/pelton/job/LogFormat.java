package io.pelton.job;

import java.io.IOException;
import java.io.Serializable;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.reader.SimpleStreamFormat;
import org.apache.flink.core.fs.FSDataInputStream;
import org.jspecify.annotations.Nullable;

/** Reads files of a feature log, each by the schema that it carries. */
final class LogFormat<T> extends SimpleStreamFormat<T> {
  private static final long serialVersionUID = 1;

  private final Records<T> records;
  private final TypeInformation<T> type;

  /** Makes what is read of a file's records. */
  interface Records<T> extends Serializable {
    /**
     * @param writer the schema of the file's records
     */
    Record<T> of(Schema writer);
  }

  /** One record at a time. */
  interface Record<T> {
    T read(GenericRecord record) throws IOException;
  }

  LogFormat(Records<T> records, TypeInformation<T> type) {
    this.records = records;
    this.type = type;
  }

  @Override
  public Reader<T> createReader(Configuration config, FSDataInputStream in) throws IOException {
    DataFileStream<GenericRecord> file = new DataFileStream<>(in, new GenericDatumReader<>());
    Record<T> record = records.of(file.getSchema());
    return new Reader<>() {
      @Override
      public @Nullable T read() throws IOException {
        try {
          return file.hasNext() ? record.read(file.next()) : null;
        } catch (AvroRuntimeException e) {
          throw new IOException("a file of the feature log is damaged: " + e.getMessage(), e);
        }
      }

      @Override
      public void close() throws IOException {
        file.close();
      }
    };
  }

  @Override
  public TypeInformation<T> getProducedType() {
    return type;
  }
}
