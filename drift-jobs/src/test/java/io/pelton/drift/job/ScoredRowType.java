package io.pelton.drift.job;

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

/** Just enough to carry the rows of {@link Predictions} between tasks. */
final class ScoredRowType extends TypeInformation<ScoredRow> {
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
    return other instanceof ScoredRowType;
  }

  @Override
  public int hashCode() {
    return 1;
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof ScoredRowType;
  }

  static final class Serializer extends TypeSerializerSingleton<ScoredRow> {
    @Override
    public boolean isImmutableType() {
      return true;
    }

    @Override
    public ScoredRow createInstance() {
      return Predictions.row(0);
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
      target.writeUTF(row.id);
      target.writeLong(row.time);
      target.writeInt(row.served.version());
      for (double[] values : List.of(row.features, row.outputs)) {
        target.writeInt(values.length);
        for (double value : values) {
          target.writeDouble(value);
        }
      }
    }

    @Override
    public ScoredRow deserialize(DataInputView source) throws IOException {
      String id = source.readUTF();
      long time = source.readLong();
      int version = source.readInt();
      // A new instance a row, as a careless source may make it.
      ServedVersion served =
          new ServedVersion(
              "card-fraud", version, "00", "champion", Predictions.FEATURES, List.of("score"));
      return new ScoredRow(
          id, time, new String[0], new Object[0], served, doubles(source), 0, doubles(source));
    }

    private static double[] doubles(DataInputView source) throws IOException {
      double[] values = new double[source.readInt()];
      for (int i = 0; i < values.length; i++) {
        values[i] = source.readDouble();
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

    /** Public, for Flink creates it. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<ScoredRow> {
      public Snapshot() {
        super(Serializer::new);
      }
    }
  }
}
