package io.pelton.benchmarks;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import org.apache.flink.util.FileUtils;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code pelton drift compare} from start to exit, and pandas with SciPy beside it. */
@Command(
    name = "compare",
    description = "pelton drift compare on two CSV files of random numbers, from start to exit.",
    mixinStandardHelpOptions = true)
final class CompareBenchmark implements Callable<Integer> {
  private static final String SCRIPT = "benchmarks/pandas_compare.py";
  private static final double SHIFT = 0.01;

  @Option(
      names = "--rows",
      paramLabel = "N",
      description = "Rows of each file; default ${DEFAULT-VALUE}.")
  private int rows = 500_000;

  @Option(
      names = "--columns",
      paramLabel = "N",
      description = "Columns of each file; default ${DEFAULT-VALUE}.")
  private int columns = 20;

  @Option(names = "--repeat", paramLabel = "N", description = "Rounds; default ${DEFAULT-VALUE}.")
  private int repeat = 3;

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      description = "Heap of Pelton's JVM; default ${DEFAULT-VALUE}.")
  private String memory = "1g";

  @Option(names = "--jvm", paramLabel = "OPTION", description = "More options for the JVM.")
  private List<String> jvm = new ArrayList<>();

  @Option(
      names = "--pandas",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "Whether to do the same with Debian's pandas and SciPy. Default: yes.")
  private boolean pandas;

  @Override
  public Integer call() throws Exception {
    if (rows < 1 || columns < 1 || repeat < 1) {
      throw new InputException(
          "--rows %d, --columns %d, --repeat %d: each must be 1 or more"
              .formatted(rows, columns, repeat));
    }
    boolean beside = pandas && DebianPython.has("pandas", "scipy");
    Path directory = Files.createTempDirectory("pelton-benchmark");
    try {
      Path baseline = write(directory.resolve("baseline.csv"), 1, 0);
      Path current = write(directory.resolve("current.csv"), 2, SHIFT);
      for (int round = 0; round < repeat; round++) {
        List<String> command = Took.pelton(memory, jvm);
        command.addAll(
            List.of("drift", "compare", "--baseline=" + baseline, "--current=" + current));
        show("Pelton, heap " + memory, command, directory);
        if (beside) {
          show(
              "pandas and SciPy",
              List.of(DebianPython.PROGRAM, SCRIPT, baseline.toString(), current.toString()),
              directory);
        }
      }
    } finally {
      FileUtils.deleteDirectory(directory.toFile());
    }
    return 0;
  }

  private Path write(Path file, int seed, double shift) throws IOException {
    Random random = new Random(seed);
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (int column = 0; column < columns; column++) {
        out.write((column == 0 ? "x" : ",x") + column);
      }
      out.write('\n');
      for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
          if (column > 0) {
            out.write(',');
          }
          out.write(Double.toString(random.nextGaussian() + shift));
        }
        out.write('\n');
      }
    }
    return file;
  }

  private void show(String title, List<String> command, Path directory) throws Exception {
    Took took =
        Took.of(
            new ProcessBuilder(command)
                .redirectOutput(directory.resolve("out.txt").toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT));
    double values = 2.0 * rows * columns;
    System.out.printf(
        "%s: wall %.1f s, CPU %.1f s; %,.0f values, %,.0f a second, %,.0f a CPU-second%n",
        title, took.wall(), took.cpu(), values, values / took.wall(), values / took.cpu());
  }
}
