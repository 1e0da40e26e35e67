package io.pelton.job;

import io.pelton.feature.FeatureRow;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * Writes a feature row as how many bytes follow, then its strings and numbers, field after field,
 * missing numbers as a bit. So rows are copied without being read, and are short while most of
 * their features are still to come.
 */
public final class FeatureRowSerializer extends TypeSerializerSingleton<FeatureRow> {
  public static final FeatureRowSerializer INSTANCE = new FeatureRowSerializer();
  private static final long serialVersionUID = 2;
  private static final int WORD = 64;
  private static final long MISSING = Double.doubleToRawLongBits(Double.NaN);
  private static final int HISTORY = 1;
  private static final int OVERTAKEN = 2;
  private static final int MAPS = 4;
  private static final int LATE = 8;
  private static final int ENTERED = 16;
  private static final int OUTCOME = 32;

  // A row's bytes. Not of classes of the job's, which the thread would keep when the job is gone.
  private static final ThreadLocal<DataOutputSerializer> WRITTEN =
      ThreadLocal.withInitial(() -> new DataOutputSerializer(256));
  private static final ThreadLocal<byte[]> READ = ThreadLocal.withInitial(() -> new byte[256]);

  @Override
  public boolean isImmutableType() {
    return false;
  }

  @Override
  public FeatureRow createInstance() {
    return new FeatureRow("", 0, new String[0], new double[0], new Object[0]);
  }

  @Override
  public FeatureRow copy(FeatureRow from) {
    FeatureRow copy =
        new FeatureRow(
            from.id, from.time, from.keys.clone(), from.values.clone(), from.carried.clone());
    copy.history = from.history;
    copy.outcome = from.outcome;
    copy.late = from.late;
    copy.entered = from.entered;
    copy.maps = from.maps.clone();
    copy.overtaken = from.overtaken.clone();
    return copy;
  }

  @Override
  public FeatureRow copy(FeatureRow from, FeatureRow reuse) {
    return copy(from);
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public void serialize(FeatureRow row, DataOutputView target) throws IOException {
    if (target instanceof DataOutputSerializer array) {
      writeWithLength(row, array);
    } else {
      DataOutputSerializer array = WRITTEN.get();
      array.clear();
      writeWithLength(row, array);
      target.write(array.getSharedBuffer(), 0, array.length());
    }
  }

  private static void writeWithLength(FeatureRow row, DataOutputSerializer target)
      throws IOException {
    int start = target.length();
    target.writeInt(0);
    write(row, target);
    target.writeIntUnsafe(target.length() - start - Integer.BYTES, start);
  }

  private static void write(FeatureRow row, DataOutputView target) throws IOException {
    Texts.write(row.id, target);
    target.writeLong(row.time);
    target.writeInt(row.keys.length);
    for (String key : row.keys) {
      Texts.write(key, target);
    }
    writeNumbers(row.values, target);
    CarriedFields.write(row.carried, target);
    boolean overtook = row.overtaken.length > 0;
    boolean maps = row.maps.length > 0;
    target.writeByte(
        (row.history ? HISTORY : 0)
            | (overtook ? OVERTAKEN : 0)
            | (maps ? MAPS : 0)
            | (row.outcome ? OUTCOME : 0)
            | (row.late ? LATE : 0)
            | (row.entered ? ENTERED : 0));
    if (overtook) {
      target.writeInt(row.overtaken.length);
      for (int events : row.overtaken) {
        target.writeInt(events);
      }
    }
    if (maps) {
      target.writeInt(row.maps.length);
      for (Map<String, Double> map : row.maps) {
        target.writeInt(map.size());
        for (Map.Entry<String, Double> entry : map.entrySet()) {
          Texts.write(entry.getKey(), target);
          target.writeDouble(entry.getValue());
        }
      }
    }
  }

  /** For each 64 numbers the bits of those that are there, then these. */
  private static void writeNumbers(double[] values, DataOutputView target) throws IOException {
    target.writeInt(values.length);
    for (int from = 0; from < values.length; from += WORD) {
      int to = Math.min(from + WORD, values.length);
      long there = 0;
      for (int i = from; i < to; i++) {
        there |= Double.doubleToRawLongBits(values[i]) == MISSING ? 0 : 1L << (i - from);
      }
      target.writeLong(there);
      for (int i = from; i < to; i++) {
        if ((there >>> (i - from) & 1) != 0) {
          target.writeDouble(values[i]);
        }
      }
    }
  }

  private static double[] readNumbers(DataInputView source) throws IOException {
    double[] values = new double[source.readInt()];
    for (int from = 0; from < values.length; from += WORD) {
      int to = Math.min(from + WORD, values.length);
      long there = source.readLong();
      for (int i = from; i < to; i++) {
        values[i] = (there >>> (i - from) & 1) != 0 ? source.readDouble() : Double.NaN;
      }
    }
    return values;
  }

  @Override
  public FeatureRow deserialize(DataInputView source) throws IOException {
    int length = source.readInt();
    return read(new Texts.Input(bytes(source, length), length));
  }

  private static byte[] bytes(DataInputView source, int length) throws IOException {
    byte[] bytes = READ.get();
    if (bytes.length < length) {
      bytes = new byte[Math.max(length, 2 * bytes.length)];
      READ.set(bytes);
    }
    source.readFully(bytes, 0, length);
    return bytes;
  }

  private static FeatureRow read(DataInputView source) throws IOException {
    String id = Texts.read(source);
    long time = source.readLong();
    String[] keys = new String[source.readInt()];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = Texts.read(source);
    }
    double[] values = readNumbers(source);
    @Nullable Object[] carried = CarriedFields.read(source);
    FeatureRow row = new FeatureRow(id, time, keys, values, carried);
    byte flags = source.readByte();
    row.history = (flags & HISTORY) != 0;
    row.outcome = (flags & OUTCOME) != 0;
    row.late = (flags & LATE) != 0;
    row.entered = (flags & ENTERED) != 0;
    if ((flags & OVERTAKEN) != 0) {
      row.overtaken = new int[source.readInt()];
      for (int i = 0; i < row.overtaken.length; i++) {
        row.overtaken[i] = source.readInt();
      }
    }
    if ((flags & MAPS) != 0) {
      row.maps = FeatureRow.maps(source.readInt());
      for (int i = 0; i < row.maps.length; i++) {
        Map<String, Double> map = new LinkedHashMap<>();
        for (int left = source.readInt(); left > 0; left--) {
          map.put(Texts.read(source), source.readDouble());
        }
        row.maps[i] = map;
      }
    }
    return row;
  }

  @Override
  public FeatureRow deserialize(FeatureRow reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    int length = source.readInt();
    byte[] bytes = bytes(source, length);
    target.writeInt(length);
    target.write(bytes, 0, length);
  }

  @Override
  public TypeSerializerSnapshot<FeatureRow> snapshotConfiguration() {
    return new Snapshot();
  }

  /** The format has no parameters. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<FeatureRow> {
    public Snapshot() {
      super(() -> INSTANCE);
    }
  }
}
