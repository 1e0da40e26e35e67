package io.pelton.drift.job;

import io.pelton.drift.BaselineProfile;
import io.pelton.job.FlinkStorage;
import io.pelton.model.ServedVersion;
import io.pelton.registry.Registry;
import java.io.FileNotFoundException;
import java.io.IOException;

/** Baseline profiles as they were published with the model versions. */
public final class RegistryBaselines implements BaselineProvider {
  private static final long serialVersionUID = 1;

  private final String registry;

  /**
   * @param registry a directory on any Flink file system
   */
  public RegistryBaselines(String registry) {
    this.registry = registry;
  }

  @Override
  public BaselineProfile load(ServedVersion version) throws IOException {
    String json =
        new Registry(FlinkStorage.open(registry))
            .profileJson(version.model(), version.version())
            .orElseThrow(
                () ->
                    new FileNotFoundException(
                        "%s@%d in %s was published without a baseline profile; import it with --baseline"
                            .formatted(version.model(), version.version(), registry)));
    return BaselineProfile.fromJson(json);
  }
}
