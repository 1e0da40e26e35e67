package io.pelton.feature;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where the sealed blocks of one key's history lie, each under its number. */
public interface BlockStore {
  @Nullable Block get(long number);

  void put(long number, Block block);

  void remove(long number);

  /** In memory, for a run that takes key after key. */
  final class InMemory implements BlockStore {
    private final Map<Long, Block> blocks = new HashMap<>();

    @Override
    public @Nullable Block get(long number) {
      return blocks.get(number);
    }

    @Override
    public void put(long number, Block block) {
      blocks.put(number, block);
    }

    @Override
    public void remove(long number) {
      blocks.remove(number);
    }

    /** Forgets all, for another key. */
    public void clear() {
      blocks.clear();
    }
  }
}
