package io.pelton.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code bin/pelton} refuses before it builds or starts anything. */
class LauncherTest {
  @TempDir Path directory;

  @Test
  void aJarOrFolderOfTheClassPathThatIsMissingIsNamed() throws Exception {
    Path jar = Files.createFile(directory.resolve("my own.jar"));
    Path folder = Files.createDirectory(directory.resolve("folder"));
    Path missing = directory.resolve("missing");
    for (String wrong : new String[] {missing + ".jar", missing + "/*", jar + "/*"}) {
      Process pelton = pelton("%s:%s/*::%s:%s".formatted(jar, folder, wrong, folder));
      String err = new String(pelton.getErrorStream().readAllBytes(), UTF_8);
      assertThat(pelton.waitFor()).as(err).isEqualTo(2);
      assertThat(err)
          .startsWith(
              "pelton: PELTON_CLASSPATH: "
                  + wrong.replace("/*", "")
                  + " does not exist: name jars");
    }
  }

  private static Process pelton(String classPath) throws Exception {
    ProcessBuilder command = new ProcessBuilder("../bin/pelton", "--version");
    command.environment().put("PELTON_CLASSPATH", classPath);
    command.environment().put("JAVA_HOME", System.getProperty("java.home"));
    return command.start();
  }
}
