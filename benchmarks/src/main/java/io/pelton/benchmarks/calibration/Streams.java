package io.pelton.benchmarks.calibration;

import com.yahoo.labs.samoa.instances.Instance;
import io.pelton.drift.AlertHistory;
import io.pelton.drift.ColumnMeasures;
import io.pelton.drift.Decision;
import io.pelton.drift.Decision.Evidence;
import io.pelton.drift.Persistence;
import io.pelton.drift.Thresholds;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import moa.classifiers.core.driftdetection.ADWIN;
import moa.classifiers.trees.HoeffdingTree;
import moa.options.AbstractOptionHandler;
import moa.streams.ExampleStream;
import moa.streams.generators.AgrawalGenerator;
import moa.streams.generators.SEAGenerator;
import moa.streams.generators.SineGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Streams whose concept changes at a known row, scored by a model that was trained before and does
 * not learn on: how soon the change is seen, and how often one is seen that is not there.
 */
final class Streams {
  private static final int RUNS = 100;
  private static final int TRAINING = 10_000;
  private static final int REFERENCE = 10_000;
  private static final int WINDOW = 1_000;
  private static final int NARROW = 250;
  private static final int QUIET_WINDOWS = 10;
  private static final int HORIZON = 10_000;
  private static final int EVERY = 5_000;

  private Streams() {}

  /** A stream, and what it changes to. */
  private record Change(
      String text,
      IntFunction<ExampleStream<?>> before,
      IntFunction<ExampleStream<?>> after,
      double shift,
      int shifted,
      int labelAt,
      boolean[] nominal) {}

  private static List<Change> changes() {
    boolean[] sea = new boolean[3];
    boolean[] sine = new boolean[4];
    boolean[] agrawal = new boolean[9];
    Arrays.fill(agrawal, 3, 6, true);
    // SEA's and Sine's attributes are uniform: over 10 and over 1, σ is the width over √12.
    return List.of(
        new Change("SEA, function 1 → 2", s -> sea(s, 1), s -> sea(s, 2), 0, 0, 3, sea),
        new Change("SEA, function 3 → 4", s -> sea(s, 3), s -> sea(s, 4), 0, 0, 3, sea),
        new Change(
            "Agrawal, function 1 → 2", s -> agrawal(s, 1), s -> agrawal(s, 2), 0, 0, 9, agrawal),
        new Change(
            "Agrawal, function 4 → 5", s -> agrawal(s, 4), s -> agrawal(s, 5), 0, 0, 9, agrawal),
        new Change("Sine, function 1 → 3", s -> sine(s, 1), s -> sine(s, 3), 0, 0, 4, sine),
        new Change(
            "SEA, first attribute + 0.5 σ, concept as before",
            s -> sea(s, 1),
            s -> sea(s, 1),
            0.5 * 10 / Math.sqrt(12),
            0,
            3,
            sea),
        new Change(
            "Sine, second attribute + 0.3 σ, concept as before",
            s -> sine(s, 1),
            s -> sine(s, 1),
            0.3 / Math.sqrt(12),
            1,
            4,
            sine));
  }

  private static ExampleStream<?> sea(int seed, int function) {
    SEAGenerator stream = new SEAGenerator();
    stream.instanceRandomSeedOption.setValue(seed);
    stream.functionOption.setValue(function);
    return prepared(stream);
  }

  private static ExampleStream<?> agrawal(int seed, int function) {
    AgrawalGenerator stream = new AgrawalGenerator();
    stream.instanceRandomSeedOption.setValue(seed);
    stream.functionOption.setValue(function);
    return prepared(stream);
  }

  private static ExampleStream<?> sine(int seed, int function) {
    SineGenerator stream = new SineGenerator();
    stream.instanceRandomSeedOption.setValue(seed);
    stream.functionOption.setValue(function);
    return prepared(stream);
  }

  private static <T extends AbstractOptionHandler & ExampleStream<?>> T prepared(T stream) {
    stream.prepareForUse();
    return stream;
  }

  /** Sees rows of features, then score, then whether the model was wrong; says when it alarms. */
  private interface Detector {
    boolean alarms(double[] row);
  }

  /** Of a detector in one run; {@code delay} is null where it missed the change. */
  private record Outcome(String detector, int falseAlarms, @Nullable Integer delay) {}

  private record Named(String text, Detector detector) {}

  static void print(PrintStream out, long seed) {
    MarkdownTable table =
        new MarkdownTable(
            out,
            ("Known change points: %d runs each, %,d rows without change, then up to %,d with;"
                    + " windows of %,d rows")
                .formatted(RUNS, QUIET_WINDOWS * WINDOW, HORIZON, WINDOW),
            "stream",
            "detector",
            "mean rows to detection",
            "missed",
            "false alarms per 1,000 windows of 1,000 rows",
            "mean rows between false alarms");
    for (Change change : changes()) {
      List<List<Outcome>> runs = Trials.of(RUNS, seed, random -> run(change, random));
      for (int detector = 0; detector < runs.get(0).size(); detector++) {
        int d = detector;
        row(table, change, runs.stream().map(run -> run.get(d)).toList());
      }
    }
  }

  private static void row(MarkdownTable table, Change change, List<Outcome> outcomes) {
    long falseAlarms = outcomes.stream().mapToLong(Outcome::falseAlarms).sum();
    long missed = outcomes.stream().filter(outcome -> outcome.delay == null).count();
    double delay =
        outcomes.stream()
            .filter(outcome -> outcome.delay != null)
            .mapToInt(Outcome::delay)
            .average()
            .orElse(Double.NaN);
    long rows = (long) RUNS * QUIET_WINDOWS * WINDOW;
    table.row(
        change.text,
        outcomes.get(0).detector,
        Double.isNaN(delay) ? "–" : String.format(Locale.ROOT, "%,.0f", delay),
        "%d of %d".formatted(missed, RUNS),
        String.format(Locale.ROOT, "%,.1f", falseAlarms * 1_000.0 * WINDOW / rows),
        falseAlarms == 0
            ? String.format(Locale.ROOT, "> %,d", rows)
            : String.format(Locale.ROOT, "%,d", rows / falseAlarms));
  }

  private static List<Outcome> run(Change change, SplittableRandom random) {
    int seed = random.nextInt(1 << 30);
    Rows rows = new Rows(change, seed);
    List<double[]> reference = new ArrayList<>();
    for (int i = 0; i < REFERENCE; i++) {
      reference.add(rows.next(false));
    }
    List<Named> detectors = detectors(reference, change);
    int[] falseAlarms = new int[detectors.size()];
    // The change falls anywhere in a window.
    int quiet = QUIET_WINDOWS * WINDOW;
    for (int i = 0; i < quiet; i++) {
      double[] row = rows.next(false);
      for (int d = 0; d < falseAlarms.length; d++) {
        falseAlarms[d] += detectors.get(d).detector.alarms(row) ? 1 : 0;
      }
    }
    int more = random.nextInt(WINDOW);
    for (int i = 0; i < more; i++) {
      double[] row = rows.next(false);
      for (Named named : detectors) {
        named.detector.alarms(row);
      }
    }
    @Nullable Integer[] delays = new @Nullable Integer[detectors.size()];
    for (int i = 1; i <= HORIZON; i++) {
      double[] row = rows.next(true);
      for (int d = 0; d < delays.length; d++) {
        if (detectors.get(d).detector.alarms(row) && delays[d] == null) {
          delays[d] = i;
        }
      }
    }
    List<Outcome> outcomes = new ArrayList<>();
    for (int d = 0; d < delays.length; d++) {
      outcomes.add(new Outcome(detectors.get(d).text, falseAlarms[d], delays[d]));
    }
    return outcomes;
  }

  /** Scored rows before and after the change. */
  private static final class Rows {
    private final Change change;
    private final ExampleStream<?> before;
    private final ExampleStream<?> after;
    private final HoeffdingTree model = new HoeffdingTree();

    Rows(Change change, int seed) {
      this.change = change;
      before = change.before.apply(seed);
      after = change.after.apply(seed + 1);
      model.prepareForUse();
      model.setModelContext(before.getHeader());
      for (int i = 0; i < TRAINING; i++) {
        model.trainOnInstance((Instance) before.nextInstance().getData());
      }
    }

    double[] next(boolean changed) {
      Instance instance = (Instance) (changed ? after : before).nextInstance().getData();
      int features = change.nominal.length;
      double[] row = new double[features + 2];
      if (changed) {
        instance.setValue(change.shifted, instance.value(change.shifted) + change.shift);
      }
      for (int i = 0; i < features; i++) {
        row[i] = instance.value(i);
      }
      double[] votes = model.getVotesForInstance(instance);
      double all = Arrays.stream(votes).sum();
      row[features] = all == 0 || votes.length < 2 ? 0 : votes[1] / all;
      int predicted = row[features] > 0.5 ? 1 : 0;
      row[features + 1] = predicted == (int) instance.value(change.labelAt) ? 0 : 1;
      return row;
    }
  }

  private static List<Named> detectors(List<double[]> reference, Change change) {
    int all = change.nominal.length + 2;
    int error = all - 1;
    Thresholds sensitive = new Thresholds(0.1, 0.05, 0.05, 0.05);
    Persistence at = new Persistence(1, 1);
    return List.of(
        new Named(
            "Pelton on features, score and errors: usual thresholds",
            new Windows(reference, change, 0, all, WINDOW, Thresholds.USUAL, at)),
        new Named(
            "the same, 2 of 3 windows",
            new Windows(
                reference, change, 0, all, WINDOW, Thresholds.USUAL, new Persistence(2, 3))),
        new Named(
            "the same, each window, half the thresholds",
            new Windows(reference, change, 0, all, WINDOW, sensitive, at)),
        new Named(
            "the same, usual thresholds, windows of 250 rows",
            new Windows(reference, change, 0, all, NARROW, Thresholds.USUAL, at)),
        new Named(
            "the same, 2 of 3 windows of 250 rows",
            new Windows(
                reference, change, 0, all, NARROW, Thresholds.USUAL, new Persistence(2, 3))),
        new Named(
            "Pelton on features and score alone: usual thresholds",
            new Windows(reference, change, 0, error, WINDOW, Thresholds.USUAL, at)),
        new Named("ADWIN on errors", new Adwins(reference, error, all)),
        new Named("ADWIN on each feature, score and errors", new Adwins(reference, 0, all)),
        new Named("ADWIN on each feature and score", new Adwins(reference, 0, error)),
        new Named("alarm every %,d rows".formatted(EVERY), new Every(EVERY)),
        new Named("always-fire, each window", new Every(WINDOW)));
  }

  /** Whole decisions on windows of rows; an alert that opens is an alarm. */
  private static final class Windows implements Detector {
    private final List<Reference> references = new ArrayList<>();
    private final int from;
    private final int columns;
    private final Thresholds thresholds;
    private final Persistence persistence;
    private final int width;
    private final double[][] values;
    private final AlertHistory[] histories;
    private int size;
    private long windows;

    Windows(
        List<double[]> reference,
        Change change,
        int from,
        int to,
        int width,
        Thresholds thresholds,
        Persistence persistence) {
      this.from = from;
      this.width = width;
      this.thresholds = thresholds;
      this.persistence = persistence;
      columns = to - from;
      values = new double[columns][width];
      histories = new AlertHistory[columns];
      Arrays.fill(histories, AlertHistory.empty());
      for (int column = from; column < to; column++) {
        int c = column;
        double[] sample = reference.stream().mapToDouble(row -> row[c]).toArray();
        references.add(
            c < change.nominal.length && change.nominal[c]
                ? Reference.ofCategories(sample)
                : Reference.ofNumbers(sample, Reference.EDGES));
      }
    }

    @Override
    public boolean alarms(double[] row) {
      for (int column = 0; column < columns; column++) {
        values[column][size] = row[from + column];
      }
      size++;
      if (size < width) {
        return false;
      }
      size = 0;
      List<Evidence> window = new ArrayList<>();
      for (int column = 0; column < columns; column++) {
        ColumnMeasures measures = references.get(column).measure(values[column]);
        window.add(Evidence.of(measures));
      }
      boolean opened = false;
      List<Decision> decisions = Decision.of(window, thresholds, 100);
      for (int column = 0; column < columns; column++) {
        AlertHistory before = histories[column];
        AlertHistory after = before.next(windows, decisions.get(column).verdict(), persistence, 0);
        opened |= after.open() && !before.open();
        histories[column] = after;
      }
      windows++;
      return opened;
    }
  }

  /**
   * MOA's, at its default δ of 0.002; one a column, any of which alarms. Their bound is of values
   * from 0 to 1, so columns are scaled by the reference's range; they have seen the reference too.
   */
  private static final class Adwins implements Detector {
    private final int from;
    private final ADWIN[] detectors;
    private final double[] least;
    private final double[] range;

    Adwins(List<double[]> reference, int from, int to) {
      this.from = from;
      detectors = new ADWIN[to - from];
      least = new double[detectors.length];
      range = new double[detectors.length];
      for (int i = 0; i < detectors.length; i++) {
        int column = from + i;
        detectors[i] = new ADWIN();
        DoubleSummaryStatistics values =
            reference.stream().mapToDouble(row -> row[column]).summaryStatistics();
        least[i] = values.getMin();
        range[i] = Math.max(Double.MIN_NORMAL, values.getMax() - values.getMin());
      }
      reference.forEach(this::alarms);
    }

    @Override
    public boolean alarms(double[] row) {
      boolean alarm = false;
      for (int i = 0; i < detectors.length; i++) {
        alarm |= detectors[i].setInput((row[from + i] - least[i]) / range[i]);
      }
      return alarm;
    }
  }

  private static final class Every implements Detector {
    private final int rows;
    private int seen;

    Every(int rows) {
      this.rows = rows;
    }

    @Override
    public boolean alarms(double[] row) {
      return ++seen % rows == 0;
    }
  }
}
