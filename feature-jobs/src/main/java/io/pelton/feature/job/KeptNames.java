package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.feature.OutcomePlan;
import io.pelton.feature.RowNames;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * The names by which rows were kept since the job's first start, so that a row kept for one
 * pipeline file is read by the next: each kept row says which of them are its own.
 */
final class KeptNames {
  private static final ListStateDescriptor<byte[]> STATE =
      new ListStateDescriptor<>(
          "kept-names", PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);

  private final ListState<byte[]> state;
  private final List<RowNames> versions = new ArrayList<>();

  /**
   * @param current the names of rows that are kept from now on
   */
  KeptNames(RowNames current, OperatorStateStore store) throws Exception {
    // Every subtask writes the same, so that after a change of parallelism each has them all.
    state = store.getUnionListState(STATE);
    TreeMap<Integer, RowNames> restored = new TreeMap<>();
    for (byte[] entry : state.get()) {
      DataInputDeserializer in = new DataInputDeserializer(entry);
      restored.put(in.readInt(), RowNames.read(in));
    }
    versions.addAll(restored.values());
    if (versions.isEmpty() || !versions.get(versions.size() - 1).equals(current)) {
      versions.add(current);
    }
  }

  void snapshot() throws Exception {
    List<byte[]> entries = new ArrayList<>();
    for (int version = 0; version < versions.size(); version++) {
      entries.add(entry(version));
    }
    state.update(entries);
  }

  private byte[] entry(int version) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(128);
    out.writeInt(version);
    versions.get(version).write(out);
    return Arrays.copyOf(out.getSharedBuffer(), out.length());
  }

  /** Notes in a row that it is kept by the current names. */
  void mark(FeatureRow row) {
    row.values[OutcomePlan.VERSION] = versions.size() - 1;
  }

  /** A kept row in the places of the current names. */
  FeatureRow adopt(FeatureRow row) {
    int version = (int) row.values[OutcomePlan.VERSION];
    return versions.get(versions.size() - 1).adopt(row, versions.get(version));
  }
}
