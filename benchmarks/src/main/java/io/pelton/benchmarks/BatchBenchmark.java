package io.pelton.benchmarks;

import io.pelton.cli.Pelton;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.flink.util.FileUtils;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The command {@code pelton features} over event files, from start to exit. */
@Command(
    name = "batch",
    description = "pelton features over event files, from start to exit.",
    mixinStandardHelpOptions = true)
final class BatchBenchmark implements Callable<Integer> {
  @Option(
      names = "--pipeline",
      paramLabel = "FILE",
      description = "The pipeline file; default ${DEFAULT-VALUE}.")
  private Path pipelineFile = Path.of("examples/card-fraud/pipeline.yaml");

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILES",
      description = "Event files: paths and globs; repeatable.")
  private List<String> data = new ArrayList<>();

  @Option(names = "--repeat", paramLabel = "N", description = "Rounds; default ${DEFAULT-VALUE}.")
  private int repeat = 3;

  @Option(names = "--jvm", paramLabel = "OPTION", description = "More options for the JVM.")
  private List<String> jvm = new ArrayList<>();

  @Option(names = "--run", paramLabel = "OPTION", description = "More options for the command.")
  private List<String> more = new ArrayList<>();

  @Override
  public Integer call() throws Exception {
    for (int round = 0; round < repeat; round++) {
      Path directory = Files.createTempDirectory("pelton-benchmark");
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.add("-Xmx2g");
      command.addAll(jvm);
      command.addAll(List.of("-cp", System.getProperty("java.class.path"), Pelton.class.getName()));
      command.addAll(
          List.of(
              "features", "--pipeline=" + pipelineFile, "--output=" + directory.resolve("out")));
      data.forEach(input -> command.add("--input=" + input));
      command.addAll(more);
      long start = System.nanoTime();
      Process process = new ProcessBuilder(command).inheritIO().start();
      Duration cpu = Duration.ZERO;
      while (!process.waitFor(20, TimeUnit.MILLISECONDS)) {
        cpu = process.info().totalCpuDuration().orElse(cpu);
      }
      double wall = (System.nanoTime() - start) / 1e9;
      System.out.printf("wall %.1f s, CPU %.1f s%n", wall, cpu.toMillis() / 1e3);
      FileUtils.deleteDirectory(directory.toFile());
    }
    return 0;
  }
}
