package io.pelton.benchmarks;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * Processor time of this process by what its threads do, from Linux's {@code /proc}: also those of
 * the compiler and the garbage collector, which Java does not tell. Elsewhere it is empty.
 */
final class CpuTime {
  private static final Path TASKS = Path.of("/proc/self/task");
  // Linux gives ticks of 1/100 s to all programs.
  private static final double TICK = 0.01;

  private CpuTime() {}

  /** Seconds by kind of thread. A thread that has ended is not counted. */
  static Map<String, Double> byKind() throws IOException {
    Map<String, Double> seconds = new TreeMap<>();
    if (!Files.isDirectory(TASKS)) {
      return seconds;
    }
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
      for (Path task : tasks) {
        try {
          String stat = Files.readString(task.resolve("stat"));
          int end = stat.lastIndexOf(')');
          String name = stat.substring(stat.indexOf('(') + 1, end);
          String[] fields = stat.substring(end + 2).split(" ", -1);
          long ticks = Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
          seconds.merge(kind(name), ticks * TICK, Double::sum);
        } catch (NoSuchFileException e) {
          // The thread has just ended.
        } catch (IOException e) {
          if (Files.exists(task)) {
            throw e;
          }
        }
      }
    }
    return seconds;
  }

  private static String kind(String thread) {
    if (thread.startsWith("C2 ") || thread.startsWith("C1 ") || thread.startsWith("Sweeper")) {
      return "compiler";
    }
    if (thread.startsWith("G1 ") || thread.startsWith("GC ") || thread.startsWith("VM ")) {
      return "garbage collector";
    }
    if (thread.startsWith("kafka-producer")) {
      return "Kafka producers";
    }
    if (thread.startsWith("Source Data Fet")) {
      return "Kafka consumers";
    }
    // Linux keeps the first fifteen letters of a task's name.
    return thread.replaceAll("[0-9]+$", "").strip();
  }
}
