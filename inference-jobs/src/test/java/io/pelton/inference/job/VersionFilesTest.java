package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.model.TinyModels;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.ModelVersion;
import io.pelton.registry.Registry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class VersionFilesTest {
  private static final ModelVersion FIRST = new ModelVersion("m", 1);

  @TempDir Path directory;
  private final VersionFiles files = new VersionFiles();
  private Registry registry;
  private Path temporary;

  @BeforeEach
  void publish() throws Exception {
    registry = new Registry(new LocalStorage(directory.resolve("registry")));
    temporary = directory.resolve("temporary");
    registry.publish(
        TinyModels.onnxVersion(
            "m", directory.resolve("m.onnx"), List.of("x"), new double[] {1}, 0));
  }

  @Test
  void subtasksShareACopyAndTheLastDeletesIt() throws Exception {
    VersionFiles.Lease one = files.lease(registry, FIRST, temporary);
    VersionFiles.Lease two = files.lease(registry, FIRST, temporary);

    assertThat(two.directory()).isEqualTo(one.directory());
    assertThat(one.directory().resolve("model/m.onnx")).exists();
    one.close();
    assertThat(two.directory().resolve("model/m.onnx")).exists();
    two.close();
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void aFetchThatFailsLeavesNothing() throws Exception {
    Files.writeString(directory.resolve("registry/m/versions/1/model/m.onnx"), "corrupt");

    assertThatThrownBy(() -> files.lease(registry, FIRST, temporary))
        .hasMessageContaining("is corrupt");
    assertThat(temporary).isEmptyDirectory();
    assertThat(files.copies()).isZero();
  }

  @Test
  void gpusAreSpreadOverTheirUsers() {
    GpuLeases gpus = new GpuLeases();

    assertThat(gpus.lease(List.of())).isNull();
    assertThat(gpus.lease(List.of(0, 1))).isEqualTo(0);
    assertThat(gpus.lease(List.of(0, 1))).isEqualTo(1);
    assertThat(gpus.lease(List.of(0, 1))).isEqualTo(0);
    gpus.release(1);
    assertThat(gpus.lease(List.of(0, 1))).isEqualTo(1);
  }
}
