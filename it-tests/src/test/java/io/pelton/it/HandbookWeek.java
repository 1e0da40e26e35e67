package io.pelton.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.pelton.cli.simulator.Transaction;
import io.pelton.feature.FeatureRow;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** A week of the Fraud Detection Handbook's transactions, and its own 15 features of them. */
final class HandbookWeek {
  static final int ROWS = 67_069;
  static final Instant FROM = Instant.parse("2018-05-08T00:00:00Z");
  static final Instant TO = Instant.parse("2018-05-15T00:00:00Z");

  /** A month that the widest window and its delay reach back into. */
  static final Path APRIL =
      Path.of("../../shared/data/card-transactions/transactions-2018-04.csv.gz");

  private static final Path DATA = APRIL.getParent();

  private HandbookWeek() {}

  /** Skips the test where the data is not there. */
  static void assumeThere() {
    assumeThat(Files.isDirectory(DATA)).as("%s is not there", DATA).isTrue();
  }

  /** The month of April. */
  static List<Transaction> april() throws IOException {
    return events("transactions-2018-04.csv.gz");
  }

  /** The month of May until the week ends. */
  static List<Transaction> may() throws IOException {
    return events("transactions-2018-05.csv.gz");
  }

  private static List<Transaction> events(String file) throws IOException {
    List<Transaction> events = new ArrayList<>();
    try (BufferedReader in = open(file)) {
      in.readLine();
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String[] cells = line.split(",");
        Instant time = Instant.parse(cells[1]);
        if (time.isBefore(TO)) {
          events.add(
              new Transaction(
                  Long.parseLong(cells[0]),
                  time.toEpochMilli(),
                  Long.parseLong(cells[2]),
                  Long.parseLong(cells[3]),
                  Double.parseDouble(cells[4]),
                  cells[5].equals("1")));
        }
      }
    }
    return events;
  }

  /**
   * Checks rows of the week by event id against the Handbook's: counts equal, means to 1e-9
   * relative.
   *
   * @param names of the rows' features; those that the Handbook has not are left alone
   */
  static void check(Map<String, FeatureRow> rows, List<String> names) throws IOException {
    int compared = 0;
    int swapped = 0;
    try (BufferedReader reference = open("reference-features-2018-05-08_2018-05-14.csv.gz")) {
      String[] header = reference.readLine().split(",");
      for (String line = reference.readLine(); line != null; line = reference.readLine()) {
        String[] cells = line.split(",");
        FeatureRow row = rows.get(cells[0]);
        if (row == null) {
          continue;
        }
        boolean equal = true;
        for (int i = 1; i < header.length; i++) {
          int column = names.indexOf(header[i]);
          if (column < 0) {
            continue;
          }
          double expected = Double.parseDouble(cells[i]);
          double actual = row.values[column];
          boolean same =
              header[i].contains("_count_")
                  ? actual == expected
                  : Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
          if (!same && !header[i].startsWith("customer_")) {
            assertThat(actual).as("%s of transaction %s", header[i], cells[0]).isEqualTo(expected);
          }
          equal &= same;
        }
        // The reference orders two transactions of one customer in one second arbitrarily.
        swapped += equal ? 0 : 1;
        compared++;
      }
    }
    assertThat(compared).isEqualTo(rows.size());
    assertThat(swapped).isLessThanOrEqualTo(4);
  }

  private static BufferedReader open(String file) throws IOException {
    return new BufferedReader(
        new InputStreamReader(
            new GZIPInputStream(Files.newInputStream(DATA.resolve(file))), StandardCharsets.UTF_8));
  }
}
