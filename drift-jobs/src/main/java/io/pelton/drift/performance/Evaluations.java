package io.pelton.drift.performance;

import java.io.IOException;
import java.io.Serializable;

/** Where the evaluation of a model version comes from. Called on task threads, and cached. */
@FunctionalInterface
public interface Evaluations extends Serializable {
  /**
   * What was published with a version; {@link VersionEvaluation#NONE} when it is gone.
   *
   * @throws IOException when that cannot be told now: the task is tried again
   */
  VersionEvaluation load(String model, int version) throws IOException;
}
