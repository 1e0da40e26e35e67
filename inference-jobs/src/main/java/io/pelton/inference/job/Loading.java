package io.pelton.inference.job;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Loads versions into a subtask, within its memory.
 *
 * @param temporary directory of the TaskManager for files
 * @param gpu index of the one that is the subtask's; null when Flink gives none
 * @param maxBatchSize rows of the largest batch of the versions that serve
 */
record Loading(
    String model,
    Models models,
    Path temporary,
    @Nullable Integer gpu,
    int maxBatchSize,
    HeldMemory memory) {
  /**
   * @param as what the version is loaded for, after its name
   * @param maxBatchSize rows of the largest batch that it is to score
   * @throws OverBudgetException before it is loaded, when it does not fit
   */
  Models.Loaded load(int version, String as, int maxBatchSize) throws IOException {
    Runnable giveBack = memory.take(model + "@" + version + as, models.memory(version));
    boolean done = false;
    try {
      Models.Loaded loaded = models.load(version, temporary, gpu, maxBatchSize);
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
