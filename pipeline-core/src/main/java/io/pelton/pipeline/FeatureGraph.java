package io.pelton.pipeline;

import io.pelton.event.EventSchema;
import io.pelton.expression.Expression;
import io.pelton.expression.ExpressionCompiler;
import io.pelton.expression.ExpressionException;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.RowFeature;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * Which features read which: expressions may name event fields and other features' columns. Row
 * features that read only the event and each other are computed when an event is admitted, and
 * aggregates may take them; those that read a windowed feature are derived, and computed last.
 * Where an event field and a feature have the same name, the name is the field's.
 */
public final class FeatureGraph {
  private final EventSchema events;
  private final EventSchema schema;
  private final ExpressionCompiler compiler;
  private final ExpressionCompiler outcomeCompiler;
  private final Map<String, Feature> byColumn = new LinkedHashMap<>();
  private final Map<String, Set<String>> reads = new HashMap<>();

  /**
   * @param events the event's fields, and those of reference tables that are joined with it
   */
  public FeatureGraph(EventSchema events, List<Feature> features) {
    this.events = events;
    List<EventSchema.Field> fields = new ArrayList<>();
    Schema number =
        Schema.createUnion(Schema.create(Schema.Type.NULL), Schema.create(Schema.Type.DOUBLE));
    Schema map = Schema.createMap(Schema.create(Schema.Type.DOUBLE));
    for (Feature feature : features) {
      boolean isMap = feature instanceof WindowedFeature windowed && windowed.isMap();
      for (String column : feature.columns()) {
        if (byColumn.putIfAbsent(column, feature) == null && events.indexOf(column) < 0) {
          fields.add(EventSchema.Field.of(column, isMap ? map : number));
        }
      }
    }
    schema = events.plus(fields);
    compiler = new ExpressionCompiler(schema);
    outcomeCompiler =
        schema.indexOf(Outcomes.LABEL) >= 0 || features.stream().noneMatch(FeatureGraph::ofOutcomes)
            ? compiler
            : new ExpressionCompiler(
                schema.plus(List.of(EventSchema.Field.of(Outcomes.LABEL, number))));
    for (Feature feature : features) {
      Set<String> names = new LinkedHashSet<>();
      for (String source : sources(feature)) {
        try {
          compiler(feature).scalar(source).fields().stream()
              .filter(name -> feature(name) != null)
              .forEach(names::add);
        } catch (ExpressionException e) {
          // PipelineFile reports what does not compile.
        }
      }
      reads.put(feature.name(), names);
    }
  }

  /** The event's and tables' fields first, then features' columns that no field hides. */
  public EventSchema schema() {
    return schema;
  }

  /** Compiles expressions over {@link #schema}. */
  public ExpressionCompiler compiler() {
    return compiler;
  }

  /**
   * Compiles the expressions of a feature: those of one of outcomes read the label too, which
   * follows the fields of {@link #schema}.
   */
  public ExpressionCompiler compiler(Feature feature) {
    return ofOutcomes(feature) ? outcomeCompiler : compiler;
  }

  private static boolean ofOutcomes(Feature feature) {
    return feature instanceof WindowedFeature windowed && windowed.ofOutcomes();
  }

  private static List<String> sources(Feature feature) {
    List<String> sources = new ArrayList<>();
    if (feature instanceof RowFeature row) {
      sources.add(row.value());
    } else if (feature instanceof WindowedFeature windowed) {
      if (windowed.aggregate().input() != null) {
        sources.add(windowed.aggregate().input());
      }
      if (windowed.where() != null) {
        sources.add(windowed.where());
      }
    }
    return sources;
  }

  /** The feature whose column an expression means by a name; null for an event field. */
  private @Nullable Feature feature(String name) {
    return events.indexOf(name) >= 0 ? null : byColumn.get(name);
  }

  /** Whether a name means a feature that is a truth, though its column holds 0 or 1. */
  boolean isTruth(String name) {
    if (!(feature(name) instanceof RowFeature row)) {
      return false;
    }
    try {
      compiler.truth(row.value());
      return true;
    } catch (ExpressionException e) {
      return false;
    }
  }

  /** Columns of other features that a feature reads. */
  public Set<String> reads(Feature feature) {
    return reads.getOrDefault(feature.name(), Set.of());
  }

  /** Features that read a column, by way of others too. */
  public List<Feature> readers(String column) {
    return byColumn.values().stream()
        .distinct()
        .filter(feature -> readsAll(feature, new LinkedHashSet<>()).contains(column))
        .toList();
  }

  private Set<String> readsAll(Feature feature, Set<String> columns) {
    for (String column : reads(feature)) {
      Feature read = feature(column);
      if (columns.add(column) && read != null) {
        readsAll(read, columns);
      }
    }
    return columns;
  }

  /** Whether a feature can only be computed after the windows. */
  public boolean afterWindows(Feature feature) {
    return windowBehind(feature, new LinkedHashSet<>()) != null;
  }

  /** A windowed feature that a feature reads, by way of others too; null when there is none. */
  public @Nullable WindowedFeature windowBehind(Feature feature) {
    return windowBehind(feature, new LinkedHashSet<>());
  }

  private @Nullable WindowedFeature windowBehind(Feature feature, Set<String> seen) {
    if (!seen.add(feature.name())) {
      return null;
    }
    for (String column : reads(feature)) {
      Feature read = feature(column);
      if (read instanceof WindowedFeature windowed) {
        return windowed;
      }
      WindowedFeature behind = read == null ? null : windowBehind(read, seen);
      if (behind != null) {
        return behind;
      }
    }
    return null;
  }

  /** Row features such that each comes after those that it reads. */
  public List<RowFeature> inOrder() {
    Set<RowFeature> ordered = new LinkedHashSet<>();
    byColumn.values().forEach(feature -> visit(feature, ordered, new LinkedHashSet<>()));
    return List.copyOf(ordered);
  }

  private void visit(Feature feature, Set<RowFeature> ordered, Set<String> path) {
    if (!(feature instanceof RowFeature row) || ordered.contains(row) || !path.add(row.name())) {
      return;
    }
    for (String column : reads(row)) {
      Feature read = feature(column);
      if (read != null) {
        visit(read, ordered, path);
      }
    }
    ordered.add(row);
  }

  /** Names of features that read each other in a circle, beginning with this one; else empty. */
  public List<String> cycle(Feature feature) {
    List<String> path = new ArrayList<>();
    return reaches(feature, feature, path, new LinkedHashSet<>()) ? path : List.of();
  }

  private boolean reaches(Feature from, Feature target, List<String> path, Set<String> seen) {
    path.add(from.name());
    for (String column : reads(from)) {
      Feature read = feature(column);
      if (read == null) {
        continue;
      }
      if (read.name().equals(target.name())) {
        path.add(target.name());
        return true;
      }
      if (seen.add(read.name()) && reaches(read, target, path, seen)) {
        return true;
      }
    }
    path.remove(path.size() - 1);
    return false;
  }

  /** Fields of the event, and of tables joined with it, that a feature's expressions read. */
  public Set<String> eventFields(Feature feature) {
    Set<String> names = new LinkedHashSet<>();
    for (String source : sources(feature)) {
      Expression expression = compiler(feature).scalar(source);
      expression.fields().stream().filter(name -> events.indexOf(name) >= 0).forEach(names::add);
    }
    if (feature instanceof WindowedFeature windowed && windowed.by() != null) {
      names.add(windowed.by());
    }
    return names;
  }
}
