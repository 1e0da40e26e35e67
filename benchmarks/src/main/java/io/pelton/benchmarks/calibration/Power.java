package io.pelton.benchmarks.calibration;

import io.pelton.drift.Decision;
import io.pelton.drift.Decision.Evidence;
import io.pelton.drift.Thresholds;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/** How often a change of one feature among many is seen in one window. */
final class Power {
  private static final int FEATURES = 50;
  private static final int ROUNDS = 1_000;
  private static final int BISECTED_ROUNDS = 400;
  private static final int STEPS = 10;
  private static final long MINIMUM = 100;
  private static final int NEW_CATEGORY = 40;

  /** Rows of all references together that are drawn for one figure. */
  private static final int REFERENCE_ROWS = 2_000_000;

  private record Sizes(int n, int m) {
    @Override
    public String toString() {
      return "%,d / %,d".formatted(n, m);
    }
  }

  private static final List<Sizes> SIZES =
      List.of(
          new Sizes(1_000, 1_000),
          new Sizes(10_000, 500),
          new Sizes(10_000, 10_000),
          new Sizes(500_000, 5_000));

  /** What becomes of a value. */
  private interface Change {
    double changed(double value, double size, SplittableRandom random);
  }

  /**
   * A kind of change.
   *
   * @param most size at which it is surely seen
   * @param share whether sizes are shares
   */
  private record Kind(
      String text, Law law, double none, double most, boolean share, Change change) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind("shift of a normal, in σ", Law.NORMAL, 0, 2, false, (x, s, r) -> x + s),
          new Kind("scale of a normal, times", Law.NORMAL, 1, 8, false, (x, s, r) -> x * s),
          new Kind(
              "shift of Cauchy's, in interquartile ranges",
              Law.CAUCHY,
              0,
              4,
              false,
              (x, s, r) -> x + 2 * s),
          new Kind(
              "shift of a rounded normal, in σ",
              Law.ROUNDED,
              0,
              4,
              false,
              (x, s, r) -> shifted(x, s, r)),
          new Kind(
              "share that goes missing, none before",
              Law.NORMAL,
              0,
              0.9,
              true,
              (x, s, r) -> r.nextDouble() < s ? Double.NaN : x),
          new Kind(
              "share that goes missing beyond a tenth",
              Law.HOLES,
              0,
              0.9,
              true,
              (x, s, r) -> r.nextDouble() < s ? Double.NaN : x),
          new Kind(
              "share of a new category",
              Law.CATEGORIES,
              0,
              0.9,
              true,
              (x, s, r) -> r.nextDouble() < s ? NEW_CATEGORY : x),
          new Kind(
              "share that moves to the commonest category",
              Law.CATEGORIES,
              0,
              0.9,
              true,
              (x, s, r) -> r.nextDouble() < s ? 0 : x));

  private Power() {}

  /** Half a deviation is a step: a share of the rows takes one more. */
  private static double shifted(double x, double size, SplittableRandom random) {
    double steps = 2 * size;
    double whole = Math.floor(steps);
    return x + whole + (random.nextDouble() < steps - whole ? 1 : 0);
  }

  static void print(PrintStream out, long seed) {
    MarkdownTable table =
        new MarkdownTable(
            out,
            "Power in one window: a normal feature shifts, %d others do not"
                .formatted(FEATURES - 1),
            "shift",
            "n / m",
            "p ≤ 0.05, this feature alone",
            "q ≤ 0.05 over all, no effect asked",
            "whole decision");
    for (double shift : new double[] {0.05, 0.1, 0.5}) {
      for (Sizes sizes : SIZES) {
        List<boolean[]> seen = seen(KINDS.get(0), sizes, shift, ROUNDS, seed);
        table.row(shift + " σ", sizes, rate(seen, 0), rate(seen, 1), rate(seen, 2));
      }
    }
    MarkdownTable smallest =
        new MarkdownTable(
            out,
            "Changes that one window shows with probability 0.9: whole decision, %d features"
                .formatted(FEATURES),
            "change",
            "1,000 / 1,000",
            "10,000 / 500",
            "10,000 / 10,000",
            "500,000 / 5,000");
    for (Kind kind : KINDS) {
      List<Object> row = new ArrayList<>(List.of(kind.text));
      for (Sizes sizes : SIZES) {
        double size = smallest(kind, sizes, seed + 1);
        row.add(kind.share ? Rate.percent(size) : String.format(Locale.ROOT, "%.3f", size));
      }
      smallest.row(row.toArray());
    }
  }

  private static Rate rate(List<boolean[]> seen, int rule) {
    return new Rate(seen.stream().filter(trial -> trial[rule]).count(), seen.size());
  }

  /** By bisection, the same random numbers for each size. */
  private static double smallest(Kind kind, Sizes sizes, long seed) {
    double low = kind.none;
    double high = kind.most;
    for (int step = 0; step < STEPS; step++) {
      double middle = (low + high) / 2;
      if (rate(seen(kind, sizes, middle, BISECTED_ROUNDS, seed), 2).share() >= 0.9) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return high;
  }

  /** Of each round: by its own p-value, by q alone, by the whole decision. */
  private static List<boolean[]> seen(Kind kind, Sizes sizes, double size, int rounds, long seed) {
    int references = Math.min(rounds, REFERENCE_ROWS / sizes.n);
    return Trials.of(
            references,
            seed,
            random -> {
              Reference reference = kind.law.reference(random, sizes.n, Reference.EDGES);
              List<boolean[]> seen = new ArrayList<>();
              for (int i = 0; i < rounds / references; i++) {
                SplittableRandom own = random.split();
                double[] window = kind.law.sample(own, sizes.m);
                for (int row = 0; row < window.length; row++) {
                  window[row] = kind.change.changed(window[row], size, own);
                }
                seen.add(seen(Evidence.of(reference.measure(window)), own));
              }
              return seen;
            })
        .stream()
        .flatMap(List::stream)
        .toList();
  }

  private static boolean[] seen(Evidence changed, SplittableRandom random) {
    List<Evidence> window = new ArrayList<>(List.of(changed));
    for (int i = 1; i < FEATURES; i++) {
      window.add(new Evidence(MINIMUM, random.nextDouble(), 0, 0.0, null));
    }
    Decision decision = Decision.of(window, Thresholds.USUAL, MINIMUM).get(0);
    return new boolean[] {changed.pValue() <= 0.05, decision.qValue() <= 0.05, decision.drifted()};
  }
}
