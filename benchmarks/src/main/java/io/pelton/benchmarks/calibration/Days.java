package io.pelton.benchmarks.calibration;

import io.pelton.drift.AlertHistory;
import io.pelton.drift.Decision;
import io.pelton.drift.Decision.Evidence;
import io.pelton.drift.FeatureProfile;
import io.pelton.drift.Measures;
import io.pelton.drift.Persistence;
import io.pelton.drift.Thresholds;
import io.pelton.drift.ValueCounts;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Days on which an alert opens where nothing drifted: hourly windows, and sliding ones. */
final class Days {
  private static final int DAYS = 500;
  private static final int FEATURES = 10;
  private static final int REFERENCE = 50_000;
  private static final int PANES_AN_HOUR = 12;
  private static final int ROWS_A_PANE = 50;
  private static final int PANES = 24 * PANES_AN_HOUR;
  private static final long PANE = 300_000;

  /** That every difference has an effect: what is left is significance. */
  private static final Thresholds SIGNIFICANCE_ALONE = new Thresholds(1e-9, 1e-9, 1e-9, 0.05);

  private static final List<Persistence> PERSISTENCE =
      List.of(
          new Persistence(1, 1),
          new Persistence(2, 2),
          new Persistence(2, 3),
          new Persistence(3, 5));

  private Days() {}

  static void print(PrintStream out, long seed) {
    MarkdownTable table =
        new MarkdownTable(
            out,
            "Days with a false alert, of %d; 600 rows an hour, a reference of %,d"
                .formatted(DAYS, REFERENCE),
            "rule",
            "24 hourly windows",
            "288 windows of 1 h sliding by 5 min");
    List<boolean[][]> days = Trials.of(DAYS, seed, Days::day);
    table.row("one feature, KS p ≤ 0.05 (known: 70 %, 98 %)", rate(days, 0, 0), rate(days, 0, 1));
    for (int i = 0; i < PERSISTENCE.size(); i++) {
      table.row(
          "%d features, q ≤ 0.05 and no effect asked, %s".formatted(FEATURES, text(i)),
          rate(days, 1 + i, 0),
          rate(days, 1 + i, 1));
    }
    for (int i = 0; i < PERSISTENCE.size(); i++) {
      int rule = 1 + PERSISTENCE.size() + i;
      table.row(
          "%d features, whole decision, %s".formatted(FEATURES, text(i)),
          rate(days, rule, 0),
          rate(days, rule, 1));
    }
    table.row("always-fire baseline", "100 %", "100 %");
  }

  private static String text(int i) {
    return "%d of %d".formatted(PERSISTENCE.get(i).k(), PERSISTENCE.get(i).n());
  }

  private static Rate rate(List<boolean[][]> days, int rule, int sliding) {
    return new Rate(days.stream().filter(day -> day[rule][sliding]).count(), days.size());
  }

  /** Whether each rule alarmed, over hourly windows and sliding ones. */
  private static boolean[][] day(SplittableRandom random) {
    List<FeatureProfile> profiles = new ArrayList<>();
    ValueCounts[][] panes = new ValueCounts[FEATURES][];
    for (int feature = 0; feature < FEATURES; feature++) {
      FeatureProfile profile =
          FeatureProfile.of(
              "x", FeatureProfile.Kind.FEATURE, Law.NORMAL.sample(random, REFERENCE), 256);
      profiles.add(profile);
      panes[feature] = new ValueCounts[PANES + PANES_AN_HOUR - 1];
      Arrays.setAll(
          panes[feature], i -> Reference.counts(profile, Law.NORMAL.sample(random, ROWS_A_PANE)));
    }
    List<List<Evidence>> windows = new ArrayList<>();
    for (int end = PANES_AN_HOUR; end <= PANES + PANES_AN_HOUR - 1; end++) {
      List<Evidence> window = new ArrayList<>();
      for (int feature = 0; feature < FEATURES; feature++) {
        ValueCounts counts = new ValueCounts(profiles.get(feature));
        for (int pane = end - PANES_AN_HOUR; pane < end; pane++) {
          counts.add(panes[feature][pane]);
        }
        window.add(Evidence.of(Measures.of(profiles.get(feature), counts)));
      }
      windows.add(window);
    }
    boolean[][] alarmed = new boolean[1 + 2 * PERSISTENCE.size()][2];
    for (int sliding = 0; sliding < 2; sliding++) {
      int step = sliding == 1 ? 1 : PANES_AN_HOUR;
      for (int at = 0; at < windows.size(); at += step) {
        alarmed[0][sliding] |= windows.get(at).get(0).pValue() <= 0.05;
      }
      for (int i = 0; i < PERSISTENCE.size(); i++) {
        alarmed[1 + i][sliding] = alarms(windows, step, SIGNIFICANCE_ALONE, PERSISTENCE.get(i));
        alarmed[1 + PERSISTENCE.size() + i][sliding] =
            alarms(windows, step, Thresholds.USUAL, PERSISTENCE.get(i));
      }
    }
    return alarmed;
  }

  private static boolean alarms(
      List<List<Evidence>> windows, int step, Thresholds thresholds, Persistence persistence) {
    AlertHistory[] histories = new AlertHistory[FEATURES];
    Arrays.fill(histories, AlertHistory.empty());
    for (int at = 0; at < windows.size(); at += step) {
      List<Decision> decisions = Decision.of(windows.get(at), thresholds, 100);
      for (int feature = 0; feature < FEATURES; feature++) {
        histories[feature] =
            histories[feature].next(at * PANE, decisions.get(feature).verdict(), persistence, 0);
        if (histories[feature].open()) {
          return true;
        }
      }
    }
    return false;
  }
}
