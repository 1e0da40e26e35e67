package io.pelton.drift;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.commons.math3.special.Gamma;
import org.jspecify.annotations.Nullable;

/**
 * How far the categories of a window lie from those of its reference.
 *
 * @param baselineCount reference rows, missing ones included
 * @param currentCount rows of the window, missing ones included
 * @param designEffect by how much the rows say less than as many independent ones would; χ² is
 *     divided by it (Rao and Scott 1981)
 * @param missingPValue two-proportion z test of the missing shares
 * @param unseen rows of the window with a value that the reference does not have
 * @param chiSquare statistic of the two-sample contingency table of {@code bins}, without Yates'
 *     correction; 0 where one bin is all there is
 * @param pValue of the statistic; 1 where one bin is all there is
 * @param cramersV effect size, with its bias taken off (Bergsma 2013); 0 to 1
 * @param bins categories, the commonest first; those that too few rows have to be tested are pooled
 */
public record CategoryMeasures(
    long baselineCount,
    long currentCount,
    double designEffect,
    long missingBaseline,
    long missingCurrent,
    double missingPValue,
    long unseen,
    double chiSquare,
    double pValue,
    double cramersV,
    double psi,
    double psiAdjusted,
    double psiPValue,
    double jensenShannon,
    List<Bin> bins)
    implements ColumnMeasures {
  /** A bin of which so many rows are expected on both sides is tested by itself. */
  private static final double EXPECTED = 5;

  /** What a bin is of. */
  public enum Kind {
    VALUE,
    /** Rows without a value. */
    MISSING,
    /** Values that too few rows have. */
    OTHER,
    /** Values that the reference does not have, taken together. */
    UNSEEN
  }

  /**
   * Rows of a category.
   *
   * @param value null but for {@link Kind#VALUE}
   */
  public record Bin(Kind kind, @Nullable String value, long baseline, long current) {
    private long rows() {
      return baseline + current;
    }

    private Bin plus(Bin bin) {
      return new Bin(Kind.OTHER, null, baseline + bin.baseline, current + bin.current);
    }
  }

  public CategoryMeasures {
    bins = List.copyOf(bins);
  }

  /**
   * Measures categories by their counts.
   *
   * @param missingBaseline rows without a value
   * @param missingCurrent the same of the window
   * @throws IllegalArgumentException when a side has no rows
   */
  public static CategoryMeasures of(
      Map<String, Long> baseline,
      long missingBaseline,
      Map<String, Long> current,
      long missingCurrent) {
    long n = missingBaseline + sum(baseline);
    long m = missingCurrent + sum(current);
    if (n == 0 || m == 0) {
      throw new IllegalArgumentException("a side has no rows; nothing can be measured");
    }
    List<Bin> all = new ArrayList<>();
    TreeSet<String> values = new TreeSet<>(baseline.keySet());
    values.addAll(current.keySet());
    long unseen = 0;
    for (String value : values) {
      long before = baseline.getOrDefault(value, 0L);
      long now = current.getOrDefault(value, 0L);
      unseen += before == 0 ? now : 0;
      all.add(new Bin(Kind.VALUE, value, before, now));
    }
    if (missingBaseline + missingCurrent > 0) {
      all.add(new Bin(Kind.MISSING, null, missingBaseline, missingCurrent));
    }
    return of(all, missingBaseline, missingCurrent, unseen, 1);
  }

  /**
   * Measures bins that are counted already.
   *
   * @param all with those of missing values
   * @param unseen rows of the window with a value that the reference does not have
   * @param designEffect 1 or more
   */
  static CategoryMeasures of(
      List<Bin> all, long missingBaseline, long missingCurrent, long unseen, double designEffect) {
    long n = all.stream().mapToLong(Bin::baseline).sum();
    long m = all.stream().mapToLong(Bin::current).sum();
    List<Bin> bins = pooled(all, n, m, designEffect);
    double statistic = chiSquare(bins, n, m) / designEffect;
    int freedom = bins.size() - 1;
    Stability stability =
        Stability.of(
            bins.stream().mapToLong(Bin::baseline).toArray(),
            bins.stream().mapToLong(Bin::current).toArray(),
            designEffect);
    return new CategoryMeasures(
        n,
        m,
        designEffect,
        missingBaseline,
        missingCurrent,
        Measures.proportionPValue(missingBaseline, n, missingCurrent, m, designEffect),
        unseen,
        statistic,
        freedom == 0 ? 1 : Gamma.regularizedGammaQ(freedom / 2.0, statistic / 2),
        cramersV(statistic, bins.size(), (n + m) / designEffect),
        stability.psi(),
        stability.adjusted(),
        stability.pValue(),
        stability.jensenShannon(),
        bins);
  }

  private static long sum(Map<String, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }

  /**
   * The smallest first, until what is left, and what they are together, is expected often enough.
   */
  private static List<Bin> pooled(List<Bin> all, long n, long m, double designEffect) {
    List<Bin> bins = new ArrayList<>(all);
    bins.sort(
        Comparator.comparingLong(Bin::rows)
            .reversed()
            .thenComparing(Bin::kind)
            .thenComparing(bin -> String.valueOf(bin.value)));
    double smallerShare = Math.min(n, m) / ((double) n + m) / designEffect;
    Bin other =
        bins.stream()
            .filter(bin -> bin.kind == Kind.OTHER)
            .findAny()
            .orElse(new Bin(Kind.OTHER, null, 0, 0));
    bins.remove(other);
    while (!bins.isEmpty()
        && (bins.get(bins.size() - 1).rows() * smallerShare < EXPECTED
            || (other.rows() > 0 && other.rows() * smallerShare < EXPECTED))) {
      other = other.plus(bins.remove(bins.size() - 1));
    }
    if (other.rows() > 0) {
      bins.add(other);
    }
    return bins;
  }

  private static double chiSquare(List<Bin> bins, long n, long m) {
    double statistic = 0;
    double all = (double) n + m;
    for (Bin bin : bins) {
      double expectedBefore = bin.rows() * (n / all);
      double expectedNow = bin.rows() * (m / all);
      double off = bin.baseline - expectedBefore;
      statistic += off * off / expectedBefore + off * off / expectedNow;
    }
    return statistic;
  }

  /** Of a table with two rows. */
  private static double cramersV(double statistic, int columns, double all) {
    if (columns < 2 || all < 2) {
      return 0;
    }
    double phi = Math.max(0, statistic / all - (columns - 1) / (all - 1));
    double rows = 2 - 1 / (all - 1);
    double corrected = columns - (columns - 1.0) * (columns - 1.0) / (all - 1);
    double freedom = Math.min(rows, corrected) - 1;
    return freedom <= 0 ? 0 : Math.min(1, Math.sqrt(phi / freedom));
  }
}
