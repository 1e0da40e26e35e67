package io.pelton.feature;

import io.pelton.aggregate.AggregateExtension;
import io.pelton.expression.Expression;
import io.pelton.expression.ExpressionCompiler;
import io.pelton.pipeline.FeatureGraph;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Aggregate;
import io.pelton.pipeline.PipelineDefinition.Entity;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.Function;
import io.pelton.pipeline.PipelineDefinition.RowFeature;
import io.pelton.pipeline.PipelineDefinition.Window;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Lays out rows inside the feature job: of numbers, the features and then what aggregates take; of
 * other values, the carried fields, then those that derived features read, then texts that
 * aggregates take.
 */
final class RowLayout {
  private static final String OF_OUTCOME = "outcome: ";

  private final FeatureGraph graph;
  private final Map<String, Integer> columns = new LinkedHashMap<>();
  private final Map<String, Integer> inputs = new LinkedHashMap<>();
  private final List<Computed> admitted = new ArrayList<>();
  private final List<Computed> derived = new ArrayList<>();
  private final Set<String> needed = new LinkedHashSet<>();
  private final Map<String, Integer> textPositions = new LinkedHashMap<>();

  /** By position; null where only outcomes have the text. */
  private final List<@Nullable Expression> texts = new ArrayList<>();

  private final List<Computed> outcomeInputs = new ArrayList<>();

  /** By position; null where only events have the text. */
  private final List<@Nullable Expression> outcomeTexts = new ArrayList<>();

  /** Entities with features of outcomes. */
  private final Set<String> withOutcomes = new HashSet<>();

  private final List<EntityPlan> entities;
  private final int carried;
  private int width;

  RowLayout(FeatureGraph graph, PipelineDefinition pipeline) {
    this.graph = graph;
    for (String name : pipeline.featureNames()) {
      columns.put(name, width++);
    }
    for (RowFeature feature : graph.inOrder()) {
      boolean read =
          pipeline.features().stream().anyMatch(f -> graph.reads(f).contains(feature.name()));
      Computed computed =
          new Computed(
              graph.compiler().number(feature.value()),
              columns.getOrDefault(feature.name(), -1),
              read ? graph.schema().indexOf(feature.name()) : -1,
              feature.defaultValue() == null ? Double.NaN : feature.defaultValue(),
              FeatureBounds.of(pipeline, feature));
      if (graph.afterWindows(feature)) {
        derived.add(computed);
        needed.addAll(graph.eventFields(feature));
      } else {
        admitted.add(computed);
      }
    }
    for (Feature feature : pipeline.features()) {
      if (feature instanceof WindowedFeature windowed && windowed.ofOutcomes()) {
        withOutcomes.add(windowed.entity());
        needed.addAll(graph.eventFields(feature)); // they go with the event until its outcome comes
      }
    }
    carried = pipeline.carry().size() + needed.size();
    // By position of the entity and width of its tiles.
    Map<Integer, Map<Long, List<Request>>> requests = new TreeMap<>();
    List<String> names = pipeline.entityNames();
    int map = 0;
    for (Feature feature : pipeline.features()) {
      if (feature instanceof WindowedFeature windowed) {
        int key = names.indexOf(windowed.entity());
        if (key < 0) {
          throw new IllegalArgumentException(
              "feature " + windowed.name() + ": unknown entity " + windowed.entity());
        }
        Entity entity = pipeline.entities().get(key);
        boolean isMap = windowed.isMap();
        int column = isMap ? -1 : columns.getOrDefault(windowed.columns().get(0), -1);
        for (Window window : windowed.windows()) {
          requests
              .computeIfAbsent(key, unused -> new TreeMap<>())
              .computeIfAbsent(entity.tileFor(window.width()), unused -> new ArrayList<>())
              .add(new Request(windowed, window, column++, isMap ? map++ : -1));
        }
      }
    }
    List<EntityPlan> plans = new ArrayList<>();
    requests.forEach(
        (key, byTile) -> {
          int before = plans.size();
          byTile.forEach(
              (tile, asked) -> {
                EntityPlanBuilder builder =
                    new EntityPlanBuilder(names.get(key), key, tile, plans.size() == before);
                asked.forEach(r -> add(builder, r.feature, r.window, r.column, r.map));
                plans.add(builder.build());
              });
        });
    entities = List.copyOf(plans);
  }

  private record Request(WindowedFeature feature, Window window, int column, int map) {}

  private void add(
      EntityPlanBuilder builder, WindowedFeature feature, Window window, int column, int map) {
    String name = feature.name() + "_" + window.suffix();
    builder.readers.put(name, graph.readers(name).stream().map(Feature::name).toList());
    Aggregate aggregate = feature.aggregate();
    AggregateExtension extension =
        aggregate.extension() == null ? null : AggregateExtension.find(aggregate.extension());
    boolean ofTexts = extension != null && extension.ofTexts();
    boolean distinct = aggregate.function() == Function.DISTINCT;
    String input = ofTexts ? null : aggregate.input();
    String text = ofTexts ? aggregate.input() : feature.by();
    boolean outcomes = feature.ofOutcomes();
    String of = outcomes ? OF_OUTCOME : "";
    ExpressionCompiler compiler = graph.compiler(feature);
    String inputName = input == null ? null : of + (distinct ? "identity of " + input : input);
    String where = feature.where();
    String whereName = where == null ? null : of + where;
    Expression truth = where == null ? null : new Truth(compiler.truth(where));
    // A row of the other kind has neither this feature's input nor its truth; where nothing else
    // tells the kinds apart, a truth does.
    boolean counts = input == null || window.events() > 0;
    if (where == null && counts && withOutcomes.contains(feature.entity())) {
      whereName = outcomes ? "is an outcome" : "is an event";
      truth = new Truth(compiler.truth("true"));
    }
    builder.add(
        column,
        feature,
        window,
        input == null
            ? -1
            : input(
                "input " + inputName,
                distinct ? new Identity(compiler.scalar(input)) : compiler.number(input),
                outcomes),
        inputName,
        truth == null ? -1 : input("where " + whereName, truth, outcomes),
        whereName,
        text == null ? -1 : text(of + text, compiler.scalar(text), outcomes),
        text == null ? null : of + text,
        map);
  }

  private int input(String name, Expression expression, boolean outcomes) {
    Integer known = inputs.get(name);
    if (known != null) {
      return known;
    }
    inputs.put(name, width);
    (outcomes ? outcomeInputs : admitted)
        .add(new Computed(expression, width, -1, Double.NaN, null));
    return width++;
  }

  private int text(String name, Expression expression, boolean outcomes) {
    return textPositions.computeIfAbsent(
        name,
        unused -> {
          texts.add(outcomes ? null : expression);
          outcomeTexts.add(outcomes ? expression : null);
          return carried + texts.size() - 1;
        });
  }

  /** What is computed when an event is admitted, in order. */
  Computed[] admitted() {
    return admitted.toArray(Computed[]::new);
  }

  /** What is computed after the windows, in order. */
  Computed[] derived() {
    return derived.toArray(Computed[]::new);
  }

  /** Positions in the event of the fields that derived features read. */
  int[] needed() {
    return needed.stream().mapToInt(graph.schema()::indexOf).toArray();
  }

  /** Texts of events; null at the places of those that only outcomes have. */
  @Nullable Expression[] texts() {
    return texts.toArray(new @Nullable Expression[0]);
  }

  /** What is computed when the outcome of an event is known. */
  Computed[] outcomeInputs() {
    return outcomeInputs.toArray(Computed[]::new);
  }

  /** Texts of outcomes; null at the places of those that only events have. */
  @Nullable Expression[] outcomeTexts() {
    return outcomeTexts.toArray(new @Nullable Expression[0]);
  }

  /** Those that have windowed features. */
  List<EntityPlan> entities() {
    return entities;
  }

  /** Numbers of a row. */
  int width() {
    return width;
  }

  /** What the places of a row mean. */
  RowNames names(PipelineDefinition pipeline) {
    List<String> values = new ArrayList<>(columns.keySet());
    values.addAll(inputs.keySet());
    List<String> others = new ArrayList<>(pipeline.carry());
    needed.forEach(field -> others.add("field " + field));
    textPositions.keySet().forEach(text -> others.add("text " + text));
    return new RowNames(pipeline.entityNames(), values, pipeline.mapNames(), others);
  }

  /**
   * What tells values apart, as a number: of texts, and of whole numbers that a double would round,
   * a hash of 62 bits as those of a double below 2; other numbers as they are.
   */
  private record Identity(Expression scalar) implements Expression {
    private static final int BITS = 62;
    private static final long EXACT_LONGS = 1L << 53;

    @Override
    public String source() {
      return scalar.source();
    }

    @Override
    public Set<String> fields() {
      return scalar.fields();
    }

    @Override
    public double number(@Nullable Object[] fields, long time) {
      Object value = scalar.value(fields, time);
      if (value instanceof String text) {
        return hash(text);
      }
      return value instanceof Long whole && (whole > EXACT_LONGS || whole < -EXACT_LONGS)
          ? mixed(whole)
          : scalar.number(fields, time);
    }

    /** FNV-1a. */
    private static double hash(String text) {
      long hash = 0xcbf29ce484222325L;
      for (int i = 0; i < text.length(); i++) {
        hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
      }
      return mixed(hash);
    }

    /** As MurmurHash3 ends. */
    private static double mixed(long bits) {
      long hash = (bits ^ bits >>> 33) * 0xff51afd7ed558ccdL;
      hash = (hash ^ hash >>> 33) * 0xc4ceb9fe1a85ec53L;
      return Double.longBitsToDouble((hash ^ hash >>> 33) >>> (Long.SIZE - BITS));
    }

    @Override
    public boolean truth(@Nullable Object[] fields, long time) {
      return scalar.truth(fields, time);
    }

    @Override
    public @Nullable Object value(@Nullable Object[] fields, long time) {
      return scalar.value(fields, time);
    }
  }

  /** A truth as 1 or 0: one without a value is false, where a number would be missing. */
  private record Truth(Expression truth) implements Expression {
    @Override
    public String source() {
      return truth.source();
    }

    @Override
    public Set<String> fields() {
      return truth.fields();
    }

    @Override
    public double number(@Nullable Object[] fields, long time) {
      return truth.truth(fields, time) ? 1 : 0;
    }

    @Override
    public boolean truth(@Nullable Object[] fields, long time) {
      return truth.truth(fields, time);
    }

    @Override
    public @Nullable Object value(@Nullable Object[] fields, long time) {
      return truth.value(fields, time);
    }
  }
}
