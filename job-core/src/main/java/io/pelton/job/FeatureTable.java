package io.pelton.job;

import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Event id, then the features, then what a row has beside them; features that are maps come last.
 */
final class FeatureTable implements Table<FeatureRow> {
  private static final long serialVersionUID = 1;

  private final ArrayList<Column> columns = new ArrayList<>();
  private final int numbers;

  /**
   * @param others columns of values that follow those of the features
   */
  FeatureTable(PipelineDefinition pipeline, List<String> others) {
    columns.add(new Column(pipeline.events().id(), Kind.TEXT));
    for (String feature : pipeline.featureNames()) {
      columns.add(new Column(feature, Kind.NUMBER));
    }
    for (String other : others) {
      columns.add(new Column(other, Kind.NUMBER));
    }
    numbers = columns.size() - 1;
    for (String feature : pipeline.mapNames()) {
      columns.add(new Column(feature, Kind.MAP));
    }
    Table.distinct(columns);
  }

  @Override
  public List<Column> columns() {
    return columns;
  }

  @Override
  public long order(FeatureRow row) {
    return row.time;
  }

  @Override
  public Comparator<FeatureRow> ties() {
    return FeatureRow::compareAtOneTime;
  }

  @Override
  public Long time(FeatureRow row) {
    return row.time;
  }

  @Override
  public void write(FeatureRow row, Cells cells) throws IOException {
    cells.text(row.id);
    for (int i = 0; i < numbers; i++) {
      cells.number(row.values[i]);
    }
    for (Map<String, Double> map : row.maps) {
      cells.map(map);
    }
  }
}
