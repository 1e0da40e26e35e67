package io.pelton.pipeline;

import io.pelton.event.EventSchema;
import io.pelton.expression.ExpressionCompiler;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/**
 * A validated pipeline file: what every job reads. Durations are milliseconds; collections are in
 * the file's order.
 *
 * @param registry the registry's directory as written, null when the file names none
 * @param featureLog the feature log's directory as written, null when features are not logged
 * @param carry event fields that travel with features and predictions
 * @param topics overrides of topic names, by kind
 */
public record PipelineDefinition(
    String name,
    Events events,
    List<Entity> entities,
    List<Feature> features,
    @Nullable Model model,
    @Nullable String registry,
    @Nullable String featureLog,
    List<String> carry,
    @Nullable Outcomes outcomes,
    @Nullable Drift drift,
    Map<String, String> topics)
    implements Serializable {

  /** Encoding of events on the topic. */
  public enum EventFormat {
    /** Avro single-object encoding; the writer's schema is found by fingerprint. */
    AVRO,
    /** One JSON object an event. */
    JSON
  }

  /**
   * @param schema an Avro record schema; it gives the fields' types for every format
   * @param id field with the event's id
   * @param time field with the event's time
   * @param outOfOrderness wait this long for earlier events; null: take events on arrival
   * @param maxAhead an event further than this after its Kafka timestamp is a dead letter
   * @param idleAfter a partition without events for this long no longer holds the watermark
   * @param rules rule name to CEL expression; a broken rule makes a dead letter
   */
  public record Events(
      String topic,
      EventFormat format,
      Schema schema,
      String id,
      String time,
      @Nullable Long outOfOrderness,
      long maxAhead,
      long idleAfter,
      Map<String, String> rules)
      implements Serializable {}

  /**
   * @param field event field with the entity's key
   */
  public record Entity(String name, String field) implements Serializable {}

  /** A feature, or a family of them over several windows. */
  public sealed interface Feature extends Serializable permits RowFeature, WindowedFeature {
    String name();

    /** Names of the columns it becomes. */
    List<String> columns();
  }

  /**
   * @param value CEL expression over the event
   */
  public record RowFeature(String name, String value) implements Feature {
    @Override
    public List<String> columns() {
      return List.of(name);
    }
  }

  /** Aggregates over a sliding window. */
  public enum Aggregate {
    COUNT,
    SUM,
    MEAN,
    MIN,
    MAX
  }

  /**
   * An aggregate over the sliding windows {@code (t - delay - width, t - delay]} of an entity's
   * events.
   *
   * @param input CEL expression over the event, null for {@code count}
   * @param windows widths, labels as written ({@code 7d}) to milliseconds
   * @param defaultValue value of an empty window, null when none was given
   */
  public record WindowedFeature(
      String name,
      String entity,
      Aggregate aggregate,
      @Nullable String input,
      LinkedHashMap<String, Long> windows,
      long delay,
      @Nullable Double defaultValue)
      implements Feature {
    @Override
    public List<String> columns() {
      return windows.keySet().stream().map(label -> name + "_" + label).toList();
    }
  }

  /**
   * @param features input features in order, null for all of the pipeline's
   * @param maxBatchSize rows
   * @param maxBatchDelay from the first row's arrival
   */
  public record Model(
      String name,
      @Nullable List<String> features,
      int maxBatchSize,
      long maxBatchDelay,
      Device device)
      implements Serializable {}

  /** Where a model runs. */
  public enum Device {
    CPU,
    PREFER_GPU,
    REQUIRE_GPU
  }

  /**
   * @param within how long after the event an outcome counts
   */
  public record Outcomes(String topic, String id, String time, String label, long within)
      implements Serializable {}

  /**
   * @param window width of a tumbling window
   * @param allowedLateness how long after its end a window stays open
   * @param psi threshold of the bias-adjusted PSI
   * @param ks threshold of the Kolmogorov-Smirnov distance
   * @param falseDiscoveryRate level of the Benjamini-Hochberg procedure
   * @param minimumCount windows with fewer rows decide nothing
   * @param persistence an alert opens when {@code k} of the last {@code n} windows drifted
   * @param edges most edges a baseline profile keeps
   */
  public record Drift(
      long window,
      long allowedLateness,
      double psi,
      double ks,
      double falseDiscoveryRate,
      long minimumCount,
      Persistence persistence,
      int edges)
      implements Serializable {}

  /** {@code k} of the last {@code n} windows. */
  public record Persistence(int k, int n) implements Serializable {}

  /** The topics of a pipeline, with the suffix that their names end in by default. */
  public enum Topic {
    EVENTS("events"),
    FEATURES("features"),
    PREDICTIONS("predictions"),
    LATE("late"),
    DEAD_LETTERS("dead-letters"),
    DRIFT("drift"),
    ALERTS("alerts"),
    CONTROL("control"),
    STATUS("status"),
    AUDIT("audit"),
    SCHEMAS("schemas");

    private final String suffix;

    Topic(String suffix) {
      this.suffix = suffix;
    }

    public String suffix() {
      return suffix;
    }

    /** Whether only the newest record of a key counts. */
    public boolean compacted() {
      return this == CONTROL || this == SCHEMAS;
    }
  }

  public PipelineDefinition {
    entities = List.copyOf(entities);
    features = List.copyOf(features);
    carry = List.copyOf(carry);
    topics = Map.copyOf(topics);
  }

  /** Name of a topic: the override, or {@code <pipeline>.<suffix>}. */
  public String topic(Topic topic) {
    if (topic == Topic.EVENTS) {
      return events.topic();
    }
    String override = topics.get(topic.suffix());
    return override != null ? override : name + "." + topic.suffix();
  }

  /** Names of the entities in order. */
  public List<String> entityNames() {
    return entities.stream().map(Entity::name).toList();
  }

  /** The same pipeline with one more feature, the last. */
  public PipelineDefinition with(RowFeature feature) {
    List<Feature> more = new ArrayList<>(features);
    more.add(feature);
    return new PipelineDefinition(
        name, events, entities, more, model, registry, featureLog, carry, outcomes, drift, topics);
  }

  /** How far back the features of an event look, milliseconds. */
  public long reach() {
    long reach = 0;
    for (Feature feature : features) {
      if (feature instanceof WindowedFeature windowed) {
        for (long width : windowed.windows().values()) {
          reach = Math.max(reach, width + windowed.delay());
        }
      }
    }
    return reach;
  }

  /** Names of all feature columns in order. */
  public List<String> featureNames() {
    List<String> names = new ArrayList<>();
    features.forEach(feature -> names.addAll(feature.columns()));
    return List.copyOf(names);
  }

  /**
   * Event fields that data must have: id, time, keys, carried fields, and those that rules and
   * features read and for which the event schema has no default.
   */
  public Set<String> neededFields() {
    Set<String> fields = new LinkedHashSet<>();
    fields.add(events.id());
    fields.add(events.time());
    entities.forEach(entity -> fields.add(entity.field()));
    fields.addAll(carry);
    List<String> others =
        events.schema().getFields().stream()
            .filter(field -> !field.hasDefaultValue())
            .map(Schema.Field::name)
            .filter(field -> !fields.contains(field))
            .toList();
    if (!others.isEmpty()) {
      Set<String> read = readFields();
      others.stream().filter(read::contains).forEach(fields::add);
    }
    return fields;
  }

  /** Event fields that rules and features read. */
  private Set<String> readFields() {
    ExpressionCompiler compiler = new ExpressionCompiler(new EventSchema(events.schema()));
    Set<String> fields = new LinkedHashSet<>();
    events.rules().values().forEach(rule -> fields.addAll(compiler.truth(rule).fields()));
    for (Feature feature : features) {
      String source =
          feature instanceof RowFeature row ? row.value() : ((WindowedFeature) feature).input();
      if (source != null) {
        fields.addAll(compiler.number(source).fields());
      }
    }
    return fields;
  }

  /**
   * Features that the model takes, in its input order.
   *
   * @throws IllegalStateException when the pipeline has no model
   */
  public List<String> modelFeatures() {
    if (model == null) {
      throw new IllegalStateException("pipeline " + name + " has no model section");
    }
    return model.features() != null ? model.features() : featureNames();
  }

  /**
   * How long after the newest event one may still come when events are taken on arrival, and how
   * long after its end a window of drift stays open, milliseconds.
   */
  public long allowedLateness() {
    return drift != null ? drift.allowedLateness() : 60_000;
  }

  /** Suffixes that {@code topics:} may override. */
  public static Set<String> topicKinds() {
    Set<String> kinds = new LinkedHashSet<>();
    for (Topic topic : Topic.values()) {
      if (topic != Topic.EVENTS) {
        kinds.add(topic.suffix());
      }
    }
    return kinds;
  }
}
