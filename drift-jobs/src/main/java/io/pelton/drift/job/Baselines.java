package io.pelton.drift.job;

import io.pelton.drift.BaselineProfile;
import io.pelton.drift.FeatureProfile;
import io.pelton.model.ServedVersion;
import io.pelton.registry.RegistryException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The baseline profiles that a subtask used last, and why others could not be had. */
final class Baselines {
  /** Versions kept; a profile takes about 50 KB a feature. */
  private static final int KEPT = 32;

  /**
   * @param profiles of the version's features, then of its outputs, in its order; empty when the
   *     baseline could not be had
   * @param problem why not, else empty
   * @param window start of the newest window that asked in vain
   */
  record Baseline(List<FeatureProfile> profiles, String problem, long window) {
    boolean found() {
      return problem.isEmpty();
    }

    /**
     * @throws IllegalStateException when the baseline has no profile of that name
     */
    FeatureProfile profile(String reportName) {
      for (FeatureProfile profile : profiles) {
        if (profile.reportName().equals(reportName)) {
          return profile;
        }
      }
      throw new IllegalStateException(
          "counts of %s have no baseline profile; the baseline was changed after the version served"
              .formatted(reportName));
    }
  }

  private final BaselineProvider provider;
  private final Map<VersionKey, Baseline> known =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<VersionKey, Baseline> eldest) {
          return size() > KEPT;
        }
      };

  Baselines(BaselineProvider provider) {
    this.provider = provider;
  }

  /** The baseline of a version; one that could not be had is asked for again by a later window. */
  Baseline get(ServedVersion served, long window) {
    VersionKey key = VersionKey.of(served);
    Baseline baseline = known.get(key);
    if (baseline == null || (!baseline.found() && baseline.window() < window)) {
      baseline = load(served, window);
      known.put(key, baseline);
    }
    return baseline;
  }

  private Baseline load(ServedVersion served, long window) {
    try {
      BaselineProfile baseline = provider.load(served);
      List<FeatureProfile> profiles = new ArrayList<>();
      served.features().forEach(name -> profiles.add(baseline.feature(name)));
      served.outputs().forEach(name -> profiles.add(baseline.output(name)));
      return new Baseline(List.copyOf(profiles), "", window);
    } catch (FileNotFoundException
        | NoSuchFileException
        | RegistryException
        | IllegalArgumentException e) {
      return new Baseline(
          List.of(),
          "no baseline profile of %s@%d: %s; publish the version with one"
              .formatted(served.model(), served.version(), e.getMessage()),
          window);
    } catch (IOException e) {
      // A registry that cannot be read is no fault of the rows: the task is tried again.
      throw new UncheckedIOException(e);
    }
  }
}
