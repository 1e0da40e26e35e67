package io.pelton.job;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.registry.GoldenRows;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.ModelManifest;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Provenance;
import io.pelton.registry.Registry;
import io.pelton.registry.Signature;
import io.pelton.registry.Storage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Over Flink's local file system: what it promises of a file system, all of them do. */
final class FlinkStorageTest {
  @TempDir Path directory;
  private Storage storage;

  @BeforeEach
  void openStorage() throws IOException {
    storage = new FlinkStorage(new org.apache.flink.core.fs.Path(directory.resolve("r").toUri()));
  }

  @Test
  void writtenFilesAreListedReadReplacedAndDeleted() throws IOException {
    assertThat(storage.list("a")).isEmpty();
    assertThat(storage.exists("a/b")).isFalse();

    write("a/b", "one");
    write("a/c/d", "two");
    write("a/b", "three");

    assertThat(storage.list("a")).containsExactly("b", "c");
    assertThat(read("a/b")).isEqualTo("three");
    storage.delete("a/c");
    storage.delete("a/none");
    assertThat(storage.list("a")).containsExactly("b");
  }

  @Test
  void onlyTheFirstCreationSucceeds() throws IOException {
    assertThat(storage.createExclusively("x/claim", "one".getBytes(UTF_8))).isTrue();
    assertThat(storage.createExclusively("x/claim", "two".getBytes(UTF_8))).isFalse();
    assertThat(read("x/claim")).isEqualTo("one");
  }

  @Test
  void pathsDoNotLeadOut() {
    assertThatThrownBy(() -> storage.read("a/../../b"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("leads out of");
  }

  @Test
  void aRegistryOnItPublishesAndFetches() throws IOException {
    Registry registry = new Registry(storage);
    NewVersion version =
        new NewVersion(
            "m",
            "OnnxRuntime",
            Files.writeString(directory.resolve("m.onnx"), "model"),
            new Signature(
                List.of(new Signature.Input("x", Signature.DataType.FLOAT32, List.of("a"))),
                List.of(new Signature.Output("s", "y", 0))),
            Map.of(),
            new GoldenRows(new double[0][], new double[0][]),
            null,
            Map.of(),
            new Provenance("import", Map.of(), null, null, null, null, "test"));

    ModelManifest manifest = registry.publish(version);
    registry.publish(version);
    registry.setAlias("m", "champion", 1);
    registry.setAlias("m", "champion", 2);

    assertThat(registry.resolve("m")).hasToString("m@2");
    assertThat(registry.fetch("m", 1, directory.resolve("f"))).isEqualTo(manifest);
    assertThat(directory.resolve("f/model/m.onnx")).hasContent("model");
    assertThatThrownBy(() -> registry.resolve("m@7")).hasMessageContaining("it has 1, 2");
  }

  @Test
  void pathsAndFileUrisOpenTheLocalDirectory() throws IOException {
    assertThat(FlinkStorage.open(directory.toString())).isInstanceOf(LocalStorage.class);
    assertThat(FlinkStorage.open(directory.toUri().toString()).location())
        .isEqualTo(directory.toString());
    assertThat(FlinkStorage.open("registry").location())
        .isEqualTo(Path.of("registry").toAbsolutePath().toString());
  }

  private void write(String path, String content) throws IOException {
    storage.write(path, new ByteArrayInputStream(content.getBytes(UTF_8)));
  }

  private String read(String path) throws IOException {
    try (InputStream content = storage.read(path)) {
      return new String(content.readAllBytes(), UTF_8);
    }
  }
}
