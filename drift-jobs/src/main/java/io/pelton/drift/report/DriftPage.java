package io.pelton.drift.report;

import io.pelton.drift.Thresholds;
import io.pelton.drift.compare.ColumnComparison;
import io.pelton.drift.compare.Comparison;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One HTML file, by itself: no other file, no network, and a script that only sorts and filters. It
 * stays under a megabyte: what does not fit is left out, the least drifted first, and the page says
 * so.
 *
 * @param subtitle what it is of, in a sentence
 * @param thresholds what made a feature drifted
 * @param alerts in their newest states
 * @param notes what a reader should know beside
 */
public record DriftPage(
    String title,
    String subtitle,
    Thresholds thresholds,
    List<Feature> features,
    List<DriftAlert> alerts,
    List<PerformancePoint> performance,
    List<String> notes) {
  public DriftPage {
    features = List.copyOf(features);
    alerts = List.copyOf(alerts);
    performance = List.copyOf(performance);
    notes = List.copyOf(notes);
  }

  /** Two data sets, column by column. */
  public static DriftPage of(Comparison comparison, Thresholds thresholds) {
    List<Feature> features = new ArrayList<>();
    for (ColumnComparison column : comparison.columns()) {
      features.add(
          new Feature(
              column.name(),
              DriftType.valueOf(column.type().name()),
              column.measures(),
              column.qValue(),
              column.drifted(),
              Map.of(),
              null,
              List.of()));
    }
    List<String> notes = new ArrayList<>();
    leftOut(notes, "current", comparison.onlyBaseline());
    leftOut(notes, "baseline", comparison.onlyCurrent());
    return new DriftPage(
        "Drift between two data sets",
        "Baseline of %s rows, current of %s rows."
            .formatted(
                Words.count(comparison.baselineRows()), Words.count(comparison.currentRows())),
        thresholds,
        features,
        List.of(),
        List.of(),
        notes);
  }

  private static void leftOut(List<String> notes, String side, List<String> columns) {
    if (!columns.isEmpty()) {
      notes.add(
          "Not compared, for the %s side lacks them: %s."
              .formatted(side, String.join(", ", columns)));
    }
  }

  /** How many features have drifted in their newest windows. */
  public long drifted() {
    return features.stream().filter(Feature::drifted).count();
  }

  /** The page, in ASCII. */
  public String html() {
    return new PageWriter(this).write();
  }
}
