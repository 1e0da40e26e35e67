package io.pelton.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RegistryTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-03-01T12:00:00Z"), ZoneOffset.UTC);
  private static final Provenance PROVENANCE =
      new Provenance("tribuo-xgboost", Map.of("trees", "100"), 7L, null, null, null, "0.1.0");

  @TempDir Path directory;
  private Path root;
  private Registry registry;

  @BeforeEach
  void createRegistry() {
    root = directory.resolve("registry");
    registry = new Registry(new LocalStorage(root), CLOCK);
  }

  @Test
  void publishedVersionsGrowByOneAndComeBackWhole() throws Exception {
    ModelManifest first = registry.publish(version("fraud", "one"));
    ModelManifest second = registry.publish(version("fraud", "two"));

    assertThat(first.reference()).isEqualTo("fraud@1");
    assertThat(second.reference()).isEqualTo("fraud@2");
    assertThat(registry.models()).containsExactly("fraud");
    assertThat(registry.versions("fraud")).containsExactly(1, 2);
    assertThat(registry.manifest("fraud", 2)).isEqualTo(second);
    assertThat(second.createdAt()).isEqualTo("2026-03-01T12:00:00Z");
    assertThat(registry.profileJson("fraud", 1)).contains("{\"profile\": 1}");

    Path fetched = directory.resolve("fetched");
    registry.fetch("fraud", 1, fetched);
    assertThat(fetched.resolve("model/model.onnx")).hasContent("one");
    assertThat(GoldenRows.read(fetched).features()[0]).containsExactly(1, Double.NaN);
    assertThat(GoldenRows.read(fetched).outputs()[0]).containsExactly(0.5);
  }

  @Test
  void theMemoryOfAVersionIsWhatItStatesOrGrowsWithItsArtifact() throws Exception {
    registry.publish(version("fraud", "one"));
    registry.publish(version("fraud", "x".repeat(1 << 20)));
    NewVersion version = version("fraud", "one");
    registry.publish(
        new NewVersion(
            version.name(),
            version.engine(),
            version.artifact(),
            version.signature(),
            version.engineOptions(),
            version.goldenRows(),
            version.profileJson(),
            version.evaluation(),
            version.provenance(),
            7L));

    assertThat(registry.memory("fraud", 1)).isEqualTo((16 << 20) + 2 * 3);
    assertThat(registry.memory("fraud", 2)).isEqualTo(18 << 20);
    assertThat(registry.memory("fraud", 3)).isEqualTo(7);
    assertThat(registry.manifest("fraud", 3).memory()).isEqualTo(7);
    assertThat(root.resolve("fraud/versions/1/manifest.json"))
        .as("as earlier releases read it")
        .content()
        .doesNotContain("memory");
  }

  @Test
  void directoriesArePublishedWithAllTheirFiles() throws Exception {
    Path saved = Files.createDirectories(directory.resolve("saved/variables"));
    Files.writeString(saved.resolve("variables.index"), "i");
    Files.writeString(saved.resolveSibling("saved_model.pb"), "pb");

    ModelManifest manifest = registry.publish(version("fraud", saved.getParent()));

    assertThat(manifest.artifact()).isEqualTo("model");
    assertThat(manifest.files())
        .containsOnlyKeys(
            "golden.json",
            "model/saved_model.pb",
            "model/variables/variables.index",
            "profile.json");
    Path fetched = directory.resolve("fetched");
    registry.fetch("fraud", 1, fetched);
    assertThat(fetched.resolve("model/variables/variables.index")).hasContent("i");
  }

  @Test
  void theManifestIsReadableAndStable() throws Exception {
    registry.publish(version("fraud", "one"));

    assertThat(root.resolve("fraud/versions/1/manifest.json"))
        .hasContent(
            """
            {
              "name" : "fraud",
              "version" : 1,
              "engine" : "OnnxRuntime",
              "artifact" : "model/model.onnx",
              "files" : {
                "golden.json" : "%s",
                "model/model.onnx" : "%s",
                "profile.json" : "%s"
              },
              "artifactDigest" : "%s",
              "signature" : {
                "inputs" : [ {
                  "tensor" : "features",
                  "type" : "FLOAT32",
                  "features" : [ "amount", "risk" ]
                } ],
                "outputs" : [ {
                  "name" : "score",
                  "tensor" : "probabilities",
                  "column" : 1
                } ]
              },
              "engineOptions" : {
                "a" : "1",
                "b" : "2"
              },
              "evaluation" : {
                "auc" : 0.9
              },
              "provenance" : {
                "trainer" : "tribuo-xgboost",
                "hyperParameters" : {
                  "trees" : "100"
                },
                "seed" : 7,
                "dataFrom" : null,
                "dataTo" : null,
                "dataDigest" : null,
                "codeVersion" : "0.1.0"
              },
              "createdAt" : "2026-03-01T12:00:00Z"
            }
            """
                .formatted(
                    digestOf("golden.json"),
                    Sha256.of("one".getBytes(UTF_8)),
                    digestOf("profile.json"),
                    Sha256.of(
                        (Sha256.of("one".getBytes(UTF_8)) + "  model/model.onnx\n")
                            .getBytes(UTF_8))));
  }

  @Test
  void concurrentPublishersGetNumbersOfTheirOwn() throws Exception {
    ExecutorService publishers = Executors.newFixedThreadPool(8);
    try {
      List<Callable<ModelManifest>> tasks = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        NewVersion version =
            version("fraud", Files.writeString(directory.resolve("m" + i), "content " + i));
        tasks.add(() -> new Registry(new LocalStorage(root), CLOCK).publish(version));
      }
      List<ModelManifest> published = new ArrayList<>();
      for (Future<ModelManifest> task : publishers.invokeAll(tasks)) {
        published.add(task.get());
      }

      assertThat(registry.versions("fraud"))
          .containsExactlyElementsOf(IntStream.rangeClosed(1, 40).boxed().toList());
      for (ModelManifest manifest : published) {
        assertThat(registry.manifest("fraud", manifest.version())).isEqualTo(manifest);
        registry.fetch("fraud", manifest.version(), directory.resolve("f" + manifest.version()));
      }
    } finally {
      publishers.shutdownNow();
    }
  }

  @Test
  void aPublishThatFailsLeavesNoVersion() throws Exception {
    Registry failing =
        new Registry(new FailingStorage(new LocalStorage(root), "manifest.json"), CLOCK);

    assertThatThrownBy(() -> failing.publish(version("fraud", "one"))).hasMessage("disk full");

    assertThat(registry.models()).isEmpty();
    assertThat(root.resolve("fraud/versions/1")).doesNotExist();
    assertThat(registry.publish(version("fraud", "one")).version()).isEqualTo(1);
  }

  @Test
  void aVersionWithoutManifestDoesNotExistAndItsNumberIsNotTakenAgain() throws Exception {
    registry.publish(version("fraud", "one"));
    Files.createDirectories(root.resolve("fraud/versions/2"));
    Files.writeString(root.resolve("fraud/versions/2/claim"), "a publisher that died");

    assertThat(registry.versions("fraud")).containsExactly(1);
    assertThat(registry.publish(version("fraud", "three")).version()).isEqualTo(3);
  }

  @Test
  void referencesResolveToVersions() throws Exception {
    registry.publish(version("fraud", "one"));
    registry.publish(version("fraud", "two"));
    registry.setAlias("fraud", "champion", 1);
    registry.setAlias("fraud", "challenger", 2);

    assertThat(registry.resolve("fraud")).hasToString("fraud@1");
    assertThat(registry.resolve("fraud@champion")).hasToString("fraud@1");
    assertThat(registry.resolve("fraud@challenger")).hasToString("fraud@2");
    assertThat(registry.resolve("fraud@2")).hasToString("fraud@2");

    registry.setAlias("fraud", "champion", 2);
    assertThat(registry.resolve("fraud")).hasToString("fraud@2");
    assertThat(registry.aliases("fraud")).isEqualTo(Map.of("champion", 2, "challenger", 2));
  }

  @Test
  void unknownNamesAreToldWithTheNearest() throws Exception {
    registry.publish(version("card-fraud", "one"));
    registry.setAlias("card-fraud", "champion", 1);

    assertThatThrownBy(() -> registry.resolve("card-frad"))
        .isInstanceOf(RegistryException.class)
        .hasMessage(
            "registry %s: no model \"card-frad\"; did you mean \"card-fraud\"?".formatted(root));
    assertThatThrownBy(() -> registry.resolve("card-fraud@2"))
        .hasMessageEndingWith("model \"card-fraud\" has no version 2; it has 1");
    assertThatThrownBy(() -> registry.setAlias("card-fraud", "champion", 9))
        .hasMessageEndingWith("model \"card-fraud\" has no version 9; it has 1");
    assertThatThrownBy(() -> registry.resolve("card-fraud@campion"))
        .hasMessageEndingWith(
            "model \"card-fraud\" has no alias \"campion\"; did you mean \"champion\"?; versions: 1");
    assertThatThrownBy(() -> registry.resolve("card-fraud@0"))
        .hasMessageContaining("\"0\" is neither a version (1, 2, ...) nor an alias");
    assertThatThrownBy(() -> registry.resolve("../x")).hasMessageContaining("model name \"../x\"");
  }

  @Test
  void anAliasThatWasNeverSetIsTold() throws Exception {
    registry.publish(version("fraud", "one"));

    assertThatThrownBy(() -> registry.resolve("fraud"))
        .hasMessageEndingWith(
            "model \"fraud\" has no alias \"champion\"; there are none; versions: 1");
  }

  @Test
  void aFileThatIsMissingIsNamedWhenMemoryIsEstimatedToo() throws Exception {
    registry.publish(version("fraud", "one"));
    Files.delete(root.resolve("fraud/versions/1/model/model.onnx"));

    assertThatThrownBy(() -> registry.memory("fraud", 1))
        .isInstanceOf(RegistryException.class)
        .hasMessageContaining(
            "file fraud/versions/1/model/model.onnx is missing; publish the model again");
  }

  @Test
  void aCorruptFileIsNamedWithBothDigests() throws Exception {
    registry.publish(version("fraud", "one"));
    Files.writeString(root.resolve("fraud/versions/1/model/model.onnx"), "two");

    assertThatThrownBy(() -> registry.fetch("fraud", 1, directory.resolve("fetched")))
        .isInstanceOf(RegistryException.class)
        .hasMessageContaining("fraud/versions/1/model/model.onnx is corrupt: expected SHA-256 ")
        .hasMessageContaining(Sha256.of("one".getBytes(UTF_8)))
        .hasMessageContaining("actual " + Sha256.of("two".getBytes(UTF_8)));
  }

  @Test
  void aMissingFileIsNamed() throws Exception {
    registry.publish(version("fraud", "one"));
    Files.delete(root.resolve("fraud/versions/1/model/model.onnx"));

    assertThatThrownBy(() -> registry.fetch("fraud", 1, directory.resolve("fetched")))
        .isInstanceOf(RegistryException.class)
        .hasMessageContaining("file fraud/versions/1/model/model.onnx is missing");
  }

  @Test
  void aManifestThatLeadsOutOfTheDirectoryIsRefused() throws Exception {
    registry.publish(version("fraud", "one"));
    Path manifest = root.resolve("fraud/versions/1/manifest.json");
    Files.writeString(
        manifest, Files.readString(manifest).replace("\"golden.json\"", "\"../golden.json\""));

    assertThatThrownBy(() -> registry.fetch("fraud", 1, directory.resolve("fetched")))
        .hasMessageContaining("path \"../golden.json\" leads out of it");
  }

  @Test
  void aTensorsShapeIsPublishedWhereItIsNoMatrix() throws Exception {
    Signature signature =
        new Signature(
            List.of(
                new Signature.Input("x", Signature.DataType.FLOAT32, List.of("amount", "mean")),
                new Signature.Input(
                    "id", Signature.DataType.INT64, Signature.Layout.VECTOR, List.of("id"))),
            List.of(new Signature.Output("score", "y", 0)));
    NewVersion version = version("fraud", "content");
    registry.publish(
        new NewVersion(
            "fraud",
            version.engine(),
            version.artifact(),
            signature,
            Map.of(),
            new GoldenRows(new double[0][], new double[0][]),
            null,
            Map.of(),
            PROVENANCE));

    assertThat(registry.manifest("fraud", 1).signature()).isEqualTo(signature);
    assertThat(Files.readString(root.resolve("fraud/versions/1/manifest.json")))
        .containsOnlyOnce("layout")
        .contains("\"layout\" : \"VECTOR\"");
  }

  @Test
  void anArtifactThatIsNotThereIsTold() {
    assertThatThrownBy(() -> registry.publish(version("fraud", directory.resolve("none"))))
        .isInstanceOf(RegistryException.class)
        .hasMessageContaining("none does not exist");
  }

  private NewVersion version(String name, String content) throws IOException {
    return version(name, Files.writeString(directory.resolve("model.onnx"), content));
  }

  private static NewVersion version(String name, Path artifact) {
    return new NewVersion(
        name,
        "OnnxRuntime",
        artifact,
        new Signature(
            List.of(
                new Signature.Input(
                    "features", Signature.DataType.FLOAT32, List.of("amount", "risk"))),
            List.of(new Signature.Output("score", "probabilities", 1))),
        Map.of("b", "2", "a", "1"),
        new GoldenRows(new double[][] {{1, Double.NaN}}, new double[][] {{0.5}}),
        "{\"profile\": 1}",
        Map.of("auc", 0.9),
        PROVENANCE);
  }

  private String digestOf(String file) throws IOException {
    return Sha256.of(Files.readAllBytes(root.resolve("fraud/versions/1").resolve(file)));
  }

  /** Refuses to write one file. */
  private record FailingStorage(Storage storage, String file) implements Storage {
    @Override
    public String location() {
      return storage.location();
    }

    @Override
    public List<String> list(String directory) throws IOException {
      return storage.list(directory);
    }

    @Override
    public boolean exists(String path) throws IOException {
      return storage.exists(path);
    }

    @Override
    public long size(String path) throws IOException {
      return storage.size(path);
    }

    @Override
    public InputStream read(String path) throws IOException {
      return storage.read(path);
    }

    @Override
    public void write(String path, InputStream content) throws IOException {
      if (path.endsWith(file)) {
        throw new IOException("disk full");
      }
      storage.write(path, content);
    }

    @Override
    public boolean createExclusively(String path, byte[] content) throws IOException {
      return storage.createExclusively(path, content);
    }

    @Override
    public void delete(String path) throws IOException {
      storage.delete(path);
    }
  }
}
