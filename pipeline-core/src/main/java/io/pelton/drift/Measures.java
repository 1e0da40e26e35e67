package io.pelton.drift;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.jspecify.annotations.Nullable;

/**
 * How far the values of a window lie from their baseline profile. All of it comes from counts, so
 * it is the same however the window was split and merged.
 *
 * @param baselineCount reference rows, missing ones included
 * @param currentCount rows of the window, missing ones included
 * @param designEffect by how much the rows say less than as many independent ones would; all
 *     p-values and the adjustment of PSI are of the counts over it
 * @param missingPValue two-proportion z test of the missing shares
 * @param outOfRange rows below the smallest or above the largest reference value
 * @param ks Kolmogorov-Smirnov distance over the values that are not missing; null when a side has
 *     none
 * @param ksAt value at which, or in the gap before which, the distribution functions are so far
 *     apart; null with {@code ks}, and where it is above all reference values
 * @param rankErrorBound by how much {@code ks} may fall short because the reference was thinned
 * @param psi population stability index over deciles of the reference and the missing values
 * @param psiAdjusted PSI less its expectation under no drift
 * @param jensenShannon distance, base 2, over PSI's bins
 * @param wasserstein first Wasserstein distance over the reference's standard deviation; values in
 *     a gap count at its middle, those out of range at the nearest end. Null where a side has no
 *     values, the deviation is 0 or infinite values make it infinite
 * @param distribution both distribution functions at a few dozen values, for drawing
 */
public record Measures(
    long baselineCount,
    long currentCount,
    double designEffect,
    long missingBaseline,
    long missingCurrent,
    double missingPValue,
    long outOfRange,
    @Nullable Double ks,
    @Nullable Double ksAt,
    @Nullable Double ksPValue,
    KsMethod ksMethod,
    double rankErrorBound,
    double psi,
    double psiAdjusted,
    double psiPValue,
    double jensenShannon,
    @Nullable Double wasserstein,
    List<Bin> bins,
    List<Point> distribution)
    implements ColumnMeasures {

  /** Where the Kolmogorov-Smirnov p-value comes from. */
  public enum KsMethod {
    /** All orders in which two samples of these sizes can come. */
    EXACT("exact"),
    /** The one-sample distribution at the harmonic sample size. */
    FINITE_SAMPLE("finite-sample"),
    /** A side has no values. */
    NONE("none");

    private final String text;

    KsMethod(String text) {
      this.text = text;
    }

    /** Word on drift reports. */
    public String text() {
      return text;
    }
  }

  /**
   * One of PSI's bins.
   *
   * @param upper right-closed upper bound; null: the bin of missing values
   */
  public record Bin(@Nullable Double upper, long baseline, long current) {}

  /**
   * Both distribution functions at a value.
   *
   * @param baseline reference rows at or below it
   * @param current rows of the window at or below it
   */
  public record Point(double value, long baseline, long current) {}

  private static final long EXACT_AT_MOST = 10_000;
  static final int MOST_POINTS = 40;
  static final int DECILES = 10;

  public Measures {
    bins = List.copyOf(bins);
    distribution = List.copyOf(distribution);
  }

  /**
   * Measures a window.
   *
   * @throws IllegalArgumentException when the counts are of another layout than the profile's, or
   *     empty
   */
  public static Measures of(FeatureProfile profile, SparseCounts window) {
    ValueCounts counts = new ValueCounts(profile);
    counts.add(window);
    return of(profile, counts);
  }

  /**
   * Measures a window.
   *
   * @throws IllegalArgumentException when the counts are of another layout than the profile's, or
   *     empty
   */
  public static Measures of(FeatureProfile profile, ValueCounts window) {
    return of(profile, window, 1);
  }

  /**
   * Measures a window whose rows depend on each other.
   *
   * @param designEffect 1 or more; 1 where they do not
   * @throws IllegalArgumentException when the counts are of another layout than the profile's, or
   *     empty
   */
  public static Measures of(FeatureProfile profile, ValueCounts window, double designEffect) {
    if (!(designEffect >= 1)) {
      throw new IllegalArgumentException(
          "design effect of %s is %s; it must be 1 or more"
              .formatted(profile.reportName(), designEffect));
    }
    long[] reference = profile.counts();
    long[] current = window.slots();
    if (current.length != reference.length) {
      throw new IllegalArgumentException(
          "window of %s has %d slots; its baseline profile has %d"
              .formatted(profile.reportName(), current.length, reference.length));
    }
    int missing = reference.length - 1;
    long n = sum(reference);
    long m = sum(current);
    if (m == 0) {
      throw new IllegalArgumentException(
          "window of %s has no rows; nothing can be measured".formatted(profile.reportName()));
    }
    long values = n - reference[missing];
    long windowValues = m - current[missing];
    boolean both = values > 0 && windowValues > 0;
    Farthest farthest = both ? farthest(profile, values, current, windowValues) : null;
    return of(
        new Sides(values, reference[missing], windowValues, current[missing], designEffect),
        current[0] + (profile.edges().length == 0 ? 0 : current[missing - 1]),
        farthest,
        profile.rankErrorBound(),
        both ? wasserstein(profile, values, current, windowValues) : null,
        bins(profile, current),
        distribution(profile, current, farthest));
  }

  /**
   * Measures all values of both sides, none of them put into a gap: {@code ks} and {@code
   * wasserstein} are exact.
   *
   * @throws IllegalArgumentException when the current side has no rows
   */
  public static Measures of(Sample baseline, Sample current) throws IOException {
    Sides sides =
        new Sides(baseline.count(), baseline.missing(), current.count(), current.missing(), 1);
    if (sides.m() == 0 || sides.n() == 0) {
      throw new IllegalArgumentException("a side has no rows; nothing can be measured");
    }
    ExactDistances distances = new ExactDistances(baseline, current);
    boolean both = sides.values > 0 && sides.windowValues > 0;
    return of(
        sides,
        distances.outOfRange(),
        both ? distances.farthest() : null,
        0,
        both ? distances.wasserstein() : null,
        distances.bins(),
        distances.distribution());
  }

  /**
   * Where the distribution functions are farthest apart.
   *
   * @param at null above all reference values
   */
  record Farthest(double distance, @Nullable Double at) {}

  /** Values and missing ones of the baseline and the window. */
  private record Sides(
      long values, long missing, long windowValues, long windowMissing, double designEffect) {
    long n() {
      return values + missing;
    }

    long m() {
      return windowValues + windowMissing;
    }
  }

  private static Measures of(
      Sides sides,
      long outOfRange,
      @Nullable Farthest farthest,
      double rankErrorBound,
      @Nullable Double wasserstein,
      List<Bin> bins,
      List<Point> distribution) {
    long n = sides.n();
    long m = sides.m();
    double designEffect = sides.designEffect;
    Double ks = farthest == null ? null : (Double) farthest.distance;
    Double ksPValue = null;
    KsMethod method = KsMethod.NONE;
    if (ks != null) {
      long values = sides.values;
      long windowValues = sides.windowValues;
      if (designEffect == 1 && values <= EXACT_AT_MOST / windowValues) {
        method = KsMethod.EXACT;
        ksPValue =
            KolmogorovSmirnov.exactPValue(
                (int) values,
                (int) windowValues,
                Math.round(ks * leastCommonMultiple(values, windowValues)));
      } else {
        method = KsMethod.FINITE_SAMPLE;
        double harmonic = (double) values * windowValues / ((double) values + windowValues);
        ksPValue =
            KolmogorovSmirnov.finiteSamplePValue(
                ks, Math.max(1, (long) Math.rint(harmonic / designEffect)));
      }
    }
    Stability stability =
        Stability.of(
            bins.stream().mapToLong(Bin::baseline).toArray(),
            bins.stream().mapToLong(Bin::current).toArray(),
            designEffect);
    return new Measures(
        n,
        m,
        designEffect,
        sides.missing,
        sides.windowMissing,
        proportionPValue(sides.missing, n, sides.windowMissing, m, designEffect),
        outOfRange,
        ks,
        farthest == null ? null : farthest.at,
        ksPValue,
        method,
        rankErrorBound,
        stability.psi(),
        stability.adjusted(),
        stability.pValue(),
        stability.jensenShannon(),
        wasserstein,
        bins,
        distribution);
  }

  /**
   * The one p-value that enters false-discovery control. It is KS's; but KS does not see missing
   * values, so when there are any, the smaller of KS's and theirs counts, twice (Bonferroni).
   * Without a KS distance it is PSI's, which has a bin for them.
   */
  @Override
  public double pValue() {
    if (ksPValue == null) {
      return psiPValue;
    }
    return missingBaseline == 0 && missingCurrent == 0
        ? ksPValue
        : Math.min(1, 2 * Math.min(ksPValue, missingPValue));
  }

  private static long sum(long[] counts) {
    long sum = 0;
    for (long count : counts) {
      sum += count;
    }
    return sum;
  }

  /**
   * Largest difference of the distribution functions, at each edge just before it and at it. They
   * are compared over their common denominator, for a division costs more than all the rest.
   */
  private static Farthest farthest(
      FeatureProfile profile, long values, long[] current, long windowValues) {
    long[] reference = profile.counts();
    double largest = 0;
    int at = 0;
    long below = 0;
    long windowBelow = 0;
    for (int slot = 0; slot < reference.length - 1; slot++) {
      below += reference[slot];
      windowBelow += current[slot];
      double here = apart(below, values, windowBelow, windowValues);
      if (here > largest) {
        largest = here;
        at = slot;
      }
    }
    int edge = at / 2;
    return new Farthest(
        largest / values / windowValues,
        edge < profile.edges().length ? (Double) profile.edges()[edge] : null);
  }

  /** At edges of evenly spread rank, the first and the last, and where KS is. */
  private static List<Point> distribution(
      FeatureProfile profile, long[] current, @Nullable Farthest farthest) {
    double[] edges = profile.edges();
    long[] reference = profile.counts();
    long values = sum(reference) - reference[reference.length - 1];
    Double marked = farthest == null ? null : farthest.at;
    List<Point> points = new ArrayList<>();
    long below = 0;
    long windowBelow = 0;
    long shown = 0;
    for (int edge = 0; edge < edges.length; edge++) {
      below += reference[2 * edge] + reference[2 * edge + 1];
      windowBelow += current[2 * edge] + current[2 * edge + 1];
      boolean isMarked = marked != null && marked == edges[edge];
      if (edge == 0
          || edge == edges.length - 1
          || isMarked
          || (below - shown) * MOST_POINTS >= values) {
        points.add(new Point(edges[edge], below, windowBelow));
        shown = below;
      }
    }
    return points;
  }

  /** Difference of two shares, times both their denominators. */
  private static double apart(long part, long of, long windowPart, long windowOf) {
    return Math.abs((double) part * windowOf - (double) windowPart * of);
  }

  private static long leastCommonMultiple(long a, long b) {
    long x = a;
    long y = b;
    while (y != 0) {
      long rest = x % y;
      x = y;
      y = rest;
    }
    return a / x * b;
  }

  /**
   * Right-closed bins at the smallest reference values at or below which k tenths of the reference
   * lie, then the missing values. A bin that is empty on both sides says nothing and is left out.
   */
  private static List<Bin> bins(FeatureProfile profile, long[] current) {
    double[] edges = profile.edges();
    long[] reference = profile.counts();
    int missing = reference.length - 1;
    long values = sum(reference) - reference[missing];

    List<Bin> bins = new ArrayList<>();
    long below = 0;
    long inBin = 0;
    long windowInBin = 0;
    int decile = 1;
    for (int edge = 0; edge < edges.length; edge++) {
      long atOrBefore = reference[2 * edge] + reference[2 * edge + 1];
      below += atOrBefore;
      inBin += atOrBefore;
      windowInBin += current[2 * edge] + current[2 * edge + 1];
      if (decile < DECILES && below * DECILES >= values * decile) {
        addUnlessEmpty(bins, new Bin(edges[edge], inBin, windowInBin));
        inBin = 0;
        windowInBin = 0;
        while (decile < DECILES && below * DECILES >= values * decile) {
          decile++;
        }
      }
    }
    inBin += reference[missing - 1];
    windowInBin += current[missing - 1];
    addUnlessEmpty(bins, new Bin(Double.POSITIVE_INFINITY, inBin, windowInBin));
    addUnlessEmpty(bins, new Bin(null, reference[missing], current[missing]));
    return bins;
  }

  static void addUnlessEmpty(List<Bin> bins, Bin bin) {
    if (bin.baseline() > 0 || bin.current() > 0) {
      bins.add(bin);
    }
  }

  private static @Nullable Double wasserstein(
      FeatureProfile profile, long values, long[] current, long windowValues) {
    double[] edges = profile.edges();
    long[] reference = profile.counts();
    double area = 0;
    long below = 0;
    long windowBelow = 0;
    for (int edge = 0; edge < edges.length - 1; edge++) {
      below += reference[2 * edge] + reference[2 * edge + 1];
      windowBelow += current[2 * edge] + current[2 * edge + 1];
      double before = apart(below, values, windowBelow, windowValues);
      long gap = reference[2 * edge + 2];
      long windowGap = current[2 * edge + 2];
      double after = apart(below + gap, values, windowBelow + windowGap, windowValues);
      // Nothing times infinity, where an edge is infinite, would be no number.
      if (before + after > 0) {
        area += (edges[edge + 1] / 2 - edges[edge] / 2) * (before + after);
      }
    }
    double distance = area / values / windowValues / profile.stddev();
    return Double.isFinite(distance) && profile.stddev() > 0 ? distance : null;
  }

  static double proportionPValue(long a, long n, long b, long m, double designEffect) {
    double pooled = (double) (a + b) / (n + m);
    double deviation = Math.sqrt(pooled * (1 - pooled) * (1.0 / n + 1.0 / m) * designEffect);
    if (deviation == 0) {
      return 1;
    }
    double z = Math.abs((double) a / n - (double) b / m) / deviation;
    return 2 * new NormalDistribution(null, 0, 1).cumulativeProbability(-z);
  }
}
