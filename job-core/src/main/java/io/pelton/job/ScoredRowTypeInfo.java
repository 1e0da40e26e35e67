package io.pelton.job;

import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/** Type of a stream of predictions, serialized by hand. */
public final class ScoredRowTypeInfo extends TypeInformation<ScoredRow> {
  private static final long serialVersionUID = 1;

  @Override
  public boolean isBasicType() {
    return false;
  }

  @Override
  public boolean isTupleType() {
    return false;
  }

  @Override
  public int getArity() {
    return 1;
  }

  @Override
  public int getTotalFields() {
    return 1;
  }

  @Override
  public Class<ScoredRow> getTypeClass() {
    return ScoredRow.class;
  }

  @Override
  public boolean isKeyType() {
    return false;
  }

  @Override
  public TypeSerializer<ScoredRow> createSerializer(SerializerConfig config) {
    return new Serializer();
  }

  @Override
  public String toString() {
    return "ScoredRow";
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ScoredRowTypeInfo;
  }

  @Override
  public int hashCode() {
    return ScoredRowTypeInfo.class.hashCode();
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof ScoredRowTypeInfo;
  }

  /** Fields in order. */
  public static final class Serializer extends TypeSerializerSingleton<ScoredRow> {
    private static final long serialVersionUID = 1;

    @Override
    public boolean isImmutableType() {
      return true;
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
    public void serialize(ScoredRow row, DataOutputView out) throws IOException {
      out.writeUTF(row.id);
      out.writeLong(row.time);
      writeStrings(row.keys, out);
      writeObjects(row.carried, out);
      out.writeUTF(row.served.model());
      out.writeInt(row.served.version());
      out.writeUTF(row.served.artifactDigest());
      out.writeUTF(row.served.variant());
      writeStrings(row.served.features().toArray(new String[0]), out);
      writeStrings(row.served.outputs().toArray(new String[0]), out);
      writeDoubles(row.features, out);
      out.writeLong(row.featureDigest);
      writeDoubles(row.outputs, out);
    }

    @Override
    public ScoredRow deserialize(DataInputView in) throws IOException {
      return new ScoredRow(
          in.readUTF(),
          in.readLong(),
          readStrings(in),
          readObjects(in),
          new ServedVersion(
              in.readUTF(),
              in.readInt(),
              in.readUTF(),
              in.readUTF(),
              List.of(readStrings(in)),
              List.of(readStrings(in))),
          readDoubles(in),
          in.readLong(),
          readDoubles(in));
    }

    private static void writeStrings(String[] values, DataOutputView out) throws IOException {
      out.writeInt(values.length);
      for (String value : values) {
        out.writeUTF(value);
      }
    }

    private static String[] readStrings(DataInputView in) throws IOException {
      String[] values = new String[in.readInt()];
      for (int i = 0; i < values.length; i++) {
        values[i] = in.readUTF();
      }
      return values;
    }

    private static void writeDoubles(double[] values, DataOutputView out) throws IOException {
      out.writeInt(values.length);
      for (double value : values) {
        out.writeDouble(value);
      }
    }

    private static double[] readDoubles(DataInputView in) throws IOException {
      double[] values = new double[in.readInt()];
      for (int i = 0; i < values.length; i++) {
        values[i] = in.readDouble();
      }
      return values;
    }

    private static void writeObjects(@Nullable Object[] values, DataOutputView out)
        throws IOException {
      out.writeInt(values.length);
      for (Object value : values) {
        if (value == null) {
          out.writeByte(0);
        } else if (value instanceof Boolean flag) {
          out.writeByte(1);
          out.writeBoolean(flag);
        } else if (value instanceof Long number) {
          out.writeByte(2);
          out.writeLong(number);
        } else if (value instanceof Double number) {
          out.writeByte(3);
          out.writeDouble(number);
        } else {
          out.writeByte(4);
          out.writeUTF((String) value);
        }
      }
    }

    private static @Nullable Object[] readObjects(DataInputView in) throws IOException {
      @Nullable Object[] values = new @Nullable Object[in.readInt()];
      for (int i = 0; i < values.length; i++) {
        byte tag = in.readByte();
        if (tag == 1) {
          values[i] = in.readBoolean();
        } else if (tag == 2) {
          values[i] = in.readLong();
        } else if (tag == 3) {
          values[i] = in.readDouble();
        } else if (tag == 4) {
          values[i] = in.readUTF();
        }
      }
      return values;
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
    public TypeSerializerSnapshot<ScoredRow> snapshotConfiguration() {
      return new Snapshot();
    }
  }

  /** Needs no more than the class. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<ScoredRow> {
    public Snapshot() {
      super(Serializer::new);
    }
  }
}
