package io.pelton.benchmarks;

import io.pelton.benchmarks.calibration.CalibrationBenchmark;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line of {@code benchmarks/run}. */
@Command(
    name = "benchmarks/run",
    description =
        "Measures whole pipelines, the feature engine, inference and comparisons, side by side, and how"
            + " well drift decisions are calibrated.",
    mixinStandardHelpOptions = true,
    subcommands = {
      AllInOneBenchmark.class,
      BatchBenchmark.class,
      CalibrationBenchmark.class,
      CompareBenchmark.class,
      DeviceBenchmark.class,
      FeatureBenchmark.class,
      InferenceBenchmark.class,
      LatencyBenchmark.class,
      SwapBenchmark.class
    })
final class Benchmarks {
  private Benchmarks() {}

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** The command; of data that cannot be measured it prints the message alone. */
  static CommandLine commandLine() {
    return new CommandLine(new Benchmarks())
        .setExecutionExceptionHandler(
            (e, line, parsed) -> {
              if (!(e instanceof InputException)) {
                throw e;
              }
              line.getErr().println(e.getMessage());
              return CommandLine.ExitCode.USAGE;
            });
  }
}
