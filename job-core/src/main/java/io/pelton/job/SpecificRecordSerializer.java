package io.pelton.job;

import io.pelton.wire.RecordModel;
import java.io.IOException;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecord;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.java.typeutils.runtime.DataInputViewStream;
import org.apache.flink.api.java.typeutils.runtime.DataOutputViewStream;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * Avro's binary encoding of a generated record. State that an older schema wrote is read through
 * that schema, by Avro's rules of resolution.
 */
public final class SpecificRecordSerializer<T extends SpecificRecord> extends TypeSerializer<T> {
  private static final long serialVersionUID = 1;

  private final Class<T> type;

  /** Schema that the bytes to read were written with, as JSON; null: the class's own. */
  private final @Nullable String writer;

  private transient @Nullable Codec<T> codec;

  public SpecificRecordSerializer(Class<T> type) {
    this(type, null);
  }

  SpecificRecordSerializer(Class<T> type, @Nullable String writer) {
    this.type = type;
    this.writer = writer;
  }

  /** Reader, writer and their buffers: neither serializable nor safe for two threads. */
  private static final class Codec<T extends SpecificRecord> {
    final SpecificData data;
    final Schema schema;
    final SpecificDatumReader<T> reader;
    final SpecificDatumWriter<T> writer;
    @Nullable BinaryEncoder encoder;
    @Nullable BinaryDecoder decoder;

    Codec(Class<T> type, @Nullable String writerSchema) {
      data = RecordModel.of(type.asSubclass(SpecificRecordBase.class));
      schema = data.getSchema(type);
      Schema written = writerSchema == null ? schema : new Schema.Parser().parse(writerSchema);
      reader = new SpecificDatumReader<>(written, schema, data);
      writer = new SpecificDatumWriter<>(schema, data);
    }
  }

  private Codec<T> codec() {
    Codec<T> result = codec;
    if (result == null) {
      result = new Codec<>(type, writer);
      codec = result;
    }
    return result;
  }

  Class<T> type() {
    return type;
  }

  @Override
  public boolean isImmutableType() {
    return false;
  }

  @Override
  public TypeSerializer<T> duplicate() {
    return new SpecificRecordSerializer<>(type, writer);
  }

  @Override
  public T createInstance() {
    return type.cast(SpecificData.newInstance(type, codec().schema));
  }

  @Override
  public T copy(T from) {
    Codec<T> codec = codec();
    return codec.data.deepCopy(codec.schema, from);
  }

  @Override
  public T copy(T from, T reuse) {
    return copy(from);
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public void serialize(T record, DataOutputView target) throws IOException {
    Codec<T> codec = codec();
    codec.encoder =
        EncoderFactory.get().directBinaryEncoder(new DataOutputViewStream(target), codec.encoder);
    codec.writer.write(record, codec.encoder);
    codec.encoder.flush();
  }

  @Override
  public T deserialize(DataInputView source) throws IOException {
    Codec<T> codec = codec();
    // A direct decoder reads no further than the record.
    codec.decoder =
        DecoderFactory.get().directBinaryDecoder(new DataInputViewStream(source), codec.decoder);
    return codec.reader.read(null, codec.decoder);
  }

  @Override
  public T deserialize(T reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SpecificRecordSerializer<?> that && type.equals(that.type);
  }

  @Override
  public int hashCode() {
    return type.hashCode();
  }

  @Override
  public TypeSerializerSnapshot<T> snapshotConfiguration() {
    return new SpecificRecordSerializerSnapshot<>(type, codec().schema);
  }
}
