package io.pelton.feature.job;

import io.pelton.feature.RowNames;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.DataInputViewStreamWrapper;
import org.apache.flink.core.memory.DataOutputViewStreamWrapper;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.KeyGroupStatePartitionStreamProvider;
import org.apache.flink.runtime.state.KeyedStateCheckpointOutputStream;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;

/**
 * The snapshot of a queue that holds what waits of all keys of an operator: written by key group,
 * so that it is spread anew as they are, and with the names that its rows were made with.
 */
final class WaitingState<T> {
  private final String what;
  private final byte format;
  private final TypeSerializer<T> serializer;
  private final RowNames names;
  private final Function<T, String> key;

  /**
   * @param what it is that waits, in words
   * @param format version of the layout; snapshots of another are refused
   * @param names what the places in a row mean
   * @param key by which the operator is keyed
   */
  WaitingState(
      String what,
      byte format,
      TypeSerializer<T> serializer,
      RowNames names,
      Function<T, String> key) {
    this.what = what;
    this.format = format;
    this.serializer = serializer;
    this.names = names;
    this.key = key;
  }

  /**
   * @param keyGroups of the operator, in all subtasks together
   */
  void write(Iterable<T> waiting, int keyGroups, StateSnapshotContext context) throws Exception {
    Map<Integer, List<T>> byGroup = new TreeMap<>();
    for (T one : waiting) {
      int group = KeyGroupRangeAssignment.assignToKeyGroup(key.apply(one), keyGroups);
      byGroup.computeIfAbsent(group, unused -> new ArrayList<>()).add(one);
    }
    KeyedStateCheckpointOutputStream out = context.getRawKeyedOperatorStateOutput();
    for (int group : out.getKeyGroupList()) {
      out.startNewKeyGroup(group);
      List<T> ofGroup = byGroup.getOrDefault(group, List.of());
      DataOutputViewStreamWrapper view = new DataOutputViewStreamWrapper(out);
      view.writeByte(format);
      names.write(view);
      view.writeInt(ofGroup.size());
      for (T one : ofGroup) {
        serializer.serialize(one, view);
      }
      view.flush();
    }
  }

  /**
   * @param taker of what a key group has, and of the names that its rows were made with
   * @throws IOException when it cannot be read, or has another format
   */
  void read(StateInitializationContext context, BiConsumer<List<T>, RowNames> taker)
      throws IOException {
    for (KeyGroupStatePartitionStreamProvider group : context.getRawKeyedStateInputs()) {
      DataInputViewStreamWrapper view = new DataInputViewStreamWrapper(group.getStream());
      byte found = view.readByte();
      if (found != format) {
        throw new IOException(
            "%s have format %d, but this version reads %d".formatted(what, found, format));
      }
      RowNames written = RowNames.read(view);
      List<T> ofGroup = new ArrayList<>();
      for (int left = view.readInt(); left > 0; left--) {
        ofGroup.add(serializer.deserialize(view));
      }
      taker.accept(ofGroup, written);
    }
  }
}
