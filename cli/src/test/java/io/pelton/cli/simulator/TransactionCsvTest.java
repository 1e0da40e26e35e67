package io.pelton.cli.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TransactionCsvTest {
  @TempDir private Path directory;

  @Test
  void writesTheColumnsOfTheHandbooksDataSet() throws Exception {
    var writer = new StringWriter();
    long time = Instant.parse("2018-05-01T00:01:21Z").toEpochMilli();

    long count =
        TransactionCsv.write(
            List.of(
                new Transaction(288062, time, 3546, 2944, 18.71, false),
                new Transaction(288063, time + 60_000, 206, 3521, 18.6, true),
                new Transaction(288064, time + 99_000, 206, 3521, 0.05, false),
                new Transaction(288065, time + 99_000, 7, 1, 1234, false)),
            writer);

    assertThat(count).isEqualTo(4);
    assertThat(writer)
        .hasToString(
            """
            transaction_id,event_time,customer_id,terminal_id,amount,fraud
            288062,2018-05-01T00:01:21Z,3546,2944,18.71,0
            288063,2018-05-01T00:02:21Z,206,3521,18.60,1
            288064,2018-05-01T00:03:00Z,206,3521,0.05,0
            288065,2018-05-01T00:03:00Z,7,1,1234.00,0
            """);
  }

  @Test
  void packsAFileWhoseNameSaysSo() throws Exception {
    var simulator =
        new TransactionSimulator(
            SimulatorSettings.withDefaults(1, Instant.parse("2024-01-01T00:00:00Z"), 2));
    Path plain = directory.resolve("t.csv");
    Path packed = directory.resolve("t.csv.gz");

    long count = TransactionCsv.write(simulator, plain);

    assertThat(TransactionCsv.write(simulator, packed)).isEqualTo(count);
    assertThat(Files.readAllLines(plain)).hasSize((int) count + 1);
    try (var unpacked = new GZIPInputStream(new ByteArrayInputStream(Files.readAllBytes(packed)))) {
      assertThat(new String(unpacked.readAllBytes(), StandardCharsets.UTF_8))
          .isEqualTo(Files.readString(plain));
    }
  }
}
