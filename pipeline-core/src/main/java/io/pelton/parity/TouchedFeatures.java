package io.pelton.parity;

import io.pelton.pipeline.FeatureGraph;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds which windowed features of one entity were served without an event that their window
 * covers. Such an event is one of two: it was never served, being late, and is missing from all
 * windows that cover it; or it came on arrival after {@code n} later events of its key, and is
 * missing from theirs. Rows of one key are given in the order of time. Not thread-safe.
 *
 * <p>Which {@code n} rows those were is told by the rows that follow: one that overtook nothing
 * itself, and stands before the last of them, is one of them; had it come after the event, it would
 * have come after that last one too. So the event is followed until {@code n} such rows have
 * passed. Rows that came late themselves may thereby count as touched though they were not; none
 * that was touched counts as not.
 */
public final class TouchedFeatures {
  /** A feature's column, and its window {@code (t - delay - width, t - delay]}. */
  private record Window(int column, long width, long delay) {}

  /** An event that rows were served without. */
  private static final class Unseen {
    final long time;

    /** How many more rows it came after; {@code Long.MAX_VALUE} when it was never served. */
    long rows;

    Unseen(long time, long rows) {
      this.time = time;
      this.rows = rows;
    }
  }

  private final int key;
  private final long servedFrom;
  private final long resolution;
  private final List<Window> windows = new ArrayList<>();
  private final List<Unseen> unseen = new ArrayList<>();
  private long reach;

  /**
   * @param key position of the entity among the pipeline's
   * @param servedFrom events before this time were not expected in the log, epoch milliseconds
   */
  public TouchedFeatures(PipelineDefinition pipeline, int key, long servedFrom) {
    this.key = key;
    this.servedFrom = servedFrom;
    String entity = pipeline.entityNames().get(key);
    resolution = pipeline.entities().get(key).resolution();
    List<String> columns = pipeline.featureNames();
    List<String> maps = pipeline.mapNames();
    FeatureGraph graph = new FeatureGraph(pipeline.joinedSchema(), pipeline.features());
    for (Feature feature : pipeline.features()) {
      if (feature instanceof WindowedFeature windowed && windowed.entity().equals(entity)) {
        for (int i = 0; i < windowed.windows().size(); i++) {
          // An event that was not served has no outcome in its windows either, whenever it came.
          long later =
              windowed.ofOutcomes() && pipeline.outcomes() != null
                  ? pipeline.outcomes().within()
                  : 0;
          // The window of tiles may be longer by one.
          long width = windowed.windows().get(i).width();
          width += PipelineDefinition.Entity.tileFor(resolution, width) + later;
          String name = windowed.columns().get(i);
          windows.add(
              new Window(
                  windowed.isMap() ? columns.size() + maps.indexOf(name) : columns.indexOf(name),
                  width,
                  windowed.delay()));
          for (Feature reader : graph.readers(name)) {
            windows.add(new Window(columns.indexOf(reader.name()), width, windowed.delay()));
          }
          reach = Math.max(reach, width + windowed.delay());
        }
      }
    }
  }

  /** Begins with another key. */
  public void clear() {
    unseen.clear();
  }

  /**
   * Marks the features of rows.
   *
   * @param rows all of one key and one time, by id
   */
  public void mark(List<ParityRow> rows) {
    long time = rows.get(0).time;
    unseen.removeIf(event -> event.rows <= 0 || event.time + reach <= time);
    boolean someLate = rows.stream().anyMatch(row -> row.overtaken(key) > 0);
    if (someLate && (rows.size() > 1 || resolution > 0)) {
      // Of events of one time, or of one tile, who came before whom is not known.
      rows.forEach(row -> mark(row, time));
    }
    for (ParityRow row : rows) {
      for (Unseen event : unseen) {
        mark(row, event.time);
      }
      if (row.logged == null && time >= servedFrom) {
        unseen.add(new Unseen(time, Long.MAX_VALUE));
      }
    }
    if (!someLate) {
      long served = rows.stream().filter(row -> row.logged != null).count();
      for (Unseen event : unseen) {
        event.rows -= event.rows == Long.MAX_VALUE ? 0 : served;
      }
    }
    for (ParityRow row : rows) {
      if (row.overtaken(key) > 0) {
        unseen.add(new Unseen(time, row.overtaken(key)));
      }
    }
  }

  /** Marks the features of a row whose windows cover an event. */
  private void mark(ParityRow row, long event) {
    for (Window window : windows) {
      long until = row.time - window.delay;
      if (event <= until && event > until - window.width) {
        row.touched[window.column] = true;
      }
    }
  }
}
