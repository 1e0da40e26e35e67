package io.pelton.benchmarks.calibration;

import java.io.PrintStream;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Prints the tables of docs/drift-calibration.md; the same seed prints the same ones. */
@Command(
    name = "calibration",
    description =
        "False alarms, power and delay of drift decisions on generated data, as Markdown tables.",
    mixinStandardHelpOptions = true)
public final class CalibrationBenchmark implements Callable<Integer> {
  /** Tables that belong together. */
  enum Part {
    KNOWN,
    NULL,
    DAYS,
    DEPENDENCE,
    POWER,
    DEFECTS,
    STREAMS
  }

  @Option(names = "--seed", paramLabel = "N", description = "Default ${DEFAULT-VALUE}.")
  private long seed = 1;

  @Option(
      names = "--parts",
      split = ",",
      paramLabel = "PART",
      description = "Of ${COMPLETION-CANDIDATES}; default all.")
  private Set<Part> parts = EnumSet.allOf(Part.class);

  @Option(
      names = "--windows",
      paramLabel = "N",
      description = "Windows without drift for each false-alarm rate; default ${DEFAULT-VALUE}.")
  private int windows = 1_000;

  @Override
  public Integer call() {
    PrintStream out = System.out;
    for (Part part : Part.values()) {
      if (parts.contains(part)) {
        switch (part) {
          case KNOWN -> KnownAnswers.print(out, seed);
          case NULL -> NullRates.print(out, seed, windows);
          case DAYS -> Days.print(out, seed);
          case DEPENDENCE -> Dependence.print(out, seed);
          case POWER -> Power.print(out, seed);
          case DEFECTS -> Defects.print(out, seed);
          case STREAMS -> Streams.print(out, seed);
        }
      }
    }
    return 0;
  }
}
