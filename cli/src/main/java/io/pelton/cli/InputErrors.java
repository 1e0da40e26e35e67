package io.pelton.cli;

import io.pelton.model.ModelLoadException;
import io.pelton.registry.RegistryException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** Turns what the user can mend into one line and exit code 2; everything else goes on as it is. */
final class InputErrors {
  private InputErrors() {}

  static int exitCode(CommandSpec command, Callable<Integer> action) throws Exception {
    String message;
    try {
      return action.call();
    } catch (RegistryException | ModelLoadException | InputException e) {
      message = e.getMessage();
    } catch (NoSuchFileException e) {
      message = "file " + e.getFile() + " does not exist";
    }
    command.commandLine().getErr().println(String.valueOf(message).replace('\n', ' '));
    command.commandLine().getErr().flush();
    return CommandLine.ExitCode.USAGE;
  }
}
