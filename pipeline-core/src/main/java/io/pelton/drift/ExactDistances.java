package io.pelton.drift;

import io.pelton.drift.Measures.Bin;
import io.pelton.drift.Measures.Point;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What only the values themselves tell: walks through both sides in order, the baseline first alone
 * to find its deciles.
 */
final class ExactDistances {
  /** Values at which {@link Bin}s end, rising. */
  private final double[] cuts;

  private final long[] baselineBins;
  private final long[] currentBins;
  private final Sample baseline;
  private final Sample current;
  private final double mean;
  private final double smallest;
  private final double largest;
  private long outOfRange;
  private long apart;
  private double apartAt;
  private long apartBelow;
  private long apartOthersBelow;
  private final List<Point> points = new ArrayList<>();
  private double area;
  private double stddev;

  ExactDistances(Sample baseline, Sample current) throws IOException {
    this.baseline = baseline;
    this.current = current;
    double[] found = new double[Measures.DECILES - 1];
    int many = 0;
    long below = 0;
    long finite = 0;
    Sum sum = new Sum();
    double first = Double.NaN;
    double last = Double.NaN;
    ValueGroups groups = baseline.groups();
    for (int decile = 1; groups.next(); ) {
      last = groups.value();
      first = Double.isNaN(first) ? last : first;
      below += groups.count();
      if (Double.isFinite(last)) {
        sum.add(last * groups.count());
        finite += groups.count();
      }
      if (decile < Measures.DECILES && reaches(below, decile)) {
        found[many++] = last;
        while (decile < Measures.DECILES && reaches(below, decile)) {
          decile++;
        }
      }
    }
    smallest = first;
    largest = last;
    mean = sum.value() / finite;
    cuts = Arrays.copyOf(found, many);
    baselineBins = new long[many + 1];
    currentBins = new long[many + 1];
    walk(finite);
  }

  private boolean reaches(long below, int decile) {
    return below * Measures.DECILES >= baseline.count() * decile;
  }

  private void walk(long finite) throws IOException {
    ValueGroups mine = baseline.groups();
    ValueGroups others = current.groups();
    boolean moreMine = mine.next();
    boolean moreOthers = others.next();
    Sum areas = new Sum();
    Sum squares = new Sum();
    long below = 0;
    long othersBelow = 0;
    long gap = 0;
    int bin = 0;
    double before = Double.NaN;
    long due = due(0, baseline.count());
    long othersDue = due(0, current.count());
    while (moreMine || moreOthers) {
      boolean takeMine = moreMine && (!moreOthers || mine.value() <= others.value());
      boolean takeOthers = moreOthers && (!moreMine || others.value() <= mine.value());
      double value = takeMine ? mine.value() : others.value();
      if (gap > 0) {
        areas.add((value - before) * gap);
      }
      while (bin < cuts.length && value > cuts[bin]) {
        bin++;
      }
      if (takeMine) {
        below += mine.count();
        baselineBins[bin] += mine.count();
        if (Double.isFinite(value)) {
          squares.add((value - mean) * (value - mean) * mine.count());
        }
        moreMine = mine.next();
      }
      if (takeOthers) {
        othersBelow += others.count();
        currentBins[bin] += others.count();
        outOfRange += value < smallest || value > largest ? others.count() : 0;
        moreOthers = others.next();
      }
      gap = Math.abs(below * current.count() - othersBelow * baseline.count());
      if (gap > apart) {
        apart = gap;
        apartAt = value;
        apartBelow = below;
        apartOthersBelow = othersBelow;
      }
      if (below >= due || othersBelow >= othersDue) {
        points.add(new Point(value, below, othersBelow));
        due = due(below, baseline.count());
        othersDue = due(othersBelow, current.count());
      }
      before = value;
    }
    area = areas.value();
    stddev = Math.sqrt(squares.value() / finite);
  }

  /** How many of a side are below where the next point is drawn. */
  private static long due(long below, long count) {
    if (below == count) {
      return Long.MAX_VALUE;
    }
    return below == 0
        ? 1
        : Math.min(count, below + (count + Measures.MOST_POINTS - 1) / Measures.MOST_POINTS);
  }

  long outOfRange() {
    return outOfRange;
  }

  Measures.Farthest farthest() {
    return new Measures.Farthest(
        (double) apart / baseline.count() / current.count(), apart == 0 ? null : (Double) apartAt);
  }

  /** At values of evenly spread rank on either side, the first and the last, and where KS is. */
  List<Point> distribution() {
    List<Point> marked = new ArrayList<>(points);
    if (apart > 0 && points.stream().noneMatch(point -> point.value() == apartAt)) {
      marked.add(new Point(apartAt, apartBelow, apartOthersBelow));
      marked.sort(Comparator.comparingDouble(Point::value));
    }
    return marked;
  }

  /** Null where it is infinite, or the baseline's values are all the same. */
  @Nullable Double wasserstein() {
    double distance = area / baseline.count() / current.count() / stddev;
    return Double.isFinite(distance) && stddev > 0 ? distance : null;
  }

  List<Bin> bins() {
    List<Bin> bins = new ArrayList<>();
    for (int bin = 0; bin < baselineBins.length; bin++) {
      Measures.addUnlessEmpty(
          bins,
          new Bin(
              bin < cuts.length ? cuts[bin] : Double.POSITIVE_INFINITY,
              baselineBins[bin],
              currentBins[bin]));
    }
    Measures.addUnlessEmpty(bins, new Bin(null, baseline.missing(), current.missing()));
    return bins;
  }

  /** A sum that loses no small parts (Neumaier 1974). */
  private static final class Sum {
    private double sum;
    private double lost;

    void add(double value) {
      double next = sum + value;
      lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
      sum = next;
    }

    double value() {
      return sum + lost;
    }
  }
}
