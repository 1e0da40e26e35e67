package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DriftCompareCommandTest {
  @TempDir Path directory;

  private String out = "";
  private String err = "";

  @BeforeEach
  void writeData() throws Exception {
    write("before.csv", 1, 0);
    write("now.csv", 2, 1);
    write("same.csv", 3, 0);
  }

  private void write(String name, int seed, double shift) throws Exception {
    Random random = new Random(seed);
    StringBuilder text = new StringBuilder("amount,channel,empty\n");
    for (int i = 0; i < 500; i++) {
      text.append(random.nextGaussian() + shift)
          .append(random.nextInt(3) == 0 ? ",web," : ",shop,")
          .append('\n');
    }
    Files.writeString(directory.resolve(name), text);
  }

  private int compare(String current, String... options) {
    StringWriter outText = new StringWriter();
    StringWriter errText = new StringWriter();
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "drift",
                "compare",
                "--baseline=" + directory.resolve("before.csv"),
                "--current=" + directory.resolve(current)));
    arguments.addAll(List.of(options));
    int code =
        Pelton.commandLine()
            .setOut(new PrintWriter(outText, true))
            .setErr(new PrintWriter(errText, true))
            .execute(arguments.toArray(String[]::new));
    out = outText.toString();
    err = errText.toString();
    return code;
  }

  @Test
  void tellsWhatDriftedAndFailsOnlyWhenAsked() {
    assertThat(compare("now.csv")).as(err).isZero();
    assertThat(out)
        .startsWith("baseline 500 rows, current 500 rows\n")
        .containsPattern("amount +numeric +KS 0\\.[34]\\d+ .*DRIFTED\n")
        .containsPattern("channel +categorical +V 0\\.\\d+ .* none\n")
        .containsPattern("empty +numeric +no values .* 100\\.00 → 100\\.00 %\n")
        .endsWith(
            "1 of 3 columns drifted: an effect (PSI 0.2, KS 0.1, V 0.1 or more) and q at most 0.05\n");
    assertThat(compare("now.csv", "--fail-on-drift")).isEqualTo(3);
    assertThat(compare("same.csv", "--fail-on-drift")).isZero();
    assertThat(compare("now.csv", "--fail-on-drift", "--columns=channel")).isZero();
    assertThat(compare("now.csv", "--fail-on-drift", "--ks=0.9", "--psi=9")).isZero();
  }

  @Test
  void givesJsonForPrograms() {
    assertThat(compare("now.csv", "--format=json")).as(err).isZero();
    assertThat(out.replaceAll("\\s+", " "))
        .startsWith("{ \"baselineRows\" : 500, \"currentRows\" : 500, \"drifted\" : true,")
        .containsPattern(
            "\"amount\" : \\{ \"type\" : \"numeric\", \"baselineCount\" : 500, .*\"ks\" : \\{"
                + " \"statistic\" : 0\\.[34]\\d*, \"pValue\" : \\S+E-\\d+, \"method\" : \"finite-sample\"")
        .containsPattern("\"psi\" : \\{ \"value\" : \\S+, \"adjusted\" : \\S+, \"pValue\" : ")
        .containsPattern("\"missing\" : \\{ \"baseline\" : 0.0, \"current\" : 0.0,")
        .containsPattern("\"type\" : \"categorical\".*\"chiSquare\" : \\{ \"statistic\" : \\d")
        .containsPattern("\"empty\" : .*\"ks\" : null,.*\"baseline\" : 1.0, \"current\" : 1.0");
  }

  @Test
  void makesAPageWithBothDistributions() throws Exception {
    Path page = directory.resolve("page.html");
    assertThat(compare("now.csv", "--format=html")).as(err).isZero();
    String printed = out;

    assertThat(compare("now.csv", "--format=html", "--output=" + page, "--fail-on-drift"))
        .isEqualTo(3);

    assertThat(out).isEqualTo(page + ": 1 of 3 columns drifted\n");
    assertThat(Files.readString(page)).isEqualTo(printed);
    assertThat(printed)
        .startsWith("<!doctype html>")
        .contains("1 of 3 columns drifted", "Baseline of 500 rows, current of 500 rows.")
        .containsPattern("<path class='line b' d='M40 184H\\d+V\\d+L")
        .containsPattern("<path class=gap d='M\\d+ \\d+V\\d+'><title>KS 0\\.[34]")
        .contains("<th scope=row>shop<td>");
  }

  @Test
  void namesWhatIsWrong() {
    assertThat(compare("nothing-*.csv")).isEqualTo(2);
    assertThat(err).startsWith("--current: no file matches \"").endsWith("nothing-*.csv\"\n");
    assertThat(compare("now.csv", "--columns=amont")).isEqualTo(2);
    assertThat(err)
        .isEqualTo("the baseline side has no column \"amont\"; did you mean \"amount\"?\n");
    assertThat(compare("now.csv", "--edges=3")).isEqualTo(2);
    assertThat(err).isEqualTo("--edges 3: it must be 16 or more\n");
    assertThat(compare("now.csv", "--output=" + directory.resolve("no/such/file"))).isEqualTo(2);
    assertThat(err).startsWith("--output ").contains("no/such/file: cannot be written: ");
    assertThat(compare("now.csv", "--level=2")).isEqualTo(2);
    assertThat(err).isEqualTo("level is 2.0; it must be above 0 and below 1\n");
  }
}
