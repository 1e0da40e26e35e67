package io.pelton.benchmarks.calibration;

import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.Decision;
import io.pelton.drift.Decision.Evidence;
import io.pelton.drift.Measures;
import io.pelton.drift.Thresholds;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** How often windows alarm where nothing drifted. */
final class NullRates {
  private static final int FEATURES = 50;
  private static final double LEVEL = 0.05;
  private static final long MINIMUM = 100;

  /**
   * Rows of reference and window.
   *
   * @param windows that are measured against one reference
   */
  private record Sizes(int n, int m, int edges, int windows) {}

  private static final List<Sizes> SIZES =
      List.of(
          new Sizes(1_000, 1_000, Reference.EDGES, 1),
          new Sizes(10_000, 500, Reference.EDGES, 5),
          new Sizes(10_000, 1_000, 64, 5),
          new Sizes(500_000, 5_000, Reference.EDGES, 100));

  private NullRates() {}

  static void print(PrintStream out, long seed, int windows) {
    MarkdownTable tests =
        new MarkdownTable(
            out,
            "False alarms of each rule alone: %,d features, nothing drifted"
                .formatted(windows * FEATURES),
            "values",
            "n / m (edges)",
            "KS or χ², p ≤ 0.05",
            "PSI, p ≤ 0.05",
            "missing share, p ≤ 0.05",
            "PSI > 0.1",
            "KS or V ≥ 0.1");
    tests.row("nominal", "", "5 %", "5 %", "5 %", "none", "none");
    List<Object[]> whole = new ArrayList<>();
    for (Law law : Law.values()) {
      for (Sizes sizes : SIZES) {
        if (law == Law.CATEGORIES && sizes.edges != Reference.EDGES) {
          continue;
        }
        Tally tally =
            Trials.of(
                    Math.max(1, windows / sizes.windows),
                    seed + 31L * law.ordinal() + sizes.n + sizes.m,
                    random -> block(law, sizes, random))
                .stream()
                .reduce(new Tally(), Tally::plus);
        String size =
            law == Law.CATEGORIES
                ? "%,d / %,d".formatted(sizes.n, sizes.m)
                : "%,d / %,d (%,d)".formatted(sizes.n, sizes.m, sizes.edges);
        tests.row(
            law.text,
            size,
            tally.tests(tally.own),
            tally.tests(tally.psi),
            law == Law.HOLES ? tally.tests(tally.missing) : "–",
            Rate.percent(tally.tests(tally.psiOver).share()),
            Rate.percent(tally.tests(tally.distanceOver).share()));
        whole.add(
            new Object[] {
              law.text,
              size,
              tally.windows(tally.uncorrected),
              tally.windows(tally.significant),
              tally.windows(tally.alarmed)
            });
      }
    }
    MarkdownTable alarms =
        new MarkdownTable(
            out,
            "Windows of %d features that alarm, of %,d, nothing drifted"
                .formatted(FEATURES, windows),
            "values",
            "n / m (edges)",
            "any p ≤ 0.05, uncorrected",
            "any q ≤ 0.05",
            "whole decision");
    alarms.row("nominal", "", "92.3 % if exact", "≤ 5 %", "≤ 5 %");
    whole.forEach(alarms::row);
    alarms.row("always-fire baseline", "", "100 %", "100 %", "100 %");
  }

  private static Tally block(Law law, Sizes sizes, SplittableRandom random) {
    List<List<ColumnMeasures>> windows = new ArrayList<>();
    for (int window = 0; window < sizes.windows; window++) {
      windows.add(new ArrayList<>());
    }
    for (int feature = 0; feature < FEATURES; feature++) {
      Reference reference = law.reference(random, sizes.n, sizes.edges);
      for (List<ColumnMeasures> window : windows) {
        window.add(reference.measure(law.sample(random, sizes.m)));
      }
    }
    return windows.stream().map(NullRates::tally).reduce(new Tally(), Tally::plus);
  }

  private static Tally tally(List<ColumnMeasures> window) {
    Tally tally = new Tally();
    tally.windows = 1;
    for (ColumnMeasures measures : window) {
      Evidence evidence = Evidence.of(measures);
      double own =
          measures instanceof Measures numbers && numbers.ksPValue() != null
              ? numbers.ksPValue()
              : measures.pValue();
      double distance = Thresholds.USUAL.excess(0, evidence.ks(), evidence.cramersV());
      tally.tests++;
      tally.own += own <= LEVEL ? 1 : 0;
      tally.psi += measures.psiPValue() <= LEVEL ? 1 : 0;
      tally.missing += measures.missingPValue() <= LEVEL ? 1 : 0;
      tally.psiOver += measures.psi() > 0.1 ? 1 : 0;
      tally.distanceOver += distance >= 1 ? 1 : 0;
    }
    List<Decision> decisions =
        Decision.of(window.stream().map(Evidence::of).toList(), Thresholds.USUAL, MINIMUM);
    tally.uncorrected = window.stream().anyMatch(m -> m.pValue() <= LEVEL) ? 1 : 0;
    tally.significant = decisions.stream().anyMatch(d -> d.qValue() <= LEVEL) ? 1 : 0;
    tally.alarmed = decisions.stream().anyMatch(Decision::drifted) ? 1 : 0;
    return tally;
  }

  private static final class Tally {
    private long tests;
    private long own;
    private long psi;
    private long missing;
    private long psiOver;
    private long distanceOver;
    private long windows;
    private long uncorrected;
    private long significant;
    private long alarmed;

    Tally plus(Tally other) {
      Tally sum = new Tally();
      sum.tests = tests + other.tests;
      sum.own = own + other.own;
      sum.psi = psi + other.psi;
      sum.missing = missing + other.missing;
      sum.psiOver = psiOver + other.psiOver;
      sum.distanceOver = distanceOver + other.distanceOver;
      sum.windows = windows + other.windows;
      sum.uncorrected = uncorrected + other.uncorrected;
      sum.significant = significant + other.significant;
      sum.alarmed = alarmed + other.alarmed;
      return sum;
    }

    Rate tests(long times) {
      return new Rate(times, tests);
    }

    Rate windows(long times) {
      return new Rate(times, windows);
    }
  }
}
