package io.pelton.job;

import io.pelton.model.FallbackReason;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * Every record holds all it needs; the served version (and why it is another one than was meant)
 * travels as one block of bytes, which is encoded once as long as the same instance is written, and
 * decoded once as long as the same bytes are read: then all rows share one {@link ServedVersion}.
 */
final class ScoredRowSerializer extends TypeSerializer<ScoredRow> {
  private static final long serialVersionUID = 1L;

  private transient @Nullable ServedVersion written;
  private transient @Nullable FallbackReason writtenReason;
  private transient byte @Nullable [] writtenBytes;
  private transient @Nullable ServedVersion read;
  private transient @Nullable FallbackReason readReason;
  private transient byte @Nullable [] readBytes;
  private transient byte @Nullable [] scratch;

  @Override
  public boolean isImmutableType() {
    return true;
  }

  @Override
  public TypeSerializer<ScoredRow> duplicate() {
    return new ScoredRowSerializer();
  }

  @Override
  public @Nullable ScoredRow createInstance() {
    return null;
  }

  @Override
  public ScoredRow copy(ScoredRow from) {
    return from;
  }

  @Override
  public ScoredRow copy(ScoredRow from, ScoredRow reuse) {
    return from;
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public void serialize(ScoredRow row, DataOutputView target) throws IOException {
    Texts.write(row.id, target);
    target.writeLong(row.time);
    target.writeInt(row.keys.length);
    for (String key : row.keys) {
      Texts.write(key, target);
    }
    CarriedFields.write(row.carried, target);
    byte[] served = encoded(row.served, row.fallback);
    target.writeInt(served.length);
    target.write(served);
    writeDoubles(row.features, target);
    target.writeLong(row.featureDigest);
    writeDoubles(row.outputs, target);
  }

  @Override
  public ScoredRow deserialize(DataInputView source) throws IOException {
    String id = Texts.read(source);
    long time = source.readLong();
    String[] keys = new String[source.readInt()];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = Texts.read(source);
    }
    @Nullable Object[] carried = CarriedFields.read(source);
    ServedVersion served = readServed(source);
    double[] features = readDoubles(source);
    long featureDigest = source.readLong();
    double[] outputs = readDoubles(source);
    return new ScoredRow(
        id, time, keys, carried, served, features, featureDigest, outputs, readReason);
  }

  @Override
  public ScoredRow deserialize(ScoredRow reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ScoredRowSerializer;
  }

  @Override
  public int hashCode() {
    return ScoredRowSerializer.class.hashCode();
  }

  @Override
  public TypeSerializerSnapshot<ScoredRow> snapshotConfiguration() {
    return new Snapshot();
  }

  private byte[] encoded(ServedVersion served, @Nullable FallbackReason reason) throws IOException {
    byte[] bytes = writtenBytes;
    if (bytes == null || served != written || reason != writtenReason) {
      DataOutputSerializer output = new DataOutputSerializer(512);
      Texts.write(served.model(), output);
      output.writeInt(served.version());
      Texts.write(served.artifactDigest(), output);
      Texts.write(served.variant(), output);
      writeStrings(served.features(), output);
      writeStrings(served.outputs(), output);
      if (reason != null) {
        Texts.write(reason.label(), output);
      }
      bytes = output.getCopyOfBuffer();
      written = served;
      writtenReason = reason;
      writtenBytes = bytes;
    }
    return bytes;
  }

  /** Sets the reason too. */
  private ServedVersion readServed(DataInputView source) throws IOException {
    int length = source.readInt();
    byte[] bytes = scratch;
    if (bytes == null || bytes.length < length) {
      bytes = new byte[length];
      scratch = bytes;
    }
    source.readFully(bytes, 0, length);
    ServedVersion known = read;
    if (known != null
        && readBytes != null
        && Arrays.equals(bytes, 0, length, readBytes, 0, readBytes.length)) {
      return known;
    }
    DataInputDeserializer input = new DataInputDeserializer(bytes, 0, length);
    ServedVersion served =
        new ServedVersion(
            Texts.read(input),
            input.readInt(),
            Texts.read(input),
            Texts.read(input),
            readStrings(input),
            readStrings(input));
    readReason = input.available() == 0 ? null : FallbackReason.of(Texts.read(input));
    read = served;
    readBytes = Arrays.copyOf(bytes, length);
    return served;
  }

  private static void writeStrings(List<String> strings, DataOutputView target) throws IOException {
    target.writeInt(strings.size());
    for (String string : strings) {
      Texts.write(string, target);
    }
  }

  private static List<String> readStrings(DataInputView source) throws IOException {
    String[] strings = new String[source.readInt()];
    for (int i = 0; i < strings.length; i++) {
      strings[i] = Texts.read(source);
    }
    return List.of(strings);
  }

  private static void writeDoubles(double[] values, DataOutputView target) throws IOException {
    target.writeInt(values.length);
    for (double value : values) {
      target.writeDouble(value);
    }
  }

  private static double[] readDoubles(DataInputView source) throws IOException {
    double[] values = new double[source.readInt()];
    for (int i = 0; i < values.length; i++) {
      values[i] = source.readDouble();
    }
    return values;
  }

  /** Version 2: the layout above; in 1 the served version ended before the reason. */
  public static final class Snapshot implements TypeSerializerSnapshot<ScoredRow> {
    private static final int VERSION = 2;

    @Override
    public int getCurrentVersion() {
      return VERSION;
    }

    @Override
    public void writeSnapshot(DataOutputView out) {}

    @Override
    public void readSnapshot(int version, DataInputView in, ClassLoader classLoader)
        throws IOException {
      if (version < 1 || version > VERSION) {
        throw new IOException(
            "scored rows were written in layout %d; this Pelton reads up to %d; restore with a newer one"
                .formatted(version, VERSION));
      }
    }

    @Override
    public TypeSerializer<ScoredRow> restoreSerializer() {
      return new ScoredRowSerializer();
    }

    @Override
    public TypeSerializerSchemaCompatibility<ScoredRow> resolveSchemaCompatibility(
        TypeSerializerSnapshot<ScoredRow> old) {
      return old instanceof Snapshot
          ? TypeSerializerSchemaCompatibility.compatibleAsIs()
          : TypeSerializerSchemaCompatibility.incompatible();
    }
  }
}
