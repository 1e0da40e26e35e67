package io.pelton.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Native libraries load once a process: each order gets a process of its own. */
final class TensorFlowNativesTest {
  @TempDir private Path directory;

  /** The other process: {@code train}, {@code serve} in the given order, in a directory. */
  static final class Steps {
    private Steps() {}

    public static void main(String[] args) throws Exception {
      Path directory = Path.of(args[0]);
      Trainer trainer = NetworkTrainer.of(Map.of("epochs", "1"), 7);
      var set = SyntheticSets.learnable(500, 1);
      for (int i = 1; i < args.length; i++) {
        if (args[i].equals("train")) {
          trainer.train(set, directory);
        } else {
          try (var served = ServedModel.load(trained(directory))) {
            System.out.println("scores " + Arrays.stream(served.score(set.rows())).sum());
          }
        }
      }
    }

    private static TrainedModel trained(Path directory) {
      return new TrainedModel(
          "TensorFlow",
          directory,
          Network.ARTIFACT,
          NetworkTrainer.signature(SyntheticSets.FEATURES),
          NetworkTrainer.ENGINE_OPTIONS,
          null,
          null);
    }
  }

  @Test
  void servesAfterTraining() throws Exception {
    assertThat(run(classPath(), "train", "serve")).contains("scores ");
  }

  @Test
  void trainsAfterServing() throws Exception {
    String first = run(classPath(), "train", "serve");
    String second = run(classPath(), "serve", "train", "serve");

    assertThat(second.lines().filter(line -> line.startsWith("scores ")))
        .hasSize(2)
        .containsOnly(
            first.lines().filter(line -> line.startsWith("scores ")).findFirst().orElseThrow());
  }

  @Test
  void saysWhatIsMissingInsteadOfDownloading() throws Exception {
    List<String> withoutDescription =
        classPath().stream().filter(entry -> !entry.endsWith("test-classes")).toList();
    Path classes = directory.resolve("classes");
    Path testClasses = Path.of("target/test-classes/io/pelton/training");
    Files.createDirectories(classes.resolve("io/pelton/training"));
    try (var files = Files.list(testClasses)) {
      for (Path file : files.toList()) {
        Files.copy(file, classes.resolve("io/pelton/training").resolve(file.getFileName()));
      }
    }
    var entries = new ArrayList<>(withoutDescription);
    entries.add(classes.toString());

    assertThat(run(entries, "train"))
        .contains("TensorFlow: no native libraries for linux-x86_64")
        .contains("nothing is downloaded");
  }

  private static List<String> classPath() {
    return List.of(System.getProperty("java.class.path").split(File.pathSeparator));
  }

  private String run(List<String> classPath, String... steps) throws Exception {
    var command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-cp",
                String.join(File.pathSeparator, classPath),
                Steps.class.getName(),
                directory.resolve("model").toString()));
    command.addAll(List.of(steps));
    Path output = directory.resolve("output");
    var process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("ends").isTrue();
    } finally {
      process.destroyForcibly();
    }
    return Files.readString(output, StandardCharsets.UTF_8);
  }
}
