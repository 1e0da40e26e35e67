package io.pelton.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a command's result goes that is either printed or kept. */
final class ResultFile {
  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "Write the result there; default: standard output.")
  private @Nullable Path file;

  /**
   * Writes the whole result.
   *
   * @param summary printed in its place when it goes to a file
   * @throws InputException when the file cannot be written
   */
  void write(String result, String summary, PrintWriter out) throws InputException {
    if (file == null) {
      out.print(result);
    } else {
      try {
        Files.writeString(file, result);
      } catch (IOException e) {
        throw new InputException("--output %s: cannot be written: %s".formatted(file, e));
      }
      out.println(file + ": " + summary);
    }
    out.flush();
  }
}
