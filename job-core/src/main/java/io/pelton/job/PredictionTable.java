package io.pelton.job;

import io.pelton.feature.EventIds;
import io.pelton.model.FallbackReason;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.PipelineDefinition;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Event id and time, who scored (and why another one, where the pipeline has a fallback), outputs
 * and features by name: versions may differ in both, and what one lacks is missing in its rows.
 */
final class PredictionTable implements Table<ScoredRow> {
  private static final long serialVersionUID = 1;

  private final ArrayList<Column> columns = new ArrayList<>();
  private final ArrayList<String> outputs;
  private final ArrayList<String> features;
  private final boolean fallback;
  private transient @Nullable Map<ServedVersion, Places> places;

  /** Where a version has each column's value; -1: nowhere. */
  private record Places(int[] outputs, int[] features) {}

  PredictionTable(PipelineDefinition pipeline, List<String> outputs) {
    this.outputs = new ArrayList<>(outputs);
    this.features = new ArrayList<>(pipeline.modelFeatures());
    this.fallback = pipeline.model() != null && pipeline.model().safeguards().fallback() != null;
    columns.add(new Column(pipeline.events().id(), Kind.TEXT));
    columns.add(new Column(pipeline.events().time(), Kind.TIME));
    columns.add(new Column("model", Kind.TEXT));
    columns.add(new Column("version", Kind.INTEGER));
    columns.add(new Column("variant", Kind.TEXT));
    if (fallback) {
      columns.add(new Column("fallback", Kind.TEXT));
    }
    outputs.forEach(output -> columns.add(new Column(output, Kind.NUMBER)));
    features.forEach(feature -> columns.add(new Column(feature, Kind.NUMBER)));
    Table.distinct(columns);
  }

  @Override
  public List<Column> columns() {
    return columns;
  }

  @Override
  public long order(ScoredRow row) {
    return row.time;
  }

  /** One event may be scored by a version and its shadow. */
  @Override
  public Comparator<ScoredRow> ties() {
    Comparator<ScoredRow> byId = (a, b) -> EventIds.ORDER.compare(a.id, b.id);
    return byId.thenComparing(row -> row.served.model())
        .thenComparingInt(row -> row.served.version())
        .thenComparing(row -> row.served.variant());
  }

  @Override
  public Long time(ScoredRow row) {
    return row.time;
  }

  @Override
  public void write(ScoredRow row, Cells cells) throws IOException {
    Map<ServedVersion, Places> known = places;
    if (known == null) {
      known = new HashMap<>();
      places = known;
    }
    Places at = known.computeIfAbsent(row.served, this::places);
    cells.text(row.id);
    cells.time(row.time);
    cells.text(row.served.model());
    cells.integer(row.served.version());
    cells.text(row.served.variant());
    if (fallback) {
      FallbackReason reason = row.fallback;
      cells.text(reason == null ? null : reason.label());
    }
    numbers(row.outputs, at.outputs, cells);
    numbers(row.features, at.features, cells);
  }

  private Places places(ServedVersion served) {
    return new Places(
        outputs.stream().mapToInt(served.outputs()::indexOf).toArray(),
        features.stream().mapToInt(served.features()::indexOf).toArray());
  }

  private static void numbers(double[] values, int[] at, Cells cells) throws IOException {
    for (int place : at) {
      cells.number(place < 0 ? Double.NaN : values[place]);
    }
  }
}
