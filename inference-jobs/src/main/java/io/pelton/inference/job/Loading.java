package io.pelton.inference.job;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Loads versions into a subtask, within its memory.
 *
 * @param temporary directory of the TaskManager for files
 * @param gpus indexes of the GPUs that Flink gives this TaskManager
 */
record Loading(String model, Models models, Path temporary, List<Integer> gpus, HeldMemory memory) {
  /**
   * @param as what the version is loaded for, after its name
   * @throws OverBudgetException before it is loaded, when it does not fit
   */
  Models.Loaded load(int version, String as) throws IOException {
    Runnable giveBack = memory.take(model + "@" + version + as, models.memory(version));
    boolean done = false;
    try {
      Models.Loaded loaded = models.load(version, temporary, gpus);
      done = true;
      return new Models.Loaded(
          loaded.served(),
          loaded.model(),
          loaded.requestedDevice(),
          () -> {
            try {
              loaded.release().run();
            } finally {
              giveBack.run();
            }
          });
    } finally {
      if (!done) {
        giveBack.run();
      }
    }
  }

  /** The version that scores when another one cannot; null when none does. */
  @Nullable Integer fallback() {
    return models.fallback();
  }

  /** Bytes that a version takes. */
  long bytes(int version) throws IOException {
    return models.memory(version);
  }
}
