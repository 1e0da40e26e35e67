package io.pelton.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What a process took from start to exit, seconds. */
record Took(double wall, double cpu) {
  /**
   * @throws IOException when its exit code is not 0
   */
  static Took of(ProcessBuilder command) throws IOException, InterruptedException {
    long start = System.nanoTime();
    Process process = command.start();
    Duration cpu = Duration.ZERO;
    while (!process.waitFor(20, TimeUnit.MILLISECONDS)) {
      cpu = process.info().totalCpuDuration().orElse(cpu);
    }
    if (process.exitValue() != 0) {
      throw new IOException("exit code " + process.exitValue() + " of " + command.command());
    }
    return new Took((System.nanoTime() - start) / 1e9, cpu.toMillis() / 1e3);
  }

  /** A command of Pelton in a JVM of its own. */
  static List<String> pelton(String memory, List<String> jvm) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx" + memory);
    command.addAll(jvm);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.pelton.cli.Pelton"));
    return command;
  }
}
