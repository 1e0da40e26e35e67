package io.pelton.pipeline;

import io.pelton.aggregate.AggregateExtension;
import io.pelton.event.EventSchema;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A validated pipeline file: what every job reads. Durations are milliseconds; collections are in
 * the file's order.
 *
 * @param registry the registry's directory as written, null when the file names none
 * @param featureLog the feature log's directory as written, null when features are not logged
 * @param carry event fields that travel with features and predictions
 * @param topics overrides of topic names, by kind
 * @param tables reference tables that events are joined with
 * @param delivery how often records reach their topics; exactly once where it says nothing
 * @param latency what is traded for how soon a record comes out
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
    Map<String, String> topics,
    List<Table> tables,
    Map<Topic, Delivery> delivery,
    Latency latency)
    implements Serializable {

  /** One without reference tables, delivered exactly once in balanced time. */
  public PipelineDefinition(
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
      Map<String, String> topics) {
    this(
        name,
        events,
        entities,
        features,
        model,
        registry,
        featureLog,
        carry,
        outcomes,
        drift,
        topics,
        List.of(),
        Map.of(),
        Latency.BALANCED);
  }

  /**
   * @param field event field with the entity's key
   * @param resolution width of the tiles that its history is kept in, milliseconds; 0 for exact
   * @param keep how far back windows by events look, milliseconds; 0 when there are none
   */
  public record Entity(String name, String field, long resolution, long keep)
      implements Serializable {
    private static final int TILES_AT_LEAST = 256;

    /** One with an exact history. */
    public Entity(String name, String field) {
      this(name, field, 0, 0);
    }

    /**
     * Width of the tiles for a window, milliseconds: the resolution, or four times as much again
     * and again while a tile is no more than a 256th of the window; 0 for an exact history.
     */
    public long tileFor(long width) {
      return tileFor(resolution, width);
    }

    /** The same of a resolution. */
    public static long tileFor(long resolution, long width) {
      long tile = resolution;
      while (tile > 0 && tile * 4 * TILES_AT_LEAST <= width) {
        tile *= 4;
      }
      return tile;
    }
  }

  /** A feature, or a family of them over several windows. */
  public sealed interface Feature extends Serializable permits RowFeature, WindowedFeature {
    String name();

    /** Names of the columns it becomes. */
    List<String> columns();

    /** What holds for each column, null when anything may be. */
    @Nullable Bounds bounds();
  }

  /**
   * @param value CEL expression over the event and other features
   * @param defaultValue value when it has none, null when none was given
   */
  public record RowFeature(
      String name, String value, @Nullable Double defaultValue, @Nullable Bounds bounds)
      implements Feature {
    /** One that may be missing. */
    public RowFeature(String name, String value) {
      this(name, value, null, null);
    }

    @Override
    public List<String> columns() {
      return List.of(name);
    }
  }

  /** What an aggregate computes over a window. */
  public enum Function {
    COUNT,
    SUM,
    MEAN,
    MIN,
    MAX,
    VARIANCE,
    STDDEV,
    FIRST,
    LAST,
    DISTINCT,
    QUANTILE,
    SHARE,
    DECAYED_COUNT,
    DECAYED_SUM,
    DECAYED_MEAN,
    TIME_SINCE_LAST,
    Z_SCORE,
    /** An aggregate that the class path brings. */
    EXTENSION;

    /** As the pipeline file writes it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Whether it aggregates events themselves, without an input. */
    public boolean ofEvents() {
      return this == COUNT || this == DECAYED_COUNT || this == TIME_SINCE_LAST;
    }

    /** Whether an empty window gives zero, not a missing value. */
    public boolean zeroWhenEmpty() {
      return this == COUNT
          || this == SUM
          || this == DISTINCT
          || this == DECAYED_COUNT
          || this == DECAYED_SUM;
    }
  }

  /**
   * An aggregate as the pipeline file gives it, {@code quantile(amount, 0.95)}.
   *
   * @param input CEL expression over the event; null for those of events themselves
   * @param quantile from 0 to 1, of {@code quantile} alone
   * @param halfLife milliseconds, of the decayed ones alone
   * @param extension name of an {@code EXTENSION}, else null
   * @param parameters of an {@code EXTENSION}, as written
   */
  public record Aggregate(
      Function function,
      @Nullable String input,
      double quantile,
      long halfLife,
      @Nullable String extension,
      List<String> parameters)
      implements Serializable {
    public Aggregate {
      parameters = List.copyOf(parameters);
    }

    /** One without parameters. */
    public static Aggregate of(Function function, @Nullable String input) {
      return new Aggregate(function, input, 0, 0, null, List.of());
    }

    /** As the pipeline file writes it. */
    public String label() {
      List<String> arguments = new ArrayList<>();
      if (input != null) {
        arguments.add(input);
      }
      if (function == Function.QUANTILE) {
        arguments.add(Double.toString(quantile));
      }
      if (halfLife > 0) {
        arguments.add(PipelineSummary.duration(halfLife));
      }
      arguments.addAll(parameters);
      return (extension != null ? extension : function.label())
          + (arguments.isEmpty() ? "" : "(" + String.join(", ", arguments) + ")");
    }
  }

  /** What a windowed feature aggregates. */
  public enum Source {
    EVENTS,
    OUTCOMES
  }

  /**
   * The last {@code width} milliseconds, or of those the last {@code events} events.
   *
   * @param label as written: {@code 7d}, {@code last-10}
   * @param width milliseconds; of a window by events, how far back it looks at most
   * @param events 0 for a window by time
   */
  public record Window(String label, long width, int events) implements Serializable {
    /** What follows the feature's name in the column's. */
    public String suffix() {
      return label.replace('-', '_');
    }
  }

  /**
   * An aggregate over the sliding windows {@code (t - delay - width, t - delay]} of an entity's
   * events.
   *
   * @param where CEL expression that holds for the events that count, null for all
   * @param by event field whose value sorts the events into buckets: the feature is a map
   * @param cap most buckets that the map shows
   * @param excludeCurrent whether the event itself does not count
   * @param defaultValue value of an empty window, null when none was given
   * @param source what is aggregated: the events, or their outcomes at the outcomes' times
   */
  public record WindowedFeature(
      String name,
      String entity,
      Aggregate aggregate,
      @Nullable String where,
      @Nullable String by,
      int cap,
      boolean excludeCurrent,
      List<Window> windows,
      long delay,
      @Nullable Double defaultValue,
      @Nullable Bounds bounds,
      Source source)
      implements Feature {
    public WindowedFeature {
      windows = List.copyOf(windows);
    }

    /** One of events. */
    public WindowedFeature(
        String name,
        String entity,
        Aggregate aggregate,
        @Nullable String where,
        @Nullable String by,
        int cap,
        boolean excludeCurrent,
        List<Window> windows,
        long delay,
        @Nullable Double defaultValue,
        @Nullable Bounds bounds) {
      this(
          name,
          entity,
          aggregate,
          where,
          by,
          cap,
          excludeCurrent,
          windows,
          delay,
          defaultValue,
          bounds,
          Source.EVENTS);
    }

    /** Whether it aggregates outcomes. */
    public boolean ofOutcomes() {
      return source == Source.OUTCOMES;
    }

    @Override
    public List<String> columns() {
      return windows.stream().map(window -> name + "_" + window.suffix()).toList();
    }

    /** Whether its columns are maps of texts to numbers. */
    public boolean isMap() {
      AggregateExtension extension =
          aggregate.extension() == null ? null : AggregateExtension.find(aggregate.extension());
      return by != null || extension != null && extension.givesMap();
    }

    /** The value of an empty window, NaN for a missing one. */
    public double whenEmpty() {
      if (defaultValue != null) {
        return defaultValue;
      }
      return aggregate.function().zeroWhenEmpty() ? 0 : Double.NaN;
    }
  }

  /**
   * @param features input features in order, null for all of the pipeline's
   * @param maxBatchSize rows
   * @param maxBatchDelay from the first row's arrival
   * @param overlap whether the next batch is gathered while one is scored
   * @param shadow what each shadow may take
   * @param memory what all versions may take
   */
  public record Model(
      String name,
      @Nullable List<String> features,
      int maxBatchSize,
      long maxBatchDelay,
      Device device,
      boolean overlap,
      Safeguards safeguards,
      ShadowBudget shadow,
      MemoryBudget memory)
      implements Serializable {
    /** One batch at a time, however long it takes, and the usual budgets. */
    public Model(
        String name,
        @Nullable List<String> features,
        int maxBatchSize,
        long maxBatchDelay,
        Device device) {
      this(
          name,
          features,
          maxBatchSize,
          maxBatchDelay,
          device,
          false,
          Safeguards.NONE,
          ShadowBudget.USUAL,
          MemoryBudget.NONE);
    }
  }

  /** Where a model runs. */
  public enum Device {
    CPU,
    PREFER_GPU,
    REQUIRE_GPU
  }

  public PipelineDefinition {
    entities = List.copyOf(entities);
    features = List.copyOf(features);
    carry = List.copyOf(carry);
    topics = Map.copyOf(topics);
    tables = List.copyOf(tables);
    delivery = Map.copyOf(delivery);
  }

  /** How often records reach a topic. */
  public Delivery delivery(Topic topic) {
    return topic == Topic.SHADOW
        ? Delivery.AT_LEAST_ONCE
        : delivery.getOrDefault(topic, Delivery.EXACTLY_ONCE);
  }

  /**
   * Name of a topic: the override, or {@code <pipeline>.<suffix>}.
   *
   * @throws IllegalStateException for that of outcomes when the pipeline declares none
   */
  public String topic(Topic topic) {
    if (topic == Topic.EVENTS) {
      return events.topic();
    }
    if (topic == Topic.OUTCOMES) {
      if (outcomes == null) {
        throw new IllegalStateException("pipeline " + name + " has no outcomes section");
      }
      return outcomes.topic();
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
    return of(more, tables, delivery);
  }

  /** The same pipeline with other tables. */
  public PipelineDefinition with(List<Table> others) {
    return of(features, others, delivery);
  }

  /** The same pipeline with what is given for some topics in place of its own. */
  public PipelineDefinition with(Map<Topic, Delivery> others) {
    Map<Topic, Delivery> all = new HashMap<>(delivery);
    all.putAll(others);
    return of(features, tables, all);
  }

  private PipelineDefinition of(
      List<Feature> features, List<Table> tables, Map<Topic, Delivery> delivery) {
    return new PipelineDefinition(
        name,
        events,
        entities,
        features,
        model,
        registry,
        featureLog,
        carry,
        outcomes,
        drift,
        topics,
        tables,
        delivery,
        latency);
  }

  /** The event's fields, then those of all tables by their qualified names. */
  public EventSchema joinedSchema() {
    return Table.joined(new EventSchema(events.schema()), tables);
  }

  /** Names of the features that aggregate outcomes, in order. */
  public List<String> featuresOfOutcomes() {
    return features.stream()
        .filter(feature -> feature instanceof WindowedFeature windowed && windowed.ofOutcomes())
        .map(Feature::name)
        .toList();
  }

  /**
   * Whether predictions are joined with what became of their events: where drift is measured and
   * outcomes have a topic of their own.
   */
  public boolean measuresPerformance() {
    return drift != null && outcomes != null && !outcomes.topic().equals(events.topic());
  }

  /** How far back the features of an event look, milliseconds. */
  public long reach() {
    long reach = 0;
    for (Feature feature : features) {
      if (feature instanceof WindowedFeature windowed) {
        for (Window window : windowed.windows()) {
          reach = Math.max(reach, window.width() + windowed.delay());
        }
      }
    }
    return reach;
  }

  /** Names of the feature columns that are numbers, in order. */
  public List<String> featureNames() {
    return columns(false);
  }

  /** Names of the feature columns that are maps of texts to numbers, in order. */
  public List<String> mapNames() {
    return columns(true);
  }

  private List<String> columns(boolean maps) {
    List<String> names = new ArrayList<>();
    for (Feature feature : features) {
      if (maps == (feature instanceof WindowedFeature windowed && windowed.isMap())) {
        names.addAll(feature.columns());
      }
    }
    return List.copyOf(names);
  }

  /**
   * Event fields that data must have: id, time, keys, carried fields, and those that constraints,
   * rules and features read and for which the event schema has no default.
   */
  public Set<String> neededFields() {
    return NeededFields.of(this);
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
      if (topic != Topic.EVENTS && topic != Topic.OUTCOMES) {
        kinds.add(topic.suffix());
      }
    }
    return kinds;
  }
}
