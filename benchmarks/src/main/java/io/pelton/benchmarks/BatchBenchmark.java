package io.pelton.benchmarks;

import io.pelton.feature.job.EventSources;
import io.pelton.pipeline.PipelineFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.flink.util.FileUtils;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The command {@code pelton features} over event files, from start to exit, and pandas beside it.
 */
@Command(
    name = "batch",
    description = "pelton features over event files, from start to exit.",
    mixinStandardHelpOptions = true)
final class BatchBenchmark implements Callable<Integer> {
  private static final String SCRIPT = "benchmarks/pandas_features.py";

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

  @Option(
      names = "--pandas",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description =
          "Whether to do the same with Debian's pandas, where it is installed; card-fraud only."
              + " Default: yes.")
  private boolean pandas;

  @Override
  public Integer call() throws Exception {
    boolean beside = pandas && DebianPython.has("pandas");
    for (int round = 0; round < repeat; round++) {
      Path directory = Files.createTempDirectory("pelton-benchmark");
      Path output = directory.resolve("out");
      List<String> command = Took.pelton("2g", jvm);
      command.addAll(List.of("features", "--pipeline=" + pipelineFile, "--output=" + output));
      data.forEach(input -> command.add("--input=" + input));
      command.addAll(more);
      Took pelton = run(command);
      Path features = output.resolve("features.csv");
      if (Files.exists(features)) {
        show("Pelton", pelton, rows(features));
        if (beside) {
          besidePandas(features, directory.resolve("pandas.csv"));
        }
      } else {
        System.out.printf("Pelton: wall %.1f s, CPU %.1f s%n", pelton.wall(), pelton.cpu());
      }
      FileUtils.deleteDirectory(directory.toFile());
    }
    return 0;
  }

  private void besidePandas(Path features, Path output) throws Exception {
    List<String> command =
        new ArrayList<>(List.of(DebianPython.PROGRAM, SCRIPT, output.toString()));
    EventSources.resolve(data, PipelineFile.read(pipelineFile))
        .forEach(file -> command.add(file.getPath()));
    Took took = run(command);
    show("pandas, groupby-rolling", took, rows(output));
    run(List.of(DebianPython.PROGRAM, SCRIPT, "--compare", features.toString(), output.toString()));
  }

  private static long rows(Path csv) throws IOException {
    try (Stream<String> lines = Files.lines(csv)) {
      return lines.count() - 1;
    }
  }

  private static void show(String title, Took took, long rows) {
    System.out.printf(
        "%s: wall %.1f s, CPU %.1f s; %,d events, %,.0f a second, %,.0f a CPU-second%n",
        title, took.wall(), took.cpu(), rows, rows / took.wall(), rows / took.cpu());
  }

  private static Took run(List<String> command) throws IOException, InterruptedException {
    return Took.of(new ProcessBuilder(command).inheritIO());
  }
}
