package io.pelton.job;

import io.pelton.feature.EventIds;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;

/**
 * A row of the feature log as it was written, whatever version of the pipeline wrote it. A stream
 * record: public, with fields that Flink serializes by itself.
 */
public final class LoggedRecord {
  public String id = "";

  /** Event time, epoch milliseconds. */
  public long time;

  /** The row in Avro binary. */
  public byte[] row = {};

  public LoggedRecord() {}

  static TypeInformation<LoggedRecord> type() {
    return Types.POJO(LoggedRecord.class);
  }

  /** Takes records of one schema from the files that hold it. */
  static LogFormat.Record<LoggedRecord> reader(Schema writer) {
    GenericDatumWriter<GenericRecord> encode = new GenericDatumWriter<>(writer);
    ByteArrayOutputStream buffer = new ByteArrayOutputStream(512);
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(buffer, null);
    return record -> {
      LoggedRecord logged = new LoggedRecord();
      try {
        logged.id = record.get("eventId").toString();
        logged.time = (long) record.get("eventTime");
      } catch (AvroRuntimeException | NullPointerException | ClassCastException e) {
        throw new IOException(
            "a row of the feature log has no eventId and eventTime: " + writer, e);
      }
      buffer.reset();
      encode.write(record, encoder);
      encoder.flush();
      logged.row = buffer.toByteArray();
      return logged;
    };
  }

  /** Files of such rows, by time and id. */
  record Ordered(Schema schema) implements OrderedRows<LoggedRecord> {
    @Override
    public List<String> names() {
      return schema.getFields().stream().map(Schema.Field::name).toList();
    }

    @Override
    public long order(LoggedRecord row) {
      return row.time;
    }

    @Override
    public Comparator<LoggedRecord> ties() {
      return (a, b) -> {
        int order = EventIds.ORDER.compare(a.id, b.id);
        return order != 0 ? order : Arrays.compare(a.row, b.row);
      };
    }

    @Override
    public Long time(LoggedRecord row) {
      return row.time;
    }

    @Override
    public Appender<LoggedRecord> open(BatchOutput.Format format, String name, OutputStream out)
        throws IOException {
      LogFileWriter file = new LogFileWriter(schema, out);
      return new Appender<>() {
        @Override
        public void append(LoggedRecord row) throws IOException {
          file.append(ByteBuffer.wrap(row.row));
        }

        @Override
        public void finish() throws IOException {
          file.flush();
        }
      };
    }
  }
}
