package io.pelton.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Starts what is measured in a JVM of its own, with this one's class path. */
final class FreshJvm {
  private FreshJvm() {}

  /**
   * @param options of the JVM, its heap among them
   */
  static Process start(List<String> options, Class<?> main, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:+UseParallelGC"); // as bin/pelton does
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(arguments);
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  /** What follows {@code sign} on the first line that starts with it. */
  static String await(Process process, String sign) throws IOException {
    BufferedReader lines = process.inputReader();
    @Nullable String line;
    while ((line = lines.readLine()) != null) {
      if (line.startsWith(sign)) {
        return line.substring(sign.length());
      }
      System.err.println(line);
    }
    throw new IOException("a process of the benchmark ended early; see above");
  }
}
