package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class VersionsTest {
  private static final List<Integer> GPUS = List.of(0, 1);

  @TempDir private Path directory;

  @BeforeEach
  void reset() {
    FakeModels.reset();
  }

  @Test
  void aSubtaskKeepsItsGpuWhateverItLoads() throws Exception {
    try (Versions one = versions();
        Versions two = versions()) {
      load(one, 1);
      load(one, 2);
      load(two, 1);
      load(two, 2);
      assertThat(FakeModels.GPUS).containsExactly(0, 0, 1, 1);
    }
  }

  @Test
  void aSubtaskGivesItsGpuBackWhenItCloses() throws Exception {
    versions().close();
    try (Versions next = versions()) {
      load(next, 1);
      assertThat(FakeModels.GPUS).containsExactly(0);
    }
  }

  private static void load(Versions versions, int version) throws Exception {
    versions.load(new TreeSet<>(Set.of(version)));
  }

  private Versions versions() {
    return new Versions(
        new FakeModels(),
        directory,
        GPUS,
        loaded -> new Serving(loaded, List.of("a", "b"), 1, null),
        new InferenceMetrics.OfVersions(new UnregisteredMetricsGroup()));
  }
}
