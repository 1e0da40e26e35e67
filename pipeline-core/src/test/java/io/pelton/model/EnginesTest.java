package io.pelton.model;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What happens on other class paths, each in a process of its own. */
final class EnginesTest {
  @Test
  void anEngineThatIsNotOnTheClassPathIsNamed() throws Exception {
    assertThat(start("TensorFlow", jar -> !jar.startsWith("tensorflow-engine")))
        .contains("test: engine TensorFlow is not on the class path, which has [OnnxRuntime");
    assertThat(start("PyTorch", jar -> !jar.startsWith("pytorch-engine")))
        .contains("test: engine PyTorch is not on the class path, which has [OnnxRuntime")
        .contains("add ai.djl.pytorch:pytorch-engine");
    assertThat(start("OnnxRuntime", jar -> !jar.startsWith("onnxruntime-engine")))
        .contains(
            "test: engine OnnxRuntime is not on the class path, which has [PyTorch, RPC, TensorFlow]");
  }

  @Test
  void missingNativesAreNamedAndNotDownloaded() throws Exception {
    assertThat(
            start("TensorFlow", jar -> !jar.matches("tensorflow-core-native-.*-linux-x86_64.jar")))
        .contains("test: engine TensorFlow does not start: Could not find jnitensorflow ")
        .contains("its native library for this platform must be on the class path");
  }

  @Test
  void nativesWithoutTheirDescriptionAreNotDownloadedEither() throws Exception {
    assertThat(start("TensorFlow", jar -> !jar.equals("test-classes")))
        .contains("test: engine TensorFlow has no native library for ")
        .contains("add org.tensorflow:tensorflow-core-native");
  }

  @Test
  void nativesOfPyTorchAreNotDownloadedEither() throws Exception {
    assertThat(start("PyTorch", jar -> !jar.startsWith("pytorch-native")))
        .contains("test: engine PyTorch has no native library for ")
        .contains("add ai.djl.pytorch:pytorch-native-cpu");
  }

  @Test
  void allEnginesStartInOneProcess() throws Exception {
    assertThat(start("OnnxRuntime,TensorFlow,PyTorch", jar -> true))
        .contains("started OnnxRuntime", "started TensorFlow", "started PyTorch");
  }

  @TempDir private Path alone;

  /** The program without the resources that lie beside it. */
  @BeforeEach
  void copyProgram() throws Exception {
    String program = StartEngines.class.getName().replace('.', '/') + ".class";
    Path copy = alone.resolve(program);
    Files.createDirectories(copy.getParent());
    try (InputStream original = StartEngines.class.getResourceAsStream("/" + program)) {
      Files.copy(original, copy);
    }
  }

  /** Starts engines in a new process; the names of the class path's entries can be filtered. */
  private String start(String engines, Predicate<String> keep) throws Exception {
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    String filtered =
        Arrays.stream(classPath.split(File.pathSeparator))
            .filter(entry -> keep.test(Path.of(entry).getFileName().toString()))
            .collect(Collectors.joining(File.pathSeparator));
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    Process process =
        new ProcessBuilder(
                java.toString(),
                "-Xmx256m",
                "-cp",
                filtered + File.pathSeparator + alone,
                StartEngines.class.getName(),
                engines)
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    process.waitFor();
    return output;
  }
}
