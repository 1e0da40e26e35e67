package io.pelton.drift.job;

import io.pelton.drift.BaselineProfile;
import io.pelton.model.ServedVersion;
import java.io.IOException;
import java.io.Serializable;

/** Where the baseline profile of a model version comes from. Called on task threads, and cached. */
@FunctionalInterface
public interface BaselineProvider extends Serializable {
  /**
   * The profile that was published with a version.
   *
   * @throws IOException when the version has none that can be read: its rows become dead letters,
   *     and the next window asks again. An unchecked exception fails the job.
   */
  BaselineProfile load(ServedVersion version) throws IOException;
}
