package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class CompactLogCommandTest {
  private static final Clock NOON =
      Clock.fixed(Instant.parse("2018-05-08T12:00:00Z"), ZoneOffset.UTC);

  @TempDir Path directory;
  private final StringWriter out = new StringWriter();

  @BeforeEach
  void makeAnEmptyDate() throws Exception {
    Files.createDirectories(directory.resolve("log/date=2018-05-08"));
  }

  private int run(String... arguments) {
    return new CommandLine(new CompactLogCommand(NOON))
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(out, true))
        .setExecutionExceptionHandler(
            (e, line, parsed) -> {
              line.getErr().println(e.getMessage());
              return e instanceof InputException ? 2 : 1;
            })
        .execute(arguments);
  }

  private String log() {
    return directory.resolve("log").toString();
  }

  @Test
  void leavesTodayAndYesterdayAloneUnlessTold() {
    assertThat(run("--log", log())).isZero();
    assertThat(out.toString()).contains("nothing to compact before 2018-05-07 in");
    assertThat(run("--log", log(), "--before", "2018-05-01")).isZero();
    assertThat(out.toString()).contains("nothing to compact before 2018-05-01 in");
    assertThat(run("--log", log(), "--all")).isZero();
    assertThat(out.toString()).contains("nothing to compact in");
  }

  @Test
  void refusesWhatCannotBeMeant() {
    assertThat(run("--log", log(), "--all", "--before", "2018-05-01")).isEqualTo(2);
    assertThat(run("--log", log(), "--before", "tomorrow")).isEqualTo(2);
    assertThat(out.toString()).contains("--before: \"tomorrow\" is no time");
    assertThat(run("--log", directory + "/elsewhere")).isEqualTo(2);
    assertThat(out.toString()).contains("there is no such directory");
  }

  @Test
  void aDirectoryThatIsNoDateIsNamed() throws Exception {
    Files.createDirectories(directory.resolve("log/date=soon"));
    assertThat(run("--log", log())).isEqualTo(2);
    assertThat(out.toString()).contains("date=soon: is no directory of a feature log");
  }
}
