package io.pelton.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The system's Python, for which Debian has packages. */
final class DebianPython {
  static final String PROGRAM = "/usr/bin/python3";

  private DebianPython() {}

  /**
   * Whether it has modules; says so when it has not.
   *
   * @param modules as {@code import} names them: pandas, scipy
   */
  static boolean has(String... modules) throws IOException, InterruptedException {
    for (String module : modules) {
      if (!Files.isExecutable(Path.of(PROGRAM))
          || new ProcessBuilder(PROGRAM, "-c", "import " + module).start().waitFor() != 0) {
        System.out.printf(
            "%s is left out: %s has none (Debian: apt-get install python3-%s)%n",
            module, PROGRAM, module);
        return false;
      }
    }
    return true;
  }
}
