package io.pelton.inference.job;

import io.pelton.model.ScoringModel;
import io.pelton.model.ServedVersion;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Gives a subtask the versions of a model that it is to serve. */
interface Models extends Serializable {
  /**
   * @param version of the model
   * @param temporary directory of the TaskManager for files
   * @param gpus indexes of the GPUs that Flink gives this TaskManager; empty when none
   */
  Loaded load(int version, Path temporary, List<Integer> gpus) throws IOException;

  /** The version that scores when another one cannot; null when none does. */
  default @Nullable Integer fallback() {
    return null;
  }

  /** Bytes that a version takes when it is loaded. */
  long memory(int version) throws IOException;

  /**
   * A version that is ready to score, until it is closed.
   *
   * @param served as champion
   * @param requestedDevice what the pipeline asks for; the model tells what it got
   * @param release gives back what loading took
   */
  record Loaded(ServedVersion served, ScoringModel model, String requestedDevice, Runnable release)
      implements AutoCloseable {
    @Override
    public void close() {
      try {
        model.close();
      } finally {
        release.run();
      }
    }
  }
}
