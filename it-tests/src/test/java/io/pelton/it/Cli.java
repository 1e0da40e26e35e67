package io.pelton.it;

import io.pelton.cli.Pelton;
import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/**
 * What a {@code pelton} command came to, run in this process.
 *
 * @param out standard output
 * @param err standard error
 */
record Cli(int exitCode, String out, String err) {
  static Cli run(Object... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine command = Pelton.commandLine();
    command.setOut(new PrintWriter(out, true));
    command.setErr(new PrintWriter(err, true));
    String[] words = new String[arguments.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = arguments[i].toString();
    }
    int exitCode = command.execute(words);
    return new Cli(exitCode, out.toString(), err.toString());
  }

  /** Runs a command that must succeed. */
  static Cli succeed(Object... arguments) {
    Cli result = run(arguments);
    if (result.exitCode != 0) {
      throw new AssertionError(
          "pelton "
              + java.util.List.of(arguments)
              + " ended with "
              + result.exitCode
              + ":\n"
              + result.out
              + result.err);
    }
    return result;
  }
}
