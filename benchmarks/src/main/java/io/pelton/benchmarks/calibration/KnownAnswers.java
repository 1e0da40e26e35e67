package io.pelton.benchmarks.calibration;

import io.pelton.drift.CategoryMeasures;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/** What PSI is where nothing drifted, beside what was published of it. */
final class KnownAnswers {
  private static final int ROUNDS = 20_000;
  private static final int BINS = 20;
  private static final int ROWS = 500;

  private KnownAnswers() {}

  static void print(PrintStream out, long seed) {
    MarkdownTable table =
        new MarkdownTable(
            out, "Known answers, nothing drifted", "what", "known", "measured (± standard error)");
    double[] psi =
        Trials.of(
                ROUNDS,
                seed,
                random ->
                    Law.NORMAL
                        .reference(random, 1_000, Reference.EDGES)
                        .measure(Law.NORMAL.sample(random, 1_000))
                        .psi())
            .stream()
            .mapToDouble(Double::doubleValue)
            .sorted()
            .toArray();
    double mean = Arrays.stream(psi).average().orElseThrow();
    double squares = Arrays.stream(psi).map(x -> (x - mean) * (x - mean)).sum();
    table.row(
        "mean PSI, 10 bins, 1,000 rows a side", "0.0180", error(mean, Math.sqrt(squares) / ROUNDS));
    // Standard error of a quantile: that of its share, over the density about it.
    double wide = (psi[(int) (0.96 * ROUNDS)] - psi[(int) (0.94 * ROUNDS)]) / 0.02;
    table.row(
        "its 95th percentile",
        "0.0338",
        error(psi[(int) (0.95 * ROUNDS)], wide * Math.sqrt(0.05 * 0.95 / ROUNDS)));

    List<long[]> twenty = Trials.of(ROUNDS, seed + 1, KnownAnswers::twentyBins);
    List<CategoryMeasures> measured = twenty.stream().map(KnownAnswers::measured).toList();
    table.row(
        "PSI > 0.1, 20 bins, 500 rows a side",
        "about 15 %",
        rate(measured.stream().filter(m -> m.psi() > 0.1).count()));
    table.row(
        "the same without smoothing",
        "17–19 %",
        rate(twenty.stream().filter(counts -> plainPsi(counts) > 0.1).count()));
    table.row(
        "the same, PSI's p ≤ 0.05 instead of a cut-off",
        "5 %",
        rate(measured.stream().filter(m -> m.psiPValue() <= 0.05).count()));
    table.row(
        "the same, bias-adjusted PSI > 0.1",
        "",
        rate(measured.stream().filter(m -> m.psiAdjusted() > 0.1).count()));
  }

  /** Rows of a window in the twentieths of a reference of {@link #ROWS}. */
  private static long[] twentyBins(SplittableRandom random) {
    double[] reference = Law.NORMAL.sample(random, ROWS);
    Arrays.sort(reference);
    double[] edges = new double[BINS - 1];
    for (int k = 1; k < BINS; k++) {
      edges[k - 1] = reference[k * ROWS / BINS - 1];
    }
    long[] counts = new long[BINS];
    for (double value : Law.NORMAL.sample(random, ROWS)) {
      int at = Arrays.binarySearch(edges, value);
      counts[at < 0 ? -at - 1 : at]++;
    }
    return counts;
  }

  private static CategoryMeasures measured(long[] window) {
    Map<String, Long> before = new HashMap<>();
    Map<String, Long> now = new HashMap<>();
    for (int bin = 0; bin < window.length; bin++) {
      before.put("bin " + bin, (long) ROWS / BINS);
      now.put("bin " + bin, window[bin]);
    }
    return CategoryMeasures.of(before, 0, now, 0);
  }

  private static double plainPsi(long[] window) {
    double p = 1.0 / BINS;
    return Arrays.stream(window)
        .mapToDouble(count -> (double) count / ROWS)
        .map(q -> (q - p) * Math.log(q / p))
        .sum();
  }

  private static String rate(long times) {
    return new Rate(times, ROUNDS).toString();
  }

  private static String error(double value, double error) {
    return String.format(Locale.ROOT, "%.5f ± %.5f", value, error);
  }
}
