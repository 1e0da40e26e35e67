package io.pelton.cli.simulator;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.zip.GZIPOutputStream;

/** Payments as CSV, in the shape of the Handbook's data set. Equal payments give equal bytes. */
public final class TransactionCsv {
  private static final String HEADER =
      "transaction_id,event_time,customer_id,terminal_id,amount,fraud\n";
  private static final int BUFFER = 1 << 16;

  private TransactionCsv() {}

  /**
   * Writes a file, gzip if its name ends in {@code .gz}.
   *
   * @return how many payments
   */
  public static long write(Iterable<Transaction> transactions, Path file) throws IOException {
    try (OutputStream bytes = Files.newOutputStream(file);
        OutputStream packed =
            file.toString().endsWith(".gz") ? new GZIPOutputStream(bytes, BUFFER) : bytes;
        Writer writer =
            new BufferedWriter(new OutputStreamWriter(packed, StandardCharsets.UTF_8), BUFFER)) {
      return write(transactions, writer);
    }
  }

  /** Writes header and payments; the writer stays open. */
  public static long write(Iterable<Transaction> transactions, Writer writer) throws IOException {
    writer.write(HEADER);
    long count = 0;
    var line = new StringBuilder();
    for (Transaction transaction : transactions) {
      line.setLength(0);
      long cents = Math.round(transaction.amount() * 100);
      line.append(transaction.transactionId())
          .append(',')
          .append(Instant.ofEpochMilli(transaction.eventTimeMillis()))
          .append(',')
          .append(transaction.customerId())
          .append(',')
          .append(transaction.terminalId())
          .append(',')
          .append(cents / 100)
          .append(cents % 100 < 10 ? ".0" : ".")
          .append(cents % 100)
          .append(',')
          .append(transaction.fraud() ? '1' : '0')
          .append('\n');
      writer.append(line);
      count++;
    }
    writer.flush();
    return count;
  }
}
