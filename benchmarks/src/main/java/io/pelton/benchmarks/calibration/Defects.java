package io.pelton.benchmarks.calibration;

import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Measures;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import org.apache.commons.math3.distribution.ChiSquaredDistribution;

/** What well-known tools get wrong, and what Pelton gives on the same data. */
final class Defects {
  private static final int ROWS = 1_000;
  private static final int MANY = 500_000;
  private static final int MILLION = 1_000_000;
  private static final int CATEGORIES = 10;
  private static final int ROUNDS = 5_000;

  private Defects() {}

  static void print(PrintStream out, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    MarkdownTable table =
        new MarkdownTable(out, "Defects of other tools", "defect", "data", "computed so", "Pelton");

    double[] reference = Law.NORMAL.sample(random, ROWS);
    double[] half = shifted(random, ROWS, 0.5);
    table.row(
        "equal-width bins over both sides",
        "0.5 σ, 1,000 rows a side",
        "PSI " + digits(equalWidth(reference, half, 1e-4)),
        "PSI " + digits(measured(reference, half).psi()));
    half[0] = 1_000;
    table.row(
        "",
        "the same with one outlier of 1000",
        "PSI " + digits(equalWidth(reference, half, 1e-4)),
        "PSI " + digits(measured(reference, half).psi()));
    double[] whole = shifted(random, ROWS, 1);
    table.row(
        "1e-300 for empty bins",
        "1 σ, 1,000 rows a side",
        "PSI " + digits(equalWidth(reference, whole, 1e-300)),
        "PSI " + digits(measured(reference, whole).psi()));

    double[] coin = new double[ROWS];
    Arrays.setAll(coin, i -> i % 2);
    table.row(
        "KS on sketches, which ties break",
        "the same 50/50 data twice",
        "D 0.255 (as published)",
        distance(measured(coin, coin)));
    table.row(
        "retained counts for true ones",
        "0.2 σ, a million rows a side, 2,048 edges",
        "missed (as published)",
        distance(measured(Law.NORMAL.sample(random, MILLION), shifted(random, MILLION, 0.2))));
    table.row(
        "p-values without the sketch's error",
        "no drift, half a million rows a side, 2,048 edges",
        "D 0.0133, p 3e-77 (as published)",
        distance(measured(Law.NORMAL.sample(random, MANY), Law.NORMAL.sample(random, MANY))));

    boolean[][] chi =
        Trials.of(
                ROUNDS,
                seed,
                r -> {
                  long[] before = uniform(r);
                  long[] now = uniform(r);
                  return new boolean[] {
                    oneSample(before, now) <= 0.05,
                    CategoryMeasures.of(named(before), 0, named(now), 0).pValue() <= 0.05
                  };
                })
            .toArray(boolean[][]::new);
    table.row(
        "one-sample χ² against a finite reference",
        "no drift, 10 categories, 1,000 rows a side, p ≤ 0.05",
        new Rate(Arrays.stream(chi).filter(c -> c[0]).count(), ROUNDS),
        new Rate(Arrays.stream(chi).filter(c -> c[1]).count(), ROUNDS));

    double[] skewed = Law.NORMAL.sample(random, ROWS);
    Arrays.setAll(skewed, i -> Math.exp(2 * skewed[i]));
    long[] width = widths(skewed, skewed, Arrays.stream(skewed).max().orElseThrow());
    table.row(
        "equal width where the documents say quantiles",
        "log-normal, σ 2, 1,000 rows",
        "largest bin %.1f %% of the reference"
            .formatted(100.0 * Arrays.stream(width).max().orElseThrow() / ROWS),
        "largest bin %.1f %%"
            .formatted(
                100.0
                    * measured(skewed, skewed).bins().stream()
                        .mapToLong(Measures.Bin::baseline)
                        .max()
                        .orElseThrow()
                    / ROWS));

    double[] holes = reference.clone();
    Arrays.fill(holes, 0, ROWS / 10, Double.NaN);
    Measures missing = measured(reference, holes);
    table.row(
        "nulls dropped before the test",
        "a tenth of the same 1,000 rows goes missing",
        "p %.2g (of the values alone)".formatted(missing.ksPValue()),
        "p %.2g".formatted(missing.pValue()));
  }

  private static Measures measured(double[] reference, double[] window) {
    FeatureProfile profile =
        FeatureProfile.of("x", FeatureProfile.Kind.FEATURE, reference, Reference.EDGES);
    return Measures.of(profile, Reference.counts(profile, window));
  }

  private static double[] shifted(SplittableRandom random, int size, double shift) {
    return Arrays.stream(Law.NORMAL.sample(random, size)).map(x -> x + shift).toArray();
  }

  /** PSI as found elsewhere: ten bins of one width over both sides. */
  private static double equalWidth(double[] reference, double[] window, double forEmpty) {
    double most =
        Math.max(
            Arrays.stream(reference).max().orElseThrow(),
            Arrays.stream(window).max().orElseThrow());
    long[] before = widths(reference, window, most);
    long[] now = widths(window, reference, most);
    double psi = 0;
    for (int bin = 0; bin < before.length; bin++) {
      double p = before[bin] == 0 ? forEmpty : (double) before[bin] / reference.length;
      double q = now[bin] == 0 ? forEmpty : (double) now[bin] / window.length;
      psi += (q - p) * Math.log(q / p);
    }
    return psi;
  }

  private static long[] widths(double[] counted, double[] other, double most) {
    double least =
        Math.min(
            Arrays.stream(counted).min().orElseThrow(), Arrays.stream(other).min().orElseThrow());
    long[] counts = new long[10];
    for (double value : counted) {
      counts[(int) Math.min(9, (value - least) / (most - least) * 10)]++;
    }
    return counts;
  }

  private static long[] uniform(SplittableRandom random) {
    long[] counts = new long[CATEGORIES];
    for (int i = 0; i < ROWS; i++) {
      counts[random.nextInt(CATEGORIES)]++;
    }
    return counts;
  }

  private static Map<String, Long> named(long[] counts) {
    Map<String, Long> named = new HashMap<>();
    for (int i = 0; i < counts.length; i++) {
      named.put("category " + i, counts[i]);
    }
    return named;
  }

  /** As if the reference's shares were the true ones. */
  private static double oneSample(long[] before, long[] now) {
    double statistic = 0;
    for (int i = 0; i < before.length; i++) {
      statistic += (double) (now[i] - before[i]) * (now[i] - before[i]) / before[i];
    }
    return 1 - new ChiSquaredDistribution(null, before.length - 1).cumulativeProbability(statistic);
  }

  private static String distance(Measures measures) {
    return String.format(
        Locale.ROOT,
        "D %.4f (short by at most %.5f), p %.2g",
        measures.ks(),
        measures.rankErrorBound(),
        measures.ksPValue());
  }

  private static String digits(double value) {
    return String.format(Locale.ROOT, value < 0.001 ? "%.5f" : "%.3f", value);
  }
}
