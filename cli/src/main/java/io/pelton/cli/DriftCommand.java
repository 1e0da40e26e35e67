package io.pelton.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code pelton drift}: looks at drift outside of jobs. */
@Command(
    name = "drift",
    description = "Drift: compare data sets, plan what settings will do, report what a stream did.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {DriftCompareCommand.class, DriftPlanCommand.class, DriftReportCommand.class})
final class DriftCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec command;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        command.commandLine(), "Missing command: one of compare, plan, report");
  }
}
