package io.pelton.cli;

import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Measures;
import io.pelton.drift.Thresholds;
import io.pelton.drift.compare.ColumnComparison;
import io.pelton.drift.compare.Comparison;
import io.pelton.drift.compare.ComparisonJson;
import io.pelton.drift.report.DriftPage;
import io.pelton.job.InputFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.apache.flink.core.fs.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Compares two data sets, column by column. */
@Command(
    name = "compare",
    description =
        "Compares two data sets column by column, with the statistics that drift jobs take. Exit"
            + " code 3 when a column drifted and --fail-on-drift asks.",
    mixinStandardHelpOptions = true)
final class DriftCompareCommand implements Callable<Integer> {
  /** Below it a p-value has lost its digits. */
  private static final double VANISHING = 1e-300;

  /** How the result is told. */
  enum Format {
    TEXT,
    JSON,
    HTML
  }

  @Option(
      names = "--baseline",
      required = true,
      paramLabel = "FILES",
      description =
          "What is compared against: paths and globs of .csv and .avro files, plain or .gz, and"
              + " .parquet; repeatable.")
  private List<String> baseline = new ArrayList<>();

  @Option(
      names = "--current",
      required = true,
      paramLabel = "FILES",
      description = "What may have drifted, of the same kinds; repeatable.")
  private List<String> current = new ArrayList<>();

  @Option(
      names = "--columns",
      split = ",",
      paramLabel = "NAME",
      description = "Columns to compare; default all that both sides have.")
  private List<String> columns = new ArrayList<>();

  @Option(
      names = "--categorical",
      split = ",",
      paramLabel = "NAME",
      description =
          "Columns whose numbers are categories. Others are numeric when each value parses as a"
              + " number.")
  private Set<String> categorical = new LinkedHashSet<>();

  @Option(
      names = "--edges",
      paramLabel = "N",
      description =
          "Measure numbers as a stream does, against a profile of so many edges; default: all"
              + " values, exactly.")
  private @Nullable Integer edges;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description = "text, json or html, a page by itself; default ${DEFAULT-VALUE}.")
  private Format format = Format.TEXT;

  @Mixin private ResultFile result = new ResultFile();

  @Option(
      names = "--psi",
      paramLabel = "X",
      description =
          "Bias-adjusted PSI from which a column has an effect; default ${DEFAULT-VALUE}.")
  private double psi = Thresholds.USUAL.psi();

  @Option(
      names = "--ks",
      paramLabel = "X",
      description = "Kolmogorov-Smirnov distance from which numbers do; default ${DEFAULT-VALUE}.")
  private double ks = Thresholds.USUAL.ks();

  @Option(
      names = "--cramers-v",
      paramLabel = "X",
      description = "Bias-corrected Cramér's V from which categories do; default ${DEFAULT-VALUE}.")
  private double cramersV = Thresholds.USUAL.cramersV();

  @Option(
      names = "--level",
      paramLabel = "Q",
      description = "False discovery rate over all columns; default ${DEFAULT-VALUE}.")
  private double level = Thresholds.USUAL.level();

  @Option(names = "--fail-on-drift", description = "Exit code 3 when a column drifted.")
  private boolean failOnDrift;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    Comparison comparison;
    Thresholds thresholds;
    try {
      thresholds = new Thresholds(psi, ks, cramersV, level);
      comparison =
          Comparison.of(
              new Comparison.Request(
                  files("--baseline", baseline),
                  files("--current", current),
                  columns,
                  categorical,
                  edges == null ? 0 : checkedEdges(edges),
                  thresholds));
    } catch (IllegalArgumentException | IOException e) {
      throw new InputException(e);
    }
    result.write(
        text(comparison, thresholds),
        "%d of %d columns drifted"
            .formatted(
                comparison.columns().stream().filter(ColumnComparison::drifted).count(),
                comparison.columns().size()),
        spec.commandLine().getOut());
    return failOnDrift && comparison.drifted() ? Pelton.DRIFTED : 0;
  }

  private String text(Comparison comparison, Thresholds thresholds) throws IOException {
    StringWriter text = new StringWriter();
    PrintWriter writer = new PrintWriter(text);
    switch (format) {
      case TEXT -> print(comparison, writer);
      case JSON -> ComparisonJson.write(comparison, writer);
      case HTML -> writer.print(DriftPage.of(comparison, thresholds).html());
    }
    writer.flush();
    return text.toString();
  }

  private static int checkedEdges(int edges) {
    if (edges < FeatureProfile.FEWEST_EDGES) {
      throw new IllegalArgumentException(
          "--edges %d: it must be %d or more".formatted(edges, FeatureProfile.FEWEST_EDGES));
    }
    return edges;
  }

  private static List<Path> files(String option, List<String> inputs) throws IOException {
    Set<Path> files = new LinkedHashSet<>();
    for (String input : inputs) {
      List<Path> found = InputFiles.expand(input);
      if (found.isEmpty()) {
        throw new IOException("%s: no file matches \"%s\"".formatted(option, input));
      }
      files.addAll(found);
    }
    return List.copyOf(files);
  }

  private void print(Comparison comparison, PrintWriter out) {
    out.printf(
        "baseline %,d rows, current %,d rows%n",
        comparison.baselineRows(), comparison.currentRows());
    List<String[]> table = new ArrayList<>();
    table.add(
        new String[] {
          "COLUMN", "TYPE", "DISTANCE", "P", "Q", "PSI ADJUSTED", "MISSING", "DRIFTED"
        });
    long drifted = 0;
    for (ColumnComparison column : comparison.columns()) {
      table.add(row(column));
      drifted += column.drifted() ? 1 : 0;
    }
    TextTable.print(out, table);
    tellLeftOut(out, "current", comparison.onlyBaseline());
    tellLeftOut(out, "baseline", comparison.onlyCurrent());
    out.printf(
        "%d of %d columns drifted: an effect (PSI %s, KS %s, V %s or more) and q at most %s%n",
        drifted, comparison.columns().size(), psi, ks, cramersV, level);
  }

  private static void tellLeftOut(PrintWriter out, String side, List<String> columns) {
    if (!columns.isEmpty()) {
      out.printf(
          "not compared, for the %s side lacks them: %s%n", side, String.join(", ", columns));
    }
  }

  private static String[] row(ColumnComparison column) {
    ColumnMeasures measures = column.measures();
    return new String[] {
      column.name(),
      column.type() == ColumnComparison.Type.TEXT ? "text (length)" : column.type().text(),
      distance(measures),
      small(measures.pValue()),
      small(column.qValue()),
      rounded(measures.psiAdjusted()),
      missing(measures),
      column.drifted() ? "DRIFTED" : ""
    };
  }

  private static String distance(ColumnMeasures measures) {
    if (measures instanceof CategoryMeasures categories) {
      return "V " + rounded(categories.cramersV());
    }
    return measures instanceof Measures numbers && numbers.ks() != null
        ? "KS " + rounded(numbers.ks())
        : "no values";
  }

  private static String missing(ColumnMeasures measures) {
    if (measures.missingBaseline() == 0 && measures.missingCurrent() == 0) {
      return "none";
    }
    return String.format(
        Locale.ROOT,
        "%.2f → %.2f %%",
        100.0 * measures.missingBaseline() / measures.baselineCount(),
        100.0 * measures.missingCurrent() / measures.currentCount());
  }

  private static String rounded(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }

  private static String small(double value) {
    return value < VANISHING ? "<1e-300" : String.format(Locale.ROOT, "%.3g", value);
  }
}
