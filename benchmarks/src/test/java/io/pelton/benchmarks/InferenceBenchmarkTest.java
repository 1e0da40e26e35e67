package io.pelton.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class InferenceBenchmarkTest {
  /** What is said of a command line; the usage may follow. */
  private static String misused(String commandLine) {
    StringWriter err = new StringWriter();
    CommandLine line = Benchmarks.commandLine().setErr(new PrintWriter(err));
    assertThat(line.execute(commandLine.split(" "))).isEqualTo(2);
    return err.toString();
  }

  @Test
  void saysWhatItCanBeComparedWith() {
    assertThat(misused("inference")).startsWith("Missing required option: '--against=WHAT'");
    assertThat(misused("inference --against tensorflow"))
        .startsWith("Invalid value for option '--against'")
        .contains("onnx", "server", "naive", "crayfish", "'tensorflow'");
    assertThat(misused("inference --against naive --models forest"))
        .startsWith("Invalid value for option '--models'")
        .contains("trees", "network", "'forest'");
    assertThat(misused("inference --against crayfish --contenders spark"))
        .startsWith("Invalid value for option '--contenders'")
        .contains("pelton-avro", "by-hand", "'spark'");
  }

  @Test
  void refusesOptionsWithoutAUseAndValuesOutOfRuleBeforeAnythingStarts() {
    assertThat(misused("inference --against onnx --rates 5"))
        .isEqualTo("--rates has no use with --against onnx; that takes --models, --batches\n");
    assertThat(misused("inference --against crayfish --models trees"))
        .isEqualTo(
            "--models has no use with --against crayfish; that takes --records, --rows,"
                + " --contenders\n");
    assertThat(misused("inference --against naive --batches 32,0"))
        .isEqualTo("--batches 0: it must be 1 or more\n");
    assertThat(misused("inference --against server --server-delay -1"))
        .isEqualTo("--server-delay -1: it must be 0 or more\n");
    assertThat(misused("inference --against onnx --seconds 0"))
        .isEqualTo("--seconds 0: it must be 1 or more\n");
  }
}
