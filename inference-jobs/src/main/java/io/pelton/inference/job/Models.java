package io.pelton.inference.job;

import io.pelton.model.ScoringModel;
import io.pelton.model.ServedVersion;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Gives a subtask the versions of a model that it is to serve. */
interface Models extends Serializable {
  /**
   * @param version of the model
   * @param temporary directory of the TaskManager for files
   * @param gpu index of the one that is the subtask's; null when Flink gives none
   * @param maxBatchSize rows of the largest batch that it is to score
   */
  Loaded load(int version, Path temporary, @Nullable Integer gpu, int maxBatchSize)
      throws IOException;

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
