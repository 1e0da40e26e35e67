package io.pelton.drift.report;

import io.pelton.drift.CategoryMeasures;
import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.Measures;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * One of PSI's bins, as shares of the rows.
 *
 * @param upper what is written at its right end; empty where nothing is
 * @param psi what it adds to PSI
 */
record Bar(String label, String upper, double baseline, double current, double psi) {
  private static final int MOST_CATEGORIES = 14;
  private static final String MISSING = "missing";

  /** Whether it is of rows without a value. */
  boolean isMissing() {
    return label.equals(MISSING) && upper.isEmpty();
  }

  static List<Bar> of(ColumnMeasures measures) {
    if (measures instanceof CategoryMeasures categories) {
      return ofCategories(categories);
    }
    List<Measures.Bin> bins = ((Measures) measures).bins();
    List<Bar> bars = new ArrayList<>();
    double lower = Double.NEGATIVE_INFINITY;
    for (Measures.Bin bin : bins) {
      Double upper = bin.upper();
      String label = upper == null ? MISSING : range(lower, upper);
      bars.add(
          bar(
              label,
              upper == null ? "" : upper == Double.POSITIVE_INFINITY ? "" : Words.value(upper),
              bin.baseline(),
              bin.current(),
              measures,
              bins.size()));
      lower = upper == null ? lower : upper;
    }
    return bars;
  }

  private static String range(double lower, double upper) {
    if (lower == Double.NEGATIVE_INFINITY) {
      return upper == Double.POSITIVE_INFINITY ? "all values" : "up to " + Words.value(upper);
    }
    return upper == Double.POSITIVE_INFINITY
        ? "above " + Words.value(lower)
        : "(" + Words.value(lower) + ", " + Words.value(upper) + "]";
  }

  /** Those that changed most, in order of frequency, and the others in one. */
  private static List<Bar> ofCategories(CategoryMeasures measures) {
    List<CategoryMeasures.Bin> bins = measures.bins();
    List<Bar> all = new ArrayList<>();
    for (CategoryMeasures.Bin bin : bins) {
      String label =
          switch (bin.kind()) {
            case VALUE -> Words.name(String.valueOf(bin.value()));
            case MISSING -> MISSING;
            case OTHER -> "other, rare";
            case UNSEEN -> "new";
          };
      all.add(bar(label, "", bin.baseline(), bin.current(), measures, bins.size()));
    }
    if (all.size() <= MOST_CATEGORIES) {
      return all;
    }
    List<Bar> changed = new ArrayList<>(all);
    changed.sort(Comparator.comparingDouble(Bar::psi).reversed());
    List<Bar> rest = changed.subList(MOST_CATEGORIES - 1, changed.size());
    List<Bar> shown = new ArrayList<>(changed.subList(0, MOST_CATEGORIES - 1));
    shown.sort(Comparator.comparingDouble((Bar bar) -> bar.baseline + bar.current).reversed());
    shown.add(
        new Bar(
            rest.size() + " others",
            "",
            rest.stream().mapToDouble(Bar::baseline).sum(),
            rest.stream().mapToDouble(Bar::current).sum(),
            rest.stream().mapToDouble(Bar::psi).sum()));
    return shown;
  }

  private static Bar bar(
      String label, String upper, long baseline, long current, ColumnMeasures of, int bins) {
    double p = (baseline + 0.5) / (of.baselineCount() + bins / 2.0);
    double q = (current + 0.5) / (of.currentCount() + bins / 2.0);
    return new Bar(
        label,
        upper,
        (double) baseline / of.baselineCount(),
        (double) current / of.currentCount(),
        (q - p) * Math.log(q / p));
  }

  /** The change that says most: {@code (1.5, 2]: 10.0 → 24.1 %}. */
  static String largestChange(List<Bar> bars) {
    return bars.stream()
        .max(Comparator.comparingDouble(Bar::psi))
        .map(
            bar ->
                "%s: %s \u2192 %s %%"
                    .formatted(bar.label, Words.percent(bar.baseline), Words.percent(bar.current)))
        .orElse("");
  }
}
