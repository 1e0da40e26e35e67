package io.pelton.pipeline;

import io.pelton.aggregate.AggregateExtension;
import io.pelton.event.EventSchema;
import io.pelton.expression.ExpressionCompiler;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
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
 * @param tables reference tables that events are joined with
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
    List<Table> tables)
    implements Serializable {

  /** One without reference tables. */
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
        List.of());
  }

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
   * @param rules by name
   * @param fields constraints by the field that they hold for; checked before the rules
   * @param late what becomes of events later than the bound, beside their going to the late topic
   * @param duplicatesWithin an event with the id of another is a dead letter when their times are
   *     no further apart; null: it is one event more
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
      Map<String, Rule> rules,
      Map<String, FieldConstraint> fields,
      Late late,
      @Nullable Long duplicatesWithin)
      implements Serializable {
    /** Events of which late ones change nothing, and repeated ones are events more. */
    public Events(
        String topic,
        EventFormat format,
        Schema schema,
        String id,
        String time,
        @Nullable Long outOfOrderness,
        long maxAhead,
        long idleAfter,
        Map<String, Rule> rules,
        Map<String, FieldConstraint> fields) {
      this(
          topic,
          format,
          schema,
          id,
          time,
          outOfOrderness,
          maxAhead,
          idleAfter,
          rules,
          fields,
          Late.SIDE_OUTPUT,
          null);
    }
  }

  /** What becomes of an event that comes later than the bound; no row is ever made of it. */
  public enum Late {
    /** It goes to the late topic and nowhere else. */
    SIDE_OUTPUT,
    /** It goes to the late topic, and features of later events count it. */
    INCLUDE
  }

  /**
   * A reference table: what is known of a key, and since when. An event at time t sees the newest
   * version of its key whose time is t or earlier.
   *
   * @param topic the Kafka topic whose records are its rows; null for a table of files
   * @param inputs paths, URIs and globs of the files with its rows; of a table of a topic those
   *     with rows that the topic no longer holds, mostly none
   * @param schema an Avro record schema of its rows
   * @param key the rows' field with the key
   * @param time the rows' field with the time from which a version holds; null: rows always hold.
   *     Never null for a table of a topic
   * @param on the event's field with the key
   * @param idleAfter a partition of the topic without records for this long does not hold events
   * @param streamed whether rows come from the topic while the job runs
   * @param files what the files were when the job was defined; empty when that is still to be found
   */
  public record Table(
      String name,
      @Nullable String topic,
      List<String> inputs,
      Schema schema,
      String key,
      @Nullable String time,
      String on,
      long idleAfter,
      boolean streamed,
      List<TableFile> files)
      implements Serializable {
    /**
     * The time of rows of a topic whose records name none in a field: their Kafka timestamp. Files
     * that stand for such a topic have it as a column.
     */
    public static final String RECORD_TIME = "record_timestamp";

    public Table {
      inputs = List.copyOf(inputs);
      files = List.copyOf(files);
    }

    /** One of files. */
    public Table(
        String name,
        String file,
        Schema schema,
        String key,
        @Nullable String time,
        String on,
        List<TableFile> files) {
      this(name, null, List.of(file), schema, key, time, on, 0, false, files);
    }

    /** Name by which expressions read one of its fields. */
    public String column(String field) {
      return name + "." + field;
    }

    /** The files with its rows, in words. */
    public String file() {
      return String.join(", ", inputs);
    }

    /** Whether the time of its rows is that of their records. */
    public boolean ofRecordTime() {
      return topic != null && RECORD_TIME.equals(time);
    }

    /** The schema that records are written with: without the time that is not in them. */
    public Schema written() {
      return ofRecordTime() ? without(schema, RECORD_TIME) : schema;
    }

    private static Schema without(Schema schema, String name) {
      List<Schema.Field> fields =
          schema.getFields().stream()
              .filter(field -> !field.name().equals(name))
              .map(field -> new Schema.Field(field, field.schema()))
              .toList();
      return Schema.createRecord(
          schema.getName(), schema.getDoc(), schema.getNamespace(), schema.isError(), fields);
    }

    /**
     * The same with rows of other files.
     *
     * @param andTopic whether rows still come from the topic
     */
    public Table of(List<String> others, boolean andTopic) {
      return new Table(name, topic, others, schema, key, time, on, idleAfter, andTopic, List.of());
    }

    /** The same, held to its files as they were read. */
    public Table of(List<TableFile> read) {
      return new Table(name, topic, inputs, schema, key, time, on, idleAfter, streamed, read);
    }
  }

  /**
   * A file of a reference table as it was read.
   *
   * @param sha256 of its bytes, hex
   */
  public record TableFile(String path, long rows, String sha256) implements Serializable {}

  /** What becomes of an event or a row that breaks a rule. */
  public enum Otherwise {
    /** It becomes a dead letter with the rule's name. */
    DEAD_LETTER,
    /** A value that is declared takes the place of the one that broke the rule. */
    DEFAULT,
    /** The job stops. */
    FAIL
  }

  /**
   * @param check CEL expression that holds for good events
   * @param otherwise never {@code DEFAULT}: there is no one value to replace
   */
  public record Rule(String check, Otherwise otherwise) implements Serializable {}

  /**
   * What holds for the values of an event field. Values are of the class that the field's type has;
   * timestamps are epoch milliseconds.
   *
   * @param required whether null breaks it; always where the event schema does not allow null
   * @param min least value, null for none
   * @param max greatest value, null for none
   * @param allowed all values that may be, empty for any
   * @param defaultValue what takes the place of a value that breaks it, for {@code DEFAULT} alone
   */
  public record FieldConstraint(
      boolean required,
      @Nullable Object min,
      @Nullable Object max,
      List<Object> allowed,
      Otherwise otherwise,
      @Nullable Object defaultValue)
      implements Serializable {
    public FieldConstraint {
      allowed = List.copyOf(allowed);
    }
  }

  /**
   * Least and greatest value of a feature, infinite where there is none; a missing value is never
   * out of them.
   *
   * @param replacement what takes the place of a value out of bounds, for {@code DEFAULT} alone
   */
  public record Bounds(double min, double max, Otherwise otherwise, double replacement)
      implements Serializable {}

  /**
   * @param field event field with the entity's key
   * @param resolution width of the tiles that its history is kept in, milliseconds; 0 for exact
   * @param keep how far back windows by events look, milliseconds; 0 when there are none
   */
  public record Entity(String name, String field, long resolution, long keep)
      implements Serializable {
    /** One with an exact history. */
    public Entity(String name, String field) {
      this(name, field, 0, 0);
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
      implements Serializable {
    /** What expressions of features of outcomes call the label, whatever the records call it. */
    public static final String LABEL = "label";
  }

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
    OUTCOMES("outcomes"),
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
    tables = List.copyOf(tables);
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
    return new PipelineDefinition(
        name,
        events,
        entities,
        more,
        model,
        registry,
        featureLog,
        carry,
        outcomes,
        drift,
        topics,
        tables);
  }

  /** The same pipeline with other tables. */
  public PipelineDefinition with(List<Table> others) {
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
        others);
  }

  /** The event's fields, then those of all tables by their qualified names. */
  public EventSchema joinedSchema() {
    return joinedSchema(new EventSchema(events.schema()), tables);
  }

  /** The same, of a pipeline that is still being read; no row may match, so fields may be null. */
  static EventSchema joinedSchema(EventSchema events, List<Table> tables) {
    List<EventSchema.Field> fields = new ArrayList<>();
    for (Table table : tables) {
      for (EventSchema.Field field : new EventSchema(table.schema()).fields()) {
        fields.add(
            new EventSchema.Field(table.column(field.name()), field.type(), true, field.schema()));
      }
    }
    return events.plus(fields);
  }

  /** Names of the features that aggregate outcomes, in order. */
  public List<String> featuresOfOutcomes() {
    return features.stream()
        .filter(feature -> feature instanceof WindowedFeature windowed && windowed.ofOutcomes())
        .map(Feature::name)
        .toList();
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

  private static boolean reads(Set<String> fields, Table table) {
    return table.schema().getFields().stream()
        .anyMatch(field -> fields.contains(table.column(field.name())));
  }

  /** Event and table fields that constraints, rules and features read, and the tables' keys. */
  private Set<String> readFields() {
    EventSchema schema = joinedSchema();
    ExpressionCompiler compiler = new ExpressionCompiler(schema);
    Set<String> fields = new LinkedHashSet<>(events.fields().keySet());
    events.rules().values().forEach(rule -> fields.addAll(compiler.truth(rule.check()).fields()));
    FeatureGraph graph = new FeatureGraph(schema, features);
    features.forEach(feature -> fields.addAll(graph.eventFields(feature)));
    tables.stream().filter(table -> reads(fields, table)).forEach(table -> fields.add(table.on()));
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
      if (topic != Topic.EVENTS && topic != Topic.OUTCOMES) {
        kinds.add(topic.suffix());
      }
    }
    return kinds;
  }
}
