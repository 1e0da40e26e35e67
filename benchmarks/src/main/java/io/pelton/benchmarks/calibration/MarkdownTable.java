package io.pelton.benchmarks.calibration;

import java.io.PrintStream;
import java.util.Collections;
import java.util.List;

/** A table that is printed row by row, as soon as a row is there. */
final class MarkdownTable {
  private final PrintStream out;
  private final int columns;

  MarkdownTable(PrintStream out, String title, String... columns) {
    this.out = out;
    this.columns = columns.length;
    out.printf("%n### %s%n%n", title);
    line(List.of(columns));
    line(Collections.nCopies(columns.length, "---"));
  }

  void row(Object... cells) {
    if (cells.length != columns) {
      throw new IllegalArgumentException(
          "row has %d cells; the table has %d columns".formatted(cells.length, columns));
    }
    line(List.of(cells));
  }

  private void line(List<?> cells) {
    out.println("| " + String.join(" | ", cells.stream().map(String::valueOf).toList()) + " |");
    out.flush();
  }
}
