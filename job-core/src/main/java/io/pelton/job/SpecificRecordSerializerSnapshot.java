package io.pelton.job;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/** The class of a record in state, and the schema that wrote it. */
public final class SpecificRecordSerializerSnapshot<T extends SpecificRecord>
    implements TypeSerializerSnapshot<T> {
  private static final int VERSION = 1;

  private @Nullable Class<T> type;
  private @Nullable Schema schema;

  /** For Flink, which calls {@link #readSnapshot} next. */
  public SpecificRecordSerializerSnapshot() {}

  SpecificRecordSerializerSnapshot(Class<T> type, Schema schema) {
    this.type = type;
    this.schema = schema;
  }

  @Override
  public int getCurrentVersion() {
    return VERSION;
  }

  @Override
  public void writeSnapshot(DataOutputView out) throws IOException {
    out.writeUTF(type().getName());
    // Schemas outgrow the 64 KiB of writeUTF.
    byte[] json = schema().toString().getBytes(StandardCharsets.UTF_8);
    out.writeInt(json.length);
    out.write(json);
  }

  @Override
  @SuppressWarnings("unchecked")
  public void readSnapshot(int version, DataInputView in, ClassLoader classLoader)
      throws IOException {
    if (version != VERSION) {
      throw new IOException(
          "state of Avro records is of snapshot version %d; this build reads version %d"
              .formatted(version, VERSION));
    }
    String name = in.readUTF();
    byte[] json = new byte[in.readInt()];
    in.readFully(json);
    schema = new Schema.Parser().parse(new String(json, StandardCharsets.UTF_8));
    try {
      type = (Class<T>) Class.forName(name, false, classLoader).asSubclass(SpecificRecord.class);
    } catch (ClassNotFoundException e) {
      throw new IOException(
          "state holds records of class %s, which is not on the class path".formatted(name), e);
    }
  }

  @Override
  public TypeSerializer<T> restoreSerializer() {
    return new SpecificRecordSerializer<>(type(), schema().toString());
  }

  @Override
  public TypeSerializerSchemaCompatibility<T> resolveSchemaCompatibility(
      TypeSerializerSnapshot<T> old) {
    if (!(old instanceof SpecificRecordSerializerSnapshot<T> before)
        || !before.type().equals(type())) {
      return TypeSerializerSchemaCompatibility.incompatible();
    }
    Schema now = SpecificData.getForClass(type()).getSchema(type());
    if (before.schema().equals(now)) {
      return TypeSerializerSchemaCompatibility.compatibleAsIs();
    }
    return SchemaCompatibility.checkReaderWriterCompatibility(now, before.schema()).getType()
            == SchemaCompatibilityType.COMPATIBLE
        ? TypeSerializerSchemaCompatibility.compatibleAfterMigration()
        : TypeSerializerSchemaCompatibility.incompatible();
  }

  private Class<T> type() {
    if (type == null) {
      throw new IllegalStateException("snapshot of a record serializer was not read yet");
    }
    return type;
  }

  private Schema schema() {
    if (schema == null) {
      throw new IllegalStateException("snapshot of a record serializer was not read yet");
    }
    return schema;
  }
}
