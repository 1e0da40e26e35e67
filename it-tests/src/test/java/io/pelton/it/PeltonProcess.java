package io.pelton.it;

import io.pelton.cli.Pelton;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A {@code pelton} command in a process of its own, as a user starts it. */
final class PeltonProcess implements AutoCloseable {
  private final Path log;
  private final Process process;

  private PeltonProcess(Path log, Process process) {
    this.log = log;
    this.process = process;
  }

  /**
   * @param log takes standard output and error
   */
  static PeltonProcess start(Path log, Object... arguments) throws IOException {
    // Longer than a command line may be.
    Path classPath = log.resolveSibling("class-path");
    Files.writeString(
        classPath,
        "-cp \""
            + System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
            + "\"");
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.add("-Xmx768m");
    command.add("-XX:TieredStopAtLevel=1"); // starts sooner
    command.add("-Dlog4j2.configurationFile=classpath:log4j2-process.properties");
    command.add("@" + classPath);
    command.add(Pelton.class.getName());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    return new PeltonProcess(
        log,
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start());
  }

  String output() throws IOException {
    return Files.readString(log);
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Ends it at once, as kill -9 or a power cut does. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Asks it to stop, as Ctrl-C does. */
  int stop(Duration within) throws Exception {
    process.destroy();
    if (!process.waitFor(within.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError(
          "still running " + within + " after it was told to stop: " + output());
    }
    return process.exitValue();
  }

  /**
   * @throws AssertionError with all that it said, when it has ended
   */
  void requireAlive() throws IOException {
    if (!process.isAlive()) {
      throw new AssertionError("pelton has ended: " + output());
    }
  }

  @Override
  public void close() throws InterruptedException {
    kill();
  }
}
