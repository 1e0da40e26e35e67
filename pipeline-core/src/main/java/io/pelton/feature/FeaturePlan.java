package io.pelton.feature;

import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import io.pelton.expression.Expression;
import io.pelton.expression.ExpressionCompiler;
import io.pelton.expression.ExpressionException;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Entity;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.Otherwise;
import io.pelton.pipeline.PipelineDefinition.RowFeature;
import io.pelton.pipeline.PipelineDefinition.Rule;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A pipeline's features made ready to run: events are admitted as rows with their row features and
 * the inputs of their aggregates, then each entity in turn adds its windowed features. Made where
 * it runs; not thread-safe.
 */
public final class FeaturePlan {
  /** Event times before year 1 are taken for a mistake of unit or format. */
  private static final long EARLIEST = Instant.parse("0001-01-01T00:00:00Z").toEpochMilli();

  private final EventSchema schema;
  private final int featureCount;
  private final int width;
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
  private final Expression[] row;
  private final int[] rowColumns;
  private final double[] blank;
  private final @Nullable FeatureBounds bounds;
  private final List<EntityPlan> entities;
  private final List<String> replaced = new ArrayList<>();
  private final Consumer<String> countReplaced = replaced::add;

  public FeaturePlan(PipelineDefinition pipeline) {
    schema = new EventSchema(pipeline.events().schema());
    ExpressionCompiler compiler = new ExpressionCompiler(schema);
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
    featureCount = pipeline.featureNames().size();

    List<Expression> expressions = new ArrayList<>();
    List<Integer> columns = new ArrayList<>();
    Map<String, Integer> inputs = new LinkedHashMap<>();
    Map<String, EntityPlan.Builder> builders = new LinkedHashMap<>();
    for (int key = 0; key < keyNames.length; key++) {
      builders.put(keyNames[key], new EntityPlan.Builder(keyNames[key], key));
    }
    int column = 0;
    for (Feature feature : pipeline.features()) {
      if (feature instanceof RowFeature rowFeature) {
        expressions.add(compiler.number(rowFeature.value()));
        columns.add(column++);
      } else if (feature instanceof WindowedFeature windowed) {
        int position = -1;
        String input = windowed.input();
        if (input != null) {
          Integer known = inputs.get(input);
          position = known != null ? known : featureCount + inputs.size();
          if (known == null) {
            inputs.put(input, position);
            expressions.add(compiler.number(input));
            columns.add(position);
          }
        }
        double whenEmpty =
            windowed.defaultValue() != null ? windowed.defaultValue() : emptyValue(windowed);
        EntityPlan.Builder builder = builders.get(windowed.entity());
        if (builder == null) {
          throw new IllegalArgumentException(
              "feature " + windowed.name() + ": unknown entity " + windowed.entity());
        }
        for (long window : windowed.windows().values()) {
          builder.add(
              column++, windowed.aggregate(), input, position, window, windowed.delay(), whenEmpty);
        }
      }
    }
    width = featureCount + inputs.size();
    row = expressions.toArray(Expression[]::new);
    rowColumns = columns.stream().mapToInt(Integer::intValue).toArray();
    blank = new double[width];
    Arrays.fill(blank, Double.NaN);
    Set<String> read = new LinkedHashSet<>(pipeline.carry());
    Stream.of(rules, row).flatMap(Arrays::stream).forEach(e -> read.addAll(e.fields()));
    // That these are there is checked below, with reasons of their own.
    read.remove(name(id));
    read.remove(name(time));
    pipeline.entities().forEach(entity -> read.remove(entity.field()));
    constraints = new Constraints(pipeline, schema, read);
    bounds = FeatureBounds.ofRows(pipeline);
    entities =
        builders.values().stream()
            .map(EntityPlan.Builder::build)
            .filter(plan -> plan.windows() > 0)
            .toList();
  }

  private static double emptyValue(WindowedFeature feature) {
    return switch (feature.aggregate()) {
      case COUNT, SUM -> 0;
      case MEAN, MIN, MAX -> Double.NaN;
    };
  }

  public EventSchema schema() {
    return schema;
  }

  /** Number of feature columns: the leading part of {@link FeatureRow#values}. */
  public int featureCount() {
    return featureCount;
  }

  /**
   * Names of the rules that a pipeline declares, each of which has a counter: those of constraints
   * on fields, the rules, those of bounds of features that are values of the event.
   */
  public static List<String> rules(PipelineDefinition pipeline) {
    List<String> names = new ArrayList<>(Constraints.rules(pipeline));
    names.addAll(pipeline.events().rules().keySet());
    FeatureBounds bounds = FeatureBounds.ofRows(pipeline);
    if (bounds != null) {
      names.addAll(bounds.rules());
    }
    return names;
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

  /** Entities that have windowed features, in the pipeline's order. */
  public List<EntityPlan> entities() {
    return entities;
  }

  /**
   * Makes a row of an event: id, time, keys, carried fields, row features and aggregate inputs.
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
    for (int i = 0; i < rules.length; i++) {
      check(i, fields, at, eventId);
    }
    double[] values = blank.clone();
    for (int i = 0; i < row.length; i++) {
      try {
        values[rowColumns[i]] = row[i].number(fields, at);
      } catch (ExpressionException e) {
        throw new RejectedEventException(
            "expression", String.valueOf(e.getMessage()), null, eventId);
      }
    }
    if (bounds != null) {
      bounds.check(values, eventId, countReplaced);
    }
    @Nullable Object[] kept = new @Nullable Object[carried.length];
    for (int i = 0; i < carried.length; i++) {
      Object value = fields[carried[i]];
      kept[i] =
          value == null
                  || value instanceof String
                  || value instanceof Long
                  || value instanceof Double
                  || value instanceof Boolean
              ? value
              : value.toString();
    }
    return new FeatureRow(eventId, at, entityKeys, values, kept);
  }

  private void check(int rule, @Nullable Object[] fields, long at, String eventId)
      throws RejectedEventException {
    String broken;
    try {
      if (rules[rule].truth(fields, at)) {
        return;
      }
      broken = "rule " + ruleNames[rule] + " is broken: " + rules[rule].source() + show(fields);
    } catch (ExpressionException e) {
      broken = "rule " + ruleNames[rule] + " has no value: " + e.getMessage();
    }
    throw RejectedEventException.brokenRule(ruleNames[rule], broken, eventId, otherwise[rule]);
  }

  private String show(@Nullable Object[] fields) {
    StringBuilder text = new StringBuilder(" for {");
    for (int i = 0; i < fields.length; i++) {
      text.append(i == 0 ? "" : ", ").append(name(i)).append(": ").append(fields[i]);
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
