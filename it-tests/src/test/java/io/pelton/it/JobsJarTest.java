package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarFile;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The jar for clusters, which the build of the command makes at {@code package}. */
final class JobsJarTest {
  private static final Path PELTON = Path.of("..", "cli", "target", "pelton");
  private static final Path JAR = PELTON.resolve("pelton-jobs.jar");

  /** Writes the result files of batch runs, which are the command's. */
  private static final String NOT_IN_CLUSTERS = "io.pelton.job.AvroTableFile";

  @BeforeAll
  static void onlyAfterPackage() {
    assumeThat(JAR).exists();
  }

  @Test
  void needsNothingButFlinkAndTheEngines() throws IOException {
    ToolProvider jdeps = ToolProvider.findFirst("jdeps").orElseThrow();
    StringWriter out = new StringWriter();
    PrintWriter writer = new PrintWriter(out);

    jdeps.run(
        writer,
        writer,
        "--multi-release",
        "17",
        "--missing-deps",
        "-cp",
        ofACluster(),
        JAR.toString());

    assertThat(out.toString()).contains("pelton-jobs.jar");
    assertThat(
            out.toString()
                .lines()
                .map(String::strip)
                .filter(line -> line.startsWith("io.pelton."))
                .filter(line -> !line.startsWith(NOT_IN_CLUSTERS)))
        .isEmpty();
  }

  @Test
  void leavesFlinkAndTheEnginesToTheCluster() throws IOException {
    try (JarFile jar = new JarFile(JAR.toFile())) {
      assertThat(jar.stream().map(ZipEntry::getName))
          .contains("io/pelton/feature/job/FeatureJob.class", "io/pelton/cli/AllJobs.class")
          .noneMatch(name -> name.matches("ai/djl/.*|org/tensorflow/.*|ai/onnxruntime/.*"))
          .noneMatch(name -> name.matches("org/apache/flink/(streaming/)?(api|runtime)/.*"))
          .noneMatch(name -> name.matches("org/slf4j/.*|org/apache/logging/.*"));
    }
  }

  private static String ofACluster() throws IOException {
    try (Stream<Path> lib = Files.list(PELTON.resolve("lib"));
        Stream<Path> engines = Files.list(PELTON.resolve("engines"))) {
      return Stream.concat(
              lib.filter(
                  jar -> {
                    String name = jar.getFileName().toString();
                    return name.startsWith("slf4j-api-")
                        || (name.startsWith("flink-") && !name.startsWith("flink-connector-kafka"));
                  }),
              engines)
          .map(Path::toString)
          .collect(Collectors.joining(File.pathSeparator));
    }
  }
}
