package io.pelton.pipeline;

import io.pelton.aggregate.AggregateExtension;
import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import io.pelton.expression.ExpressionCompiler;
import io.pelton.expression.ExpressionException;
import io.pelton.pipeline.PipelineDefinition.Aggregate;
import io.pelton.pipeline.PipelineDefinition.Entity;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.Function;
import io.pelton.pipeline.PipelineDefinition.RowFeature;
import io.pelton.pipeline.PipelineDefinition.Source;
import io.pelton.pipeline.PipelineDefinition.Window;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads what a pipeline file says of features and their windows. */
final class FeatureSections {
  static final List<String> AGGREGATE_KEYS =
      List.of(
          "entity",
          "source",
          "aggregate",
          "where",
          "by",
          "cap",
          "exclude-current",
          "windows",
          "delay");
  static final List<String> FEATURE_KEYS =
      Stream.concat(
              AGGREGATE_KEYS.stream(), Stream.of("value", "min", "max", "otherwise", "default"))
          .toList();

  private static final Pattern AVRO_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final Pattern LAST_EVENTS = Pattern.compile("last-([1-9]\\d{0,5})");
  private static final int MOST_HALF_LIVES = 1_000;

  private FeatureSections() {}

  /**
   * Features in the file's order.
   *
   * @param id the events' field with their id, whose column no feature may take
   * @param schema the events' fields and those of tables
   */
  static List<Feature> read(Section section, List<Entity> entities, String id, EventSchema schema) {
    Map<Feature, Section> sections = new LinkedHashMap<>();
    Map<String, String> owners = new HashMap<>();
    Map<String, Long> widest = widestWindows(section);
    for (String name : section.keys()) {
      Section body = section.section(name);
      if (!AVRO_NAME.matcher(name).matches()) {
        section.problem(
            name, "a feature's name is letters, digits and underscores, and begins with no digit");
      }
      body.allow(FEATURE_KEYS);
      Feature feature =
          body.has("value")
              ? rowFeature(name, body)
              : windowedFeature(name, body, entities, widest, schema);
      sections.put(feature, body);
      for (String column : feature.columns()) {
        if (column.equals(id)) {
          section.problem(
              name, "its column " + column + " is also the column of the event id; rename it");
        }
        String owner = owners.put(column, name);
        if (owner != null) {
          section.problem(name, "its column " + column + " is also a column of " + owner);
        }
      }
    }
    if (section.present() && sections.isEmpty()) {
      section.problem("there is no feature; name at least one");
    }
    List<Feature> features = List.copyOf(sections.keySet());
    if (!schema.fields().isEmpty()) {
      FeatureGraph graph = new FeatureGraph(schema, features);
      Set<Set<String>> circles = new HashSet<>();
      sections.forEach((feature, body) -> checkExpressions(feature, body, graph, circles));
    }
    return features;
  }

  /** Of each entity its widest window by time: how far back its windows by events may look. */
  private static Map<String, Long> widestWindows(Section features) {
    Map<String, Long> widest = new HashMap<>();
    for (String name : features.keys()) {
      Section body = features.section(name).silent();
      for (String label : body.texts("windows")) {
        Long millis = Section.millis(label);
        if (millis != null && body.text("entity") != null) {
          widest.merge(String.valueOf(body.text("entity")), millis, Math::max);
        }
      }
    }
    return widest;
  }

  private static RowFeature rowFeature(String name, Section body) {
    String source = body.required("value", "a CEL expression over the event and other features");
    for (String key : AGGREGATE_KEYS) {
      if (body.has(key)) {
        body.problem(
            key, "does not go with value: a feature is a value of the event or an aggregate");
      }
    }
    return new RowFeature(name, source, defaultValue(body), ConstraintSections.bounds(body));
  }

  private static @Nullable Double defaultValue(Section body) {
    return body.text("default") == null
        ? null
        : (Double) body.number("default", 0, -Double.MAX_VALUE, Double.MAX_VALUE);
  }

  /**
   * @param circles of features that read each other, as far as they are noted
   */
  private static void checkExpressions(
      Feature feature, Section body, FeatureGraph graph, Set<Set<String>> circles) {
    ExpressionCompiler compiler = graph.compiler(feature);
    if (feature instanceof RowFeature row) {
      check(body, "value", row.value(), compiler::number);
      List<String> cycle = graph.cycle(feature);
      if (!cycle.isEmpty()) {
        if (circles.add(Set.copyOf(cycle))) {
          body.problem(
              "value",
              "reads itself: "
                  + String.join(" -> ", cycle)
                  + "; let one of them not read the next");
        }
      } else if (graph.afterWindows(feature)) {
        checkCarried(body, "value", "beside a windowed feature", feature, graph);
      }
    } else if (feature instanceof WindowedFeature windowed) {
      String input = windowed.aggregate().input();
      AggregateExtension extension =
          windowed.aggregate().extension() == null
              ? null
              : AggregateExtension.find(windowed.aggregate().extension());
      if (input != null) {
        boolean anything =
            windowed.aggregate().function() == Function.DISTINCT
                || extension != null && extension.ofTexts();
        boolean share = windowed.aggregate().function() == Function.SHARE;
        check(
            body,
            "aggregate",
            input,
            anything ? compiler::scalar : share ? truths(windowed, graph) : compiler::number);
      }
      if (windowed.where() != null) {
        check(body, "where", windowed.where(), compiler::truth);
      }
      if (windowed.ofOutcomes()) {
        OutcomeProblems.note(body, windowed, graph);
      }
      WindowedFeature behind = graph.windowBehind(feature);
      if (behind != null) {
        body.problem(
            "aggregate",
            "reads "
                + behind.name()
                + ", a windowed feature; what an aggregate takes is known when an event comes,"
                + " before any window is");
      }
    }
  }

  /** Takes what a share is of: truths, and the label of outcomes, which is 0 or 1. */
  private static Check truths(WindowedFeature feature, FeatureGraph graph) {
    ExpressionCompiler compiler = graph.compiler(feature);
    return source -> {
      compiler.number(source);
      if (graph.isTruth(source) || (feature.ofOutcomes() && source.equals(Outcomes.LABEL))) {
        return;
      }
      try {
        compiler.truth(source);
      } catch (ExpressionException e) {
        throw new ExpressionException(
            "share takes a truth, but \"%s\" is a number; write mean(%s), or a comparison, as share(%s > 0)"
                .formatted(source, source, source));
      }
    };
  }

  /** What a feature reads after the windows travels with the row, in types that rows carry. */
  static void checkCarried(
      Section body, String key, String why, Feature feature, FeatureGraph graph) {
    for (String name : graph.eventFields(feature)) {
      int index = graph.schema().indexOf(name);
      if (graph.schema().fields().get(index).type() == FieldType.OTHER) {
        body.problem(
            key,
            "reads event field "
                + name
                + " "
                + why
                + ", but it is neither number, truth, text nor time;"
                + " make a feature of what is needed of it and read that");
      }
    }
  }

  private interface Check {
    void compile(String source);
  }

  private static void check(Section body, String key, String source, Check check) {
    if (!source.isEmpty()) {
      try {
        check.compile(source);
      } catch (ExpressionException e) {
        body.problem(key, String.valueOf(e.getMessage()));
      }
    }
  }

  private static WindowedFeature windowedFeature(
      String name,
      Section body,
      List<Entity> entities,
      Map<String, Long> widest,
      EventSchema schema) {
    if (!body.has("aggregate") && !body.has("entity")) {
      body.problem("needs value (of the event itself), or entity, aggregate and windows");
    }
    String entity = body.required("entity", "whose events are aggregated");
    List<String> known = entities.stream().map(Entity::name).toList();
    if (!entity.isEmpty() && !known.contains(entity)) {
      body.problem("entity", "unknown entity \"" + entity + "\"" + Names.suggest(entity, known));
    }
    Aggregate aggregate = AggregateText.parse(body);
    String by = body.text("by");
    AggregateExtension extension =
        aggregate.extension() == null ? null : AggregateExtension.find(aggregate.extension());
    if (by != null || extension != null && extension.givesMap()) {
      for (String key : List.of("default", "min", "max")) {
        if (body.has(key)) {
          body.problem(key, "does not go with a map: a bucket without events is not in it");
        }
      }
    }
    if (by != null) {
      FieldProblems.noteMissing(body, "by", by, schema);
      int index = schema.indexOf(by);
      FieldType type = index < 0 ? FieldType.STRING : schema.fields().get(index).type();
      if (type != FieldType.STRING && type != FieldType.INT && type != FieldType.BOOLEAN) {
        body.problem("by", "field \"" + by + "\" must be a text, int or boolean, but is " + type);
      }
      if (aggregate.function() == Function.Z_SCORE) {
        body.problem("by", "a z-score compares one value with its window; it has no buckets");
      } else if (aggregate.function() == Function.EXTENSION) {
        body.problem("by", "does not go with " + aggregate.extension());
      }
    } else if (body.has("cap")) {
      body.problem("cap", "goes with by: it limits the buckets that are shown");
    }
    boolean tiled = entities.stream().anyMatch(e -> e.name().equals(entity) && e.resolution() > 0);
    if (extension != null && tiled && !extension.merges()) {
      body.problem(
          "aggregate",
          "%s cannot be merged, but entity %s keeps tiles (resolution); take it of an entity without a resolution, a second one on the same field if need be"
              .formatted(aggregate.label(), entity));
    }
    if (extension != null && !tiled && !extension.removes()) {
      body.problem(
          "aggregate",
          "%s cannot take values away as they leave a window, but entity %s keeps every event; take it of an entity with a resolution, whose tiles it merges"
              .formatted(aggregate.label(), entity));
    }
    long keep =
        entities.stream().filter(e -> e.name().equals(entity)).mapToLong(Entity::keep).sum();
    return new WindowedFeature(
        name,
        entity,
        aggregate,
        body.text("where"),
        by,
        (int) body.whole("cap", 20, 1, 10_000),
        body.truth("exclude-current", false),
        windows(body, keep > 0 ? keep : widest.getOrDefault(entity, 0L), aggregate, tiled),
        body.duration("delay", 0, 0),
        defaultValue(body),
        ConstraintSections.bounds(body),
        body.choice("source", Source.EVENTS, Source.class));
  }

  private static List<Window> windows(Section body, long keep, Aggregate aggregate, boolean tiled) {
    Map<String, Window> windows = new LinkedHashMap<>();
    String what = "a list of widths, [1d, 7d], or of last events, [last-10]";
    if (!body.has("windows")) {
      body.problem("windows", "is missing: " + what);
    }
    for (String label : body.someTexts("windows", what)) {
      Matcher last = LAST_EVENTS.matcher(label);
      Long millis = Section.millis(label);
      Window window;
      if (last.matches()) {
        if (tiled) {
          body.problem(
              "windows",
              "\"" + label + "\" counts events, but the entity keeps tiles (resolution)");
        }
        if (keep == 0) {
          body.problem(
              "windows",
              "\""
                  + label
                  + "\" must know how far back it may look, or its state would never end: give the"
                  + " entity keep: {key: FIELD, keep: 90d}");
        }
        window = new Window(label, keep, Integer.parseInt(last.group(1)));
      } else if (millis == null || millis <= 0 || !AVRO_NAME.matcher("_" + label).matches()) {
        body.problem(
            "windows",
            "\""
                + label
                + "\" is no width; write a whole number and ms, s, m, h, d or w: 7d, or last-10 for"
                + " the last 10 events");
        continue;
      } else if (millis > Section.LONGEST) {
        body.problem("windows", Section.tooLong(label));
        continue;
      } else {
        window = new Window(label, millis, 0);
      }
      if (windows.put(label, window) != null) {
        body.problem("windows", "\"" + label + "\" is given twice");
      }
      if (aggregate.halfLife() > 0 && window.width() / aggregate.halfLife() > MOST_HALF_LIVES) {
        body.problem(
            "windows",
            "\"%s\" is more than %d half-lives of %s; what is older counts for nothing: take a narrower window or a longer half-life"
                .formatted(label, MOST_HALF_LIVES, PipelineSummary.duration(aggregate.halfLife())));
      }
    }
    return List.copyOf(windows.values());
  }
}
