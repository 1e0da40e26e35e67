package io.pelton.wire;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DatumReader;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecordBase;
import org.jspecify.annotations.Nullable;

/**
 * Single-object encoding of Pelton's own records: dead letters, drift reports, model commands. One
 * thread at a time.
 */
public final class RecordCodec<T extends SpecificRecordBase> {
  private final Schema schema;
  private final byte[] header;
  private final SchemaStore store;
  private final SpecificData data;
  private final SpecificDatumWriter<T> writer;
  private final Map<Long, DatumReader<T>> readers = new HashMap<>();
  private final SingleObject.Buffer buffer = new SingleObject.Buffer();
  private final BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(buffer, null);
  private @Nullable BinaryDecoder decoder;

  /**
   * @param store where the schemas of other writers are found
   */
  public RecordCodec(Class<T> type, SchemaStore store) {
    this.data = RecordModel.of(type);
    this.schema = data.getSchema(type);
    this.header = SingleObject.header(schema);
    this.store = store;
    this.writer = new SpecificDatumWriter<>(schema, data);
    readers.put(SingleObject.fingerprint(schema), new SpecificDatumReader<>(schema, schema, data));
  }

  public Schema schema() {
    return schema;
  }

  public byte[] encode(T record) {
    try {
      buffer.reset(header);
      writer.write(record, encoder);
      encoder.flush();
      return buffer.copy();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * @throws UndecodableException when the bytes are not such a record
   */
  public T decode(byte @Nullable [] value) throws UndecodableException {
    byte[] bytes = SingleObject.present(value);
    long fingerprint = SingleObject.fingerprint(bytes);
    DatumReader<T> reader = readers.get(fingerprint);
    if (reader == null) {
      reader = new SpecificDatumReader<>(SingleObject.writer(fingerprint, store), schema, data);
      readers.put(fingerprint, reader);
    }
    try {
      decoder =
          DecoderFactory.get()
              .binaryDecoder(
                  bytes, SingleObject.HEADER, bytes.length - SingleObject.HEADER, decoder);
      return reader.read(null, decoder);
    } catch (IOException | RuntimeException e) {
      throw new UndecodableException(
          "is not a " + schema.getName() + " as its schema says: " + e, e);
    }
  }
}
