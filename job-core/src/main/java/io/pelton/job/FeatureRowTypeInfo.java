package io.pelton.job;

import io.pelton.feature.FeatureRow;
import java.io.IOException;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/** Type of a stream of feature rows, serialized by hand. */
public final class FeatureRowTypeInfo extends TypeInformation<FeatureRow> {
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
  public Class<FeatureRow> getTypeClass() {
    return FeatureRow.class;
  }

  @Override
  public boolean isKeyType() {
    return false;
  }

  @Override
  public TypeSerializer<FeatureRow> createSerializer(SerializerConfig config) {
    return new Serializer();
  }

  @Override
  public String toString() {
    return "FeatureRow";
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FeatureRowTypeInfo;
  }

  @Override
  public int hashCode() {
    return FeatureRowTypeInfo.class.hashCode();
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof FeatureRowTypeInfo;
  }

  /** Fields in order. */
  public static final class Serializer extends TypeSerializerSingleton<FeatureRow> {
    private static final long serialVersionUID = 1;

    @Override
    public boolean isImmutableType() {
      return true;
    }

    @Override
    public @Nullable FeatureRow createInstance() {
      return null;
    }

    @Override
    public FeatureRow copy(FeatureRow from) {
      return from;
    }

    @Override
    public FeatureRow copy(FeatureRow from, FeatureRow reuse) {
      return from;
    }

    @Override
    public int getLength() {
      return -1;
    }

    @Override
    public void serialize(FeatureRow row, DataOutputView out) throws IOException {
      out.writeUTF(row.id);
      out.writeLong(row.time);
      writeStrings(row.keys, out);
      writeDoubles(row.values, out);
      writeObjects(row.carried, out);
    }

    @Override
    public FeatureRow deserialize(DataInputView in) throws IOException {
      return new FeatureRow(
          in.readUTF(), in.readLong(), readStrings(in), readDoubles(in), readObjects(in));
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
    public FeatureRow deserialize(FeatureRow reuse, DataInputView source) throws IOException {
      return deserialize(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
      serialize(deserialize(source), target);
    }

    @Override
    public TypeSerializerSnapshot<FeatureRow> snapshotConfiguration() {
      return new Snapshot();
    }
  }

  /** Needs no more than the class. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<FeatureRow> {
    public Snapshot() {
      super(Serializer::new);
    }
  }
}
