package io.pelton.feature;

import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import io.pelton.expression.Expression;
import io.pelton.expression.ExpressionCompiler;
import io.pelton.expression.ExpressionException;
import io.pelton.pipeline.FeatureGraph;
import io.pelton.pipeline.Otherwise;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Entity;
import io.pelton.pipeline.Rule;
import io.pelton.table.ReferenceTable;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A pipeline's features made ready to run: events are admitted as rows with their row features and
 * the inputs of their aggregates, each entity in turn adds its windowed features, and at the end
 * come those that read them. Made where it runs; not thread-safe.
 */
public final class FeaturePlan {
  /** Event times before year 1 are taken for a mistake of unit or format. */
  private static final long EARLIEST = Instant.parse("0001-01-01T00:00:00Z").toEpochMilli();

  private final EventSchema schema;
  private final int featureCount;
  private final int mapCount;
  private final int id;
  private final int time;
  private final FieldType timeType;
  private final String[] keyNames;
  private final int[] keys;
  private final int[] carried;
  private final Constraints constraints;
  private final String[] ruleNames;
  private final Expression[] rules;
  private final Otherwise[] otherwise;
  private final double[] blank;
  private final List<EntityPlan> entities;
  private final RowNames rowNames;

  /** The event's fields, after them those of tables, then the features that expressions read. */
  private final EventSchema extended;

  private final TableJoins tables;

  private final Computed[] admitted;
  private final Computed[] derived;

  /** Event fields that derived features read: they travel behind the carried ones. */
  private final int[] needed;

  /** Texts that aggregates take: they travel behind those. */
  private final @Nullable Expression[] texts;

  // Columns and maps that derived features read, and where among the extended fields.
  private final int[] readColumns;
  private final int[] readColumnFields;
  private final int[] readMaps;
  private final int[] readMapFields;

  private final @Nullable OutcomePlan outcomes;
  private final @Nullable FeatureBounds windowBounds;
  private final List<String> replaced = new ArrayList<>();
  private final Consumer<String> countReplaced = replaced::add;

  /** One that admits no events when the pipeline has reference tables. */
  public FeaturePlan(PipelineDefinition pipeline) {
    this(pipeline, Map.of());
  }

  /**
   * @param loaded the pipeline's reference tables by name
   */
  public FeaturePlan(PipelineDefinition pipeline, Map<String, ReferenceTable> loaded) {
    schema = new EventSchema(pipeline.events().schema());
    EventSchema joined = pipeline.joinedSchema();
    ExpressionCompiler compiler = new ExpressionCompiler(joined);
    id = schema.indexOf(pipeline.events().id());
    time = schema.indexOf(pipeline.events().time());
    timeType = schema.fields().get(time).type();
    keyNames = pipeline.entities().stream().map(Entity::name).toArray(String[]::new);
    keys = pipeline.entities().stream().mapToInt(e -> schema.indexOf(e.field())).toArray();
    carried = pipeline.carry().stream().mapToInt(schema::indexOf).toArray();
    ruleNames = pipeline.events().rules().keySet().toArray(String[]::new);
    List<Rule> declared = List.copyOf(pipeline.events().rules().values());
    rules = declared.stream().map(r -> compiler.truth(r.check())).toArray(Expression[]::new);
    otherwise = declared.stream().map(Rule::otherwise).toArray(Otherwise[]::new);

    List<String> columns = pipeline.featureNames();
    List<String> maps = pipeline.mapNames();
    featureCount = columns.size();
    mapCount = maps.size();
    FeatureGraph graph = new FeatureGraph(joined, pipeline.features());
    extended = graph.schema();
    RowLayout layout = new RowLayout(graph, pipeline);
    admitted = layout.admitted();
    derived = layout.derived();
    needed = layout.needed();
    texts = layout.texts();
    entities = layout.entities();
    rowNames = layout.names(pipeline);
    outcomes = OutcomePlan.of(pipeline, graph, layout);
    blank = new double[layout.width()];
    Arrays.fill(blank, Double.NaN);

    Set<String> read = new LinkedHashSet<>();
    pipeline.features().stream()
        .filter(graph::afterWindows)
        .forEach(feature -> read.addAll(graph.reads(feature)));
    readColumns = read.stream().filter(columns::contains).mapToInt(columns::indexOf).toArray();
    readColumnFields = fields(read, columns);
    readMaps = read.stream().filter(maps::contains).mapToInt(maps::indexOf).toArray();
    readMapFields = fields(read, maps);

    Set<String> fields = new LinkedHashSet<>(pipeline.carry());
    Arrays.stream(rules).forEach(rule -> fields.addAll(rule.fields()));
    pipeline.features().forEach(feature -> fields.addAll(graph.eventFields(feature)));
    tables = new TableJoins(pipeline, extended, fields, loaded);
    fields.addAll(tables.keys());
    // That these are there is checked below, with reasons of their own.
    fields.remove(name(id));
    fields.remove(name(time));
    pipeline.entities().forEach(entity -> fields.remove(entity.field()));
    constraints = new Constraints(pipeline, schema, fields);
    windowBounds = FeatureBounds.ofWindows(pipeline);
  }

  private int[] fields(Set<String> read, List<String> among) {
    return read.stream().filter(among::contains).mapToInt(extended::indexOf).toArray();
  }

  public EventSchema schema() {
    return schema;
  }

  /** Number of feature columns: the leading part of {@link FeatureRow#values}. */
  public int featureCount() {
    return featureCount;
  }

  /**
   * Names of the rules that a pipeline declares and that are checked when an event is admitted,
   * each of which has a counter: constraints on fields, the rules, bounds of row features.
   */
  public static List<String> rules(PipelineDefinition pipeline) {
    List<String> names = new ArrayList<>(Constraints.rules(pipeline));
    names.addAll(pipeline.events().rules().keySet());
    names.addAll(FeatureBounds.rules(pipeline, false));
    return names;
  }

  /** The same of those that are checked when all windows are computed. */
  public static List<String> finalRules(PipelineDefinition pipeline) {
    return FeatureBounds.rules(pipeline, true);
  }

  /**
   * Rules for which a default took the place of a value in the event that was admitted or rejected
   * last; asked again, none.
   */
  public List<String> takeReplaced() {
    if (replaced.isEmpty()) {
      return List.of();
    }
    List<String> rules = List.copyOf(replaced);
    replaced.clear();
    return rules;
  }

  /** What the places of a row mean while it is inside the feature job. */
  public RowNames rowNames() {
    return rowNames;
  }

  /** What outcomes become; null when no feature aggregates them. */
  public @Nullable OutcomePlan outcomes() {
    return outcomes;
  }

  /**
   * What is computed of each entity that has windowed features, in the pipeline's order; of one
   * with tiles a plan for each width of them, the narrowest first.
   */
  public List<EntityPlan> entities() {
    return entities;
  }

  /**
   * Tables whose rows come while the job runs, in order; not those that no expression reads. When
   * there are any, what {@link #admit} makes of an event is not complete.
   */
  public List<TableJoin> streamedTables() {
    return tables.streamed();
  }

  /** What the places of a row mean between {@link #admit} and {@link #complete}. */
  public RowNames admittedNames() {
    return new RowNames(
        List.of(keyNames),
        List.of(),
        List.of(),
        extended.fields().stream().map(EventSchema.Field::name).toList());
  }

  /**
   * Makes a row of an event: id, time, keys, carried fields, row features and aggregate inputs.
   * Where there are {@link #streamedTables}, one of id, time, keys and the extended fields, which
   * what these tables hold is put among before it is made {@link #complete}.
   *
   * @param fields the event's fields in the schema's order; a default is put in the place of a
   *     value that breaks a constraint
   * @param latest times after this one are taken for a mistake, epoch milliseconds
   * @throws RejectedEventException when a rule is broken or something needed is missing
   */
  public FeatureRow admit(@Nullable Object[] fields, long latest) throws RejectedEventException {
    String eventId = text(fields[id]);
    constraints.settle(fields, eventId, countReplaced);
    if (eventId == null || eventId.isEmpty()) {
      throw new RejectedEventException(
          "missing-id", "field \"" + name(id) + "\", the event's id, is null or empty", null, null);
    }
    long at = time(fields[time], eventId);
    if (at > latest) {
      throw new RejectedEventException(
          "far-future",
          "event time " + show(at) + " is after " + show(latest) + ", the latest accepted here",
          null,
          eventId);
    }
    if (at < EARLIEST) {
      throw new RejectedEventException(
          "far-past", "event time " + show(at) + " is before year 1", null, eventId);
    }
    String[] entityKeys = new String[keys.length];
    for (int i = 0; i < keys.length; i++) {
      String key = text(fields[keys[i]]);
      if (key == null || key.isEmpty()) {
        throw new RejectedEventException(
            "missing-key",
            "field \""
                + name(keys[i])
                + "\", the key of entity "
                + keyNames[i]
                + ", is null or empty",
            null,
            eventId);
      }
      entityKeys[i] = key;
    }
    @Nullable Object[] all = extend(fields);
    tables.join(all, at);
    if (tables.streamed().isEmpty()) {
      return complete(eventId, at, entityKeys, all);
    }
    @Nullable Object[] travelling = new @Nullable Object[extended.fields().size()];
    for (int i = 0; i < all.length; i++) {
      travelling[i] = carriable(all[i]);
    }
    return new FeatureRow(eventId, at, entityKeys, new double[0], travelling);
  }

  /**
   * Makes the row of an event that was admitted and joined with all tables.
   *
   * @throws RejectedEventException when a rule is broken or an expression has no value
   */
  public FeatureRow complete(FeatureRow joined) throws RejectedEventException {
    FeatureRow row = complete(joined.id, joined.time, joined.keys, joined.carried);
    row.history = joined.history;
    row.late = joined.late;
    return row;
  }

  private FeatureRow complete(String eventId, long at, String[] entityKeys, @Nullable Object[] all)
      throws RejectedEventException {
    for (int i = 0; i < rules.length; i++) {
      check(i, all, at, eventId);
    }
    double[] values = blank.clone();
    @Nullable Object[] kept = new @Nullable Object[carried.length + needed.length + texts.length];
    for (int i = 0; i < carried.length; i++) {
      kept[i] = carriable(all[carried[i]]);
    }
    for (int i = 0; i < needed.length; i++) {
      kept[carried.length + i] = carriable(all[needed[i]]);
    }
    try {
      for (Computed computed : admitted) {
        computed.compute(values, all, at, eventId, countReplaced);
      }
      for (int i = 0; i < texts.length; i++) {
        Expression text = texts[i];
        if (text != null) {
          kept[carried.length + needed.length + i] = text(text.value(all, at));
        }
      }
    } catch (ExpressionException e) {
      throw new RejectedEventException("expression", String.valueOf(e.getMessage()), null, eventId);
    }
    FeatureRow row = new FeatureRow(eventId, at, entityKeys, values, kept);
    row.maps = FeatureRow.maps(mapCount);
    return row;
  }

  /** The event's fields with room for what tables hold and features that expressions read. */
  private @Nullable Object[] extend(@Nullable Object[] fields) {
    int length = extended.fields().size();
    return length == fields.length ? fields : Arrays.copyOf(fields, length);
  }

  private static @Nullable Object carriable(@Nullable Object value) {
    return value == null
            || value instanceof String
            || value instanceof Long
            || value instanceof Double
            || value instanceof Boolean
        ? value
        : value.toString();
  }

  /**
   * Computes what is left when all windows are: the derived features. What only aggregates needed
   * is left behind.
   *
   * @throws RejectedEventException when an expression has no value or a feature is out of bounds
   */
  public void finish(FeatureRow row) throws RejectedEventException {
    if (windowBounds != null) {
      windowBounds.check(row.values, row.id, countReplaced);
    }
    if (derived.length > 0) {
      @Nullable Object[] all = new @Nullable Object[extended.fields().size()];
      for (int i = 0; i < needed.length; i++) {
        all[needed[i]] = row.carried[carried.length + i];
      }
      for (int i = 0; i < readColumns.length; i++) {
        double value = row.values[readColumns[i]];
        all[readColumnFields[i]] = Double.isNaN(value) ? null : (Double) value;
      }
      for (int i = 0; i < readMaps.length; i++) {
        all[readMapFields[i]] = row.maps[readMaps[i]];
      }
      try {
        for (Computed computed : derived) {
          computed.compute(row.values, all, row.time, row.id, countReplaced);
        }
      } catch (ExpressionException e) {
        throw new RejectedEventException(
            "expression", String.valueOf(e.getMessage()), null, row.id);
      }
    }
    row.values = Arrays.copyOf(row.values, featureCount);
    row.carried = Arrays.copyOf(row.carried, carried.length);
  }

  private void check(int rule, @Nullable Object[] fields, long at, String eventId)
      throws RejectedEventException {
    String broken;
    try {
      if (rules[rule].truth(fields, at)) {
        return;
      }
      broken =
          "rule "
              + ruleNames[rule]
              + " is broken: "
              + rules[rule].source()
              + show(rules[rule], fields);
    } catch (ExpressionException e) {
      broken = "rule " + ruleNames[rule] + " has no value: " + e.getMessage();
    }
    throw RejectedEventException.brokenRule(ruleNames[rule], broken, eventId, otherwise[rule]);
  }

  /** The event's own fields, and those of tables that the rule reads. */
  private String show(Expression rule, @Nullable Object[] fields) {
    StringBuilder text = new StringBuilder(" for {");
    Set<String> read = rule.fields();
    for (int i = 0; i < fields.length; i++) {
      String name = extended.fields().get(i).name();
      if (i < schema.fields().size() || read.contains(name)) {
        text.append(i == 0 ? "" : ", ").append(name).append(": ").append(fields[i]);
      }
    }
    return text.append('}').toString();
  }

  private long time(@Nullable Object value, String eventId) throws RejectedEventException {
    if (value instanceof Long millis) {
      return millis;
    }
    if (value instanceof String text && timeType == FieldType.STRING) {
      try {
        return EventSchema.parseTime(text);
      } catch (EventFormatException e) {
        throw new RejectedEventException(
            "missing-time", String.valueOf(e.getMessage()), null, eventId);
      }
    }
    throw new RejectedEventException(
        "missing-time",
        "field \"" + name(time) + "\", the event's time, is " + value,
        null,
        eventId);
  }

  private String name(int field) {
    return schema.fields().get(field).name();
  }

  private static @Nullable String text(@Nullable Object value) {
    return value == null || value instanceof String ? (String) value : value.toString();
  }

  private static String show(long millis) {
    return Math.abs(millis) < 1L << 52 ? Instant.ofEpochMilli(millis).toString() : millis + " ms";
  }
}
