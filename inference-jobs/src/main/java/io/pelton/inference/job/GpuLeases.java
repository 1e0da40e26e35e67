package io.pelton.inference.job;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Spreads the subtasks of a TaskManager over its GPUs. Flink tells every subtask all the indexes of
 * its TaskManager; so each takes the one with the fewest users.
 */
final class GpuLeases {
  static final GpuLeases SHARED = new GpuLeases();

  private final Map<Integer, Integer> users = new HashMap<>();

  synchronized @Nullable Integer lease(List<Integer> indexes) {
    @Nullable Integer leased =
        indexes.stream()
            .min(
                Comparator.<Integer>comparingInt(index -> users.getOrDefault(index, 0))
                    .thenComparing(index -> index))
            .orElse(null);
    if (leased != null) {
      users.merge(leased, 1, Integer::sum);
    }
    return leased;
  }

  synchronized void release(int index) {
    users.computeIfPresent(index, (key, count) -> count == 1 ? null : count - 1);
  }
}
