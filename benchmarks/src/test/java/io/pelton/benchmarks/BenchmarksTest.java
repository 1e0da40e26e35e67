package io.pelton.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class BenchmarksTest {
  private static final String HEADER = "transaction_id,event_time,customer_id,amount\n";

  @TempDir private Path directory;

  private void write(String name, String text) throws IOException {
    Files.writeString(directory.resolve(name), text);
  }

  /** What a command says of data that cannot be measured, the directory's name taken out. */
  private String refused(String data) {
    StringWriter err = new StringWriter();
    CommandLine line = Benchmarks.commandLine().setErr(new PrintWriter(err));
    assertThat(line.execute("features", "growth", "--data", directory + "/" + data)).isEqualTo(2);
    return err.toString().replace("file:", "").replace(directory + "/", "");
  }

  @Test
  void saysOnOneLineWhichDataCannotBeMeasured() throws IOException {
    write("short.csv", "transaction_id,event_time,customer_id\n1,2018-04-01T00:00:00Z,7\n");
    write("wrong.csv", HEADER + "1,2018-04-01T00:00:00Z,7,much\n");
    assertThat(refused("none.csv")).isEqualTo("no file matches \"none.csv\"\n");
    assertThat(refused("none-*.csv")).isEqualTo("no file matches \"none-*.csv\"\n");
    assertThat(refused("short.csv"))
        .isEqualTo(
            "short.csv: the header lacks the column \"amount\"; it has transaction_id, event_time,"
                + " customer_id\n");
    assertThat(refused("wrong.csv")).startsWith("wrong.csv: ").contains("much").hasLineCount(1);
  }

  @Test
  void refusesOptionsThatACommandHasNoUseForAndValuesOutOfRule() {
    assertThat(misused("features hot-key --data a.csv")).startsWith("Unknown options: '--data'");
    assertThat(misused("features hot-key --seconds 9")).startsWith("Unknown options: '--seconds'");
    assertThat(misused("features costs --data a.csv")).startsWith("Unknown options: '--data'");
    assertThat(misused("features costs --repeat 2")).startsWith("Unknown options: '--repeat'");
    for (String days : List.of("2", "-1", "few")) {
      assertThat(misused("features hot-key --days " + days))
          .startsWith("Invalid value for option '--days': '%s' is no number".formatted(days));
    }
    assertThat(misused("features sums --jobs pelton,spark"))
        .startsWith("Invalid value for option '--jobs'")
        .contains("pelton-source", "by-hand", "'spark'");
    assertThat(misused("all-in-one --jobs pelton"))
        .startsWith("Invalid value for option '--jobs'")
        .contains("pass-through", "all-in-one", "naive");
  }

  @Test
  void comparesDataSetsInAProcessOfItsOwn() {
    assertThat(misused("compare --rows 0"))
        .isEqualTo("--rows 0, --columns 20, --repeat 3: each must be 1 or more\n");
    assertThat(
            Benchmarks.commandLine()
                .execute(
                    "compare",
                    "--rows=50",
                    "--columns=2",
                    "--repeat=1",
                    "--no-pandas",
                    "--memory=64m"))
        .isZero();
  }

  /** What is said of a command line; the usage may follow. */
  private static String misused(String commandLine) {
    StringWriter err = new StringWriter();
    CommandLine line = Benchmarks.commandLine().setErr(new PrintWriter(err));
    assertThat(line.execute(commandLine.split(" "))).isEqualTo(2);
    return err.toString();
  }

  @Test
  void readsTheFilesOfAGlobByName() throws IOException {
    write("a.csv", HEADER + "1,2018-04-02T00:00:00Z,7,1\n");
    write("b.csv", HEADER + "2,2018-04-03T00:00:00Z,7,1\n");
    write("c.csv", HEADER + "3,2018-04-01T00:00:00Z,7,1\n");
    assertThat(refused("*.csv"))
        .isEqualTo("c.csv is not in the order of time, or begins before the file before it ends\n");
  }
}
