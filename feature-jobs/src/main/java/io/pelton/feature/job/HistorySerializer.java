package io.pelton.feature.job;

import io.pelton.feature.Block;
import io.pelton.feature.EntityHistory;
import io.pelton.feature.Layout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Serializes parts of histories behind the number of the layout that they have. A checkpoint knows
 * all layouts that its parts may have; a pipeline with other features adds its own, and parts take
 * it when they are next used.
 */
abstract class HistorySerializer<T> extends TypeSerializer<T> {
  private static final long serialVersionUID = 1;

  final List<Layout> layouts;

  HistorySerializer(List<Layout> layouts) {
    this.layouts = List.copyOf(layouts);
  }

  abstract Layout layoutOf(T value);

  abstract void write(T value, DataOutputView target) throws IOException;

  abstract T read(Layout layout, DataInputView source) throws IOException;

  @Override
  public TypeSerializer<T> duplicate() {
    return this;
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
  public void serialize(T value, DataOutputView target) throws IOException {
    int number = layouts.indexOf(layoutOf(value));
    if (number < 0) {
      throw new IOException(layoutOf(value) + " is none of the layouts of this state");
    }
    target.writeByte(number);
    write(value, target);
  }

  @Override
  public T deserialize(DataInputView source) throws IOException {
    return read(layouts.get(source.readUnsignedByte()), source);
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
    return other != null
        && getClass() == other.getClass()
        && layouts.equals(((HistorySerializer<?>) other).layouts);
  }

  @Override
  public int hashCode() {
    return layouts.hashCode();
  }

  /** What changes with each event. */
  static final class Newest extends HistorySerializer<EntityHistory> {
    private static final long serialVersionUID = 1;

    Newest(List<Layout> layouts) {
      super(layouts);
    }

    @Override
    public boolean isImmutableType() {
      return false;
    }

    @Override
    public EntityHistory createInstance() {
      return new EntityHistory(layouts.get(layouts.size() - 1));
    }

    @Override
    public EntityHistory copy(EntityHistory from) {
      return from.copy();
    }

    @Override
    Layout layoutOf(EntityHistory value) {
      return value.layout();
    }

    @Override
    void write(EntityHistory value, DataOutputView target) throws IOException {
      value.write(target);
    }

    @Override
    EntityHistory read(Layout layout, DataInputView source) throws IOException {
      return EntityHistory.read(layout, source);
    }

    @Override
    public TypeSerializerSnapshot<EntityHistory> snapshotConfiguration() {
      return new NewestSnapshot(layouts);
    }
  }

  /** Sealed blocks: they never change, so copies are not needed. */
  static final class Sealed extends HistorySerializer<Block> {
    private static final long serialVersionUID = 1;

    Sealed(List<Layout> layouts) {
      super(layouts);
    }

    @Override
    public boolean isImmutableType() {
      return true;
    }

    @Override
    public Block createInstance() {
      throw new UnsupportedOperationException("a block is never reused");
    }

    @Override
    public Block copy(Block from) {
      return from;
    }

    @Override
    Layout layoutOf(Block value) {
      return value.layout();
    }

    @Override
    void write(Block value, DataOutputView target) throws IOException {
      value.write(target);
    }

    @Override
    Block read(Layout layout, DataInputView source) throws IOException {
      return Block.read(layout, source);
    }

    @Override
    public TypeSerializerSnapshot<Block> snapshotConfiguration() {
      return new SealedSnapshot(layouts);
    }
  }

  /** The layouts. */
  abstract static class Snapshot<T> implements TypeSerializerSnapshot<T> {
    private List<Layout> layouts;

    Snapshot(List<Layout> layouts) {
      this.layouts = layouts;
    }

    abstract HistorySerializer<T> serializer(List<Layout> of);

    @Override
    public int getCurrentVersion() {
      return 1;
    }

    @Override
    public void writeSnapshot(DataOutputView out) throws IOException {
      out.writeInt(layouts.size());
      for (Layout layout : layouts) {
        layout.write(out);
      }
    }

    @Override
    public void readSnapshot(int version, DataInputView in, ClassLoader loader) throws IOException {
      List<Layout> read = new ArrayList<>();
      for (int left = in.readInt(); left > 0; left--) {
        read.add(Layout.read(in));
      }
      layouts = read;
    }

    @Override
    public TypeSerializer<T> restoreSerializer() {
      return serializer(layouts);
    }

    @Override
    public TypeSerializerSchemaCompatibility<T> resolveSchemaCompatibility(
        TypeSerializerSnapshot<T> old) {
      if (!(old instanceof Snapshot<T> before)) {
        return TypeSerializerSchemaCompatibility.incompatible();
      }
      if (before.layouts.equals(layouts)) {
        return TypeSerializerSchemaCompatibility.compatibleAsIs();
      }
      List<Layout> all = new ArrayList<>(before.layouts);
      layouts.stream().filter(layout -> !all.contains(layout)).forEach(all::add);
      return TypeSerializerSchemaCompatibility.compatibleWithReconfiguredSerializer(
          serializer(all));
    }
  }

  /** Of {@link Newest}. */
  public static final class NewestSnapshot extends Snapshot<EntityHistory> {
    /** For Flink, before {@link #readSnapshot}. */
    public NewestSnapshot() {
      this(List.of());
    }

    NewestSnapshot(List<Layout> layouts) {
      super(layouts);
    }

    @Override
    HistorySerializer<EntityHistory> serializer(List<Layout> of) {
      return new Newest(of);
    }
  }

  /** Of {@link Sealed}. */
  public static final class SealedSnapshot extends Snapshot<Block> {
    /** For Flink, before {@link #readSnapshot}. */
    public SealedSnapshot() {
      this(List.of());
    }

    SealedSnapshot(List<Layout> layouts) {
      super(layouts);
    }

    @Override
    HistorySerializer<Block> serializer(List<Layout> of) {
      return new Sealed(of);
    }
  }
}
