package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The example of reference tables, as a batch run. */
class ReferenceTableTest {
  private static final Path EXAMPLES = Path.of("../examples");

  @TempDir Path directory;

  private final StringWriter errors = new StringWriter();

  @BeforeEach
  void copyExample() throws Exception {
    Files.createDirectories(directory.resolve("card-fraud"));
    Files.createDirectories(directory.resolve("reference-tables"));
    for (String file :
        new String[] {
          "card-fraud/transaction.avsc",
          "reference-tables/pipeline.yaml",
          "reference-tables/terminal.avsc",
          "reference-tables/terminals.csv",
          "reference-tables/transactions.csv"
        }) {
      Files.copy(EXAMPLES.resolve(file), directory.resolve(file));
    }
  }

  private int features() {
    CommandLine line =
        Pelton.commandLine().setErr(new PrintWriter(errors)).setOut(new PrintWriter(errors));
    return line.execute(
        "features",
        "--pipeline",
        directory.resolve("reference-tables/pipeline.yaml").toString(),
        "--input",
        directory.resolve("reference-tables/transactions.csv").toString(),
        "--output",
        directory.resolve("out").toString(),
        "--parallelism",
        "1");
  }

  @Test
  void theManifestSaysWhichRowsWereJoined() throws Exception {
    assertThat(features()).as(errors.toString()).isZero();
    assertThat(Files.readAllLines(directory.resolve("out/features.csv")))
        .contains("3,10,1,91.49998842592592,45.5", "4,80,3,0,125.5", "5,15,0,0,0");
    String sha256 =
        HexFormat.of()
            .formatHex(
                MessageDigest.getInstance("SHA-256")
                    .digest(
                        Files.readAllBytes(directory.resolve("reference-tables/terminals.csv"))));
    assertThat(Files.readString(directory.resolve("out/manifest.json")))
        .containsSubsequence(
            "\"tables\"", "\"terminals\"", "/terminals.csv\"", "\"rows\" : 4", sha256, "\"files\"");
  }

  @Test
  void aTableWithABadRowStopsTheRunBeforeItBegins() throws Exception {
    Path table = directory.resolve("reference-tables/terminals.csv");
    Files.writeString(table, Files.readString(table).replace("FR,1", "FR,low"));
    assertThat(features()).isEqualTo(Pelton.USAGE);
    assertThat(errors.toString())
        .startsWith("table terminals cannot be used:\n")
        .contains("terminals.csv:2: field \"risk_class\": \"low\" is no whole number");
    assertThat(directory.resolve("out")).doesNotExist();
  }
}
