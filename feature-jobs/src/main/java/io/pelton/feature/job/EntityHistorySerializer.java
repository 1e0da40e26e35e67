package io.pelton.feature.job;

import io.pelton.feature.EntityHistory;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Serializes the history of one entity's key. The checkpoint says which inputs the history keeps
 * and how far back it reaches, so that a pipeline which needs other inputs, or looks further back,
 * is refused rather than given wrong numbers.
 */
final class EntityHistorySerializer extends TypeSerializer<EntityHistory> {
  private static final long serialVersionUID = 1;

  private final List<String> inputs;
  private final long reach;

  /**
   * @param inputs expressions whose values are kept
   * @param reach milliseconds
   */
  EntityHistorySerializer(List<String> inputs, long reach) {
    this.inputs = List.copyOf(inputs);
    this.reach = reach;
  }

  @Override
  public boolean isImmutableType() {
    return false;
  }

  @Override
  public TypeSerializer<EntityHistory> duplicate() {
    return this;
  }

  @Override
  public EntityHistory createInstance() {
    return new EntityHistory(inputs.size());
  }

  @Override
  public EntityHistory copy(EntityHistory from) {
    return from.copy();
  }

  @Override
  public EntityHistory copy(EntityHistory from, EntityHistory reuse) {
    return from.copy();
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public void serialize(EntityHistory history, DataOutputView target) throws IOException {
    history.write(target);
  }

  @Override
  public EntityHistory deserialize(DataInputView source) throws IOException {
    return EntityHistory.read(inputs.size(), source);
  }

  @Override
  public EntityHistory deserialize(EntityHistory reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof EntityHistorySerializer that
        && inputs.equals(that.inputs)
        && reach == that.reach;
  }

  @Override
  public int hashCode() {
    return inputs.hashCode() * 31 + Long.hashCode(reach);
  }

  @Override
  public TypeSerializerSnapshot<EntityHistory> snapshotConfiguration() {
    return new Snapshot(inputs, reach);
  }

  /** Which inputs, and how far back. */
  public static final class Snapshot implements TypeSerializerSnapshot<EntityHistory> {
    private List<String> inputs;
    private long reach;

    /** For Flink, before {@link #readSnapshot}. */
    public Snapshot() {
      this(List.of(), 0);
    }

    Snapshot(List<String> inputs, long reach) {
      this.inputs = inputs;
      this.reach = reach;
    }

    @Override
    public int getCurrentVersion() {
      return 1;
    }

    @Override
    public void writeSnapshot(DataOutputView out) throws IOException {
      out.writeInt(inputs.size());
      for (String input : inputs) {
        out.writeUTF(input);
      }
      out.writeLong(reach);
    }

    @Override
    public void readSnapshot(int version, DataInputView in, ClassLoader loader) throws IOException {
      String[] read = new String[in.readInt()];
      for (int i = 0; i < read.length; i++) {
        read[i] = in.readUTF();
      }
      inputs = List.of(read);
      reach = in.readLong();
    }

    @Override
    public TypeSerializer<EntityHistory> restoreSerializer() {
      return new EntityHistorySerializer(inputs, reach);
    }

    @Override
    public TypeSerializerSchemaCompatibility<EntityHistory> resolveSchemaCompatibility(
        TypeSerializerSnapshot<EntityHistory> old) {
      return old instanceof Snapshot before && before.inputs.equals(inputs) && before.reach >= reach
          ? TypeSerializerSchemaCompatibility.compatibleAsIs()
          : TypeSerializerSchemaCompatibility.incompatible();
    }
  }
}
