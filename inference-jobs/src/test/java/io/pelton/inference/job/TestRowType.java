package io.pelton.inference.job;

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

/** Feature rows with one key and nothing carried. */
final class TestRowType extends TypeInformation<FeatureRow> {
  static final TestRowType INSTANCE = new TestRowType();

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
    return other instanceof TestRowType;
  }

  @Override
  public int hashCode() {
    return 1;
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof TestRowType;
  }

  static final class Serializer extends TypeSerializerSingleton<FeatureRow> {
    @Override
    public boolean isImmutableType() {
      return true;
    }

    @Override
    public FeatureRow createInstance() {
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
    public void serialize(FeatureRow row, DataOutputView target) throws IOException {
      target.writeUTF(row.id);
      target.writeLong(row.time);
      target.writeUTF(row.keys[0]);
      target.writeInt(row.values.length);
      for (double value : row.values) {
        target.writeDouble(value);
      }
    }

    @Override
    public FeatureRow deserialize(DataInputView source) throws IOException {
      String id = source.readUTF();
      long time = source.readLong();
      String[] keys = {source.readUTF()};
      double[] values = new double[source.readInt()];
      for (int i = 0; i < values.length; i++) {
        values[i] = source.readDouble();
      }
      return new FeatureRow(id, time, keys, values, new Object[0]);
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

  /** For Flink. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<FeatureRow> {
    public Snapshot() {
      super(Serializer::new);
    }
  }
}
