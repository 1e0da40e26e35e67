package io.pelton.job;

import io.pelton.feature.FeatureRow;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;
import org.jspecify.annotations.Nullable;

/** Writes a record as its source read it; only used where the source is not chained. */
public final class IncomingSerializer extends TypeSerializerSingleton<Incoming> {
  public static final IncomingSerializer INSTANCE = new IncomingSerializer();
  private static final long serialVersionUID = 1;

  @Override
  public boolean isImmutableType() {
    return false;
  }

  @Override
  public Incoming createInstance() {
    return new Incoming("", -1, 0, 0, null, null, null, null);
  }

  @Override
  public Incoming copy(Incoming from) {
    return new Incoming(
        from.source,
        from.partition,
        from.offset,
        from.timestamp,
        from.key,
        from.value,
        from.row == null ? null : FeatureRowSerializer.INSTANCE.copy(from.row),
        from.rejection,
        from.replaced);
  }

  @Override
  public Incoming copy(Incoming from, Incoming reuse) {
    return copy(from);
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public void serialize(Incoming record, DataOutputView target) throws IOException {
    StringValue.writeString(record.source, target);
    target.writeInt(record.partition);
    target.writeLong(record.offset);
    target.writeLong(record.timestamp);
    write(record.key, target);
    write(record.value, target);
    target.writeBoolean(record.row != null);
    if (record.row != null) {
      FeatureRowSerializer.INSTANCE.serialize(record.row, target);
    }
    Incoming.Rejection rejection = record.rejection;
    target.writeBoolean(rejection != null);
    if (rejection != null) {
      StringValue.writeString(rejection.stage(), target);
      StringValue.writeString(rejection.reason(), target);
      StringValue.writeString(rejection.detail(), target);
      StringValue.writeString(rejection.rule(), target);
      StringValue.writeString(rejection.eventId(), target);
      target.writeBoolean(rejection.fatal());
    }
    target.writeInt(record.replaced.size());
    for (String rule : record.replaced) {
      StringValue.writeString(rule, target);
    }
  }

  private static void write(byte @Nullable [] bytes, DataOutputView target) throws IOException {
    target.writeInt(bytes == null ? -1 : bytes.length);
    if (bytes != null) {
      target.write(bytes);
    }
  }

  private static byte @Nullable [] read(DataInputView source) throws IOException {
    int length = source.readInt();
    if (length < 0) {
      return null;
    }
    byte[] bytes = new byte[length];
    source.readFully(bytes);
    return bytes;
  }

  @Override
  public Incoming deserialize(DataInputView source) throws IOException {
    String origin = StringValue.readString(source);
    int partition = source.readInt();
    long offset = source.readLong();
    long timestamp = source.readLong();
    byte[] key = read(source);
    byte[] value = read(source);
    FeatureRow row =
        source.readBoolean() ? FeatureRowSerializer.INSTANCE.deserialize(source) : null;
    Incoming.Rejection rejection =
        source.readBoolean()
            ? new Incoming.Rejection(
                StringValue.readString(source),
                StringValue.readString(source),
                StringValue.readString(source),
                StringValue.readString(source),
                StringValue.readString(source),
                source.readBoolean())
            : null;
    int count = source.readInt();
    List<String> replaced = count == 0 ? List.of() : new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      replaced.add(StringValue.readString(source));
    }
    return new Incoming(origin, partition, offset, timestamp, key, value, row, rejection, replaced);
  }

  @Override
  public Incoming deserialize(Incoming reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public TypeSerializerSnapshot<Incoming> snapshotConfiguration() {
    return new Snapshot();
  }

  /** The format has no parameters. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<Incoming> {
    public Snapshot() {
      super(() -> INSTANCE);
    }
  }
}
