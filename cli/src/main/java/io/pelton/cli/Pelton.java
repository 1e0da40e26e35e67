package io.pelton.cli;

import io.pelton.job.KafkaUnavailableException;
import io.pelton.model.ModelLoadException;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.registry.RegistryException;
import io.pelton.table.InvalidTableException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * The {@code pelton} command. Exit codes: 0; 1 for a run that failed, a comparison that found a
 * difference, or a rollout that jobs did not answer to; 2 for a usage or input error, a version
 * that jobs refuse included; 3 for data that drifted when {@code --fail-on-drift} asks; 4 for a run
 * that finished with dead letters when {@code --fail-on-dead-letters} asks.
 */
@Command(
    name = "pelton",
    description = "Features, models and drift on Apache Flink, from one pipeline file.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {
      DemoCommand.class,
      ValidateCommand.class,
      RunCommand.class,
      SendCommand.class,
      FeaturesCommand.class,
      ScoreCommand.class,
      TrainingSetCommand.class,
      CompactLogCommand.class,
      ParityCommand.class,
      ModelCommand.class,
      DriftCommand.class,
      PredictionCommand.class,
      RolloutCommand.class,
      CommandLine.HelpCommand.class
    })
public final class Pelton {
  /** A run that failed. */
  static final int FAILED = 1;

  /** A usage or input error. */
  static final int USAGE = 2;

  /** Data that drifted. */
  static final int DRIFTED = 3;

  /** A run that finished, with dead letters. */
  static final int DEAD_LETTERS = 4;

  /** Stopped by the user, as shells tell it. */
  static final int INTERRUPTED = 130;

  private Pelton() {}

  public static void main(String[] arguments) {
    System.exit(execute(arguments));
  }

  /** Runs a command and gives its exit code. */
  static int execute(String... arguments) {
    return commandLine().execute(arguments);
  }

  /** The command, for a program that runs it in its own process and takes what it prints. */
  public static CommandLine commandLine() {
    return new CommandLine(new Pelton())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler((e, line, parsed) -> report(e, line.getErr()));
  }

  /** What somebody can mend gets its message; anything else the log's stack trace as well. */
  private static int report(Exception e, PrintWriter err) {
    if (e instanceof InvalidPipelineException || e instanceof InvalidTableException) {
      err.println(e.getMessage());
      return USAGE;
    }
    if (e instanceof InputException
        || e instanceof RegistryException
        || e instanceof ModelLoadException
        || e instanceof KafkaUnavailableException) {
      err.println(String.valueOf(e.getMessage()).replace('\n', ' '));
      return USAGE;
    }
    if (e instanceof NoSuchFileException missing) {
      err.println("file " + missing.getFile() + " does not exist");
      return USAGE;
    }
    LoggerFactory.getLogger(Pelton.class).error("the command failed", e);
    err.println("failed: " + String.join("\n  because: ", Reasons.of(e)));
    if (System.getProperty("pelton.log") != null) {
      err.println("log: " + System.getProperty("pelton.log"));
    }
    return FAILED;
  }
}
