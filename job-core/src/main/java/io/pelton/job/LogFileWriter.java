package io.pelton.job;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import org.apache.avro.Schema;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericDatumWriter;

/**
 * A file of the feature log while it is written: an Avro container, to which records come encoded.
 */
final class LogFileWriter {
  private static final int SYNC_INTERVAL = 1 << 16;

  private final DataFileWriter<Object> file;

  LogFileWriter(Schema schema, OutputStream out) throws IOException {
    file =
        new DataFileWriter<>(new GenericDatumWriter<>(schema))
            .setCodec(CodecFactory.deflateCodec(6))
            .setSyncInterval(SYNC_INTERVAL);
    file.create(schema, out);
  }

  void append(ByteBuffer row) throws IOException {
    file.appendEncoded(row);
  }

  /** Ends the block, so that all rows are in the stream. */
  void flush() throws IOException {
    file.flush();
  }
}
