package io.pelton.feature.job;

import io.pelton.feature.Block;
import io.pelton.feature.BlockStore;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.util.FlinkRuntimeException;
import org.jspecify.annotations.Nullable;

/** The blocks of the current key in Flink's state. */
final class StateBlocks implements BlockStore {
  private final MapState<Long, Block> state;

  StateBlocks(MapState<Long, Block> state) {
    this.state = state;
  }

  @Override
  public @Nullable Block get(long number) {
    try {
      return state.get(number);
    } catch (Exception e) {
      throw new FlinkRuntimeException("block " + number + " of a history cannot be read", e);
    }
  }

  @Override
  public void put(long number, Block block) {
    try {
      state.put(number, block);
    } catch (Exception e) {
      throw new FlinkRuntimeException("block " + number + " of a history cannot be kept", e);
    }
  }

  @Override
  public void remove(long number) {
    try {
      state.remove(number);
    } catch (Exception e) {
      throw new FlinkRuntimeException("block " + number + " of a history cannot be removed", e);
    }
  }
}
