package io.pelton.pipeline;

import io.pelton.aggregate.AggregateExtension;
import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import io.pelton.expression.ExpressionCompiler;
import io.pelton.expression.ExpressionException;
import io.pelton.expression.Functions;
import io.pelton.pipeline.PipelineDefinition.Aggregate;
import io.pelton.pipeline.PipelineDefinition.Device;
import io.pelton.pipeline.PipelineDefinition.Drift;
import io.pelton.pipeline.PipelineDefinition.Entity;
import io.pelton.pipeline.PipelineDefinition.EventFormat;
import io.pelton.pipeline.PipelineDefinition.Events;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.Function;
import io.pelton.pipeline.PipelineDefinition.Late;
import io.pelton.pipeline.PipelineDefinition.Model;
import io.pelton.pipeline.PipelineDefinition.Outcomes;
import io.pelton.pipeline.PipelineDefinition.Persistence;
import io.pelton.pipeline.PipelineDefinition.RowFeature;
import io.pelton.pipeline.PipelineDefinition.Source;
import io.pelton.pipeline.PipelineDefinition.Table;
import io.pelton.pipeline.PipelineDefinition.Topic;
import io.pelton.pipeline.PipelineDefinition.Window;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import io.pelton.registry.Registry;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads pipeline files. */
public final class PipelineFile {
  private static final Pattern PIPELINE_NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,99}");
  private static final Pattern AVRO_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final Pattern TOPIC_NAME = Pattern.compile("[A-Za-z0-9._-]{1,249}");
  private static final Pattern LAST_EVENTS = Pattern.compile("last-([1-9]\\d{0,5})");
  private static final int MOST_HALF_LIVES = 1_000;
  private static final long DEFAULT_MAX_AHEAD = 86_400_000;
  private static final long DEFAULT_IDLE_AFTER = 30_000;

  static final List<String> KEYS =
      List.of(
          "pipeline",
          "events",
          "tables",
          "entities",
          "features",
          "model",
          "registry",
          "feature-log",
          "carry",
          "outcomes",
          "drift",
          "topics");
  static final List<String> EVENT_KEYS =
      List.of(
          "topic",
          "format",
          "schema",
          "id",
          "time",
          "out-of-orderness",
          "max-ahead",
          "idle-after",
          "late",
          "deduplicate",
          "rules",
          "fields");
  static final List<String> DEDUPLICATE_KEYS = List.of("within");
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
  static final List<String> ENTITY_KEYS = List.of("key", "resolution", "keep");
  static final List<String> MODEL_KEYS = List.of("name", "features", "batch", "device");
  static final List<String> BATCH_KEYS = List.of("max-size", "max-delay");
  static final List<String> OUTCOME_KEYS = List.of("topic", "id", "time", "label", "within");
  static final List<String> DRIFT_KEYS =
      List.of(
          "window",
          "allowed-lateness",
          "thresholds",
          "false-discovery-rate",
          "minimum-count",
          "persistence",
          "edges");
  static final List<String> THRESHOLD_KEYS = List.of("psi", "ks");
  static final List<String> PERSISTENCE_KEYS = List.of("windows", "of");

  private final Path path;
  private final List<Problem> problems = new ArrayList<>();

  private PipelineFile(Path path) {
    this.path = path;
  }

  /**
   * Reads and validates a pipeline file; the event schema is looked for beside it.
   *
   * @throws InvalidPipelineException with every problem found
   */
  public static PipelineDefinition read(Path path) throws InvalidPipelineException {
    PipelineFile file = new PipelineFile(path);
    PipelineDefinition pipeline = file.parse();
    if (!file.problems.isEmpty() || pipeline == null) {
      file.problems.sort(Comparator.comparingInt(Problem::line));
      throw new InvalidPipelineException(file.problems);
    }
    return pipeline;
  }

  private @Nullable PipelineDefinition parse() {
    Node root;
    try {
      root =
          new Compose(LoadSettings.builder().setUseMarks(true).setLabel(path.toString()).build())
              .composeString(Files.readString(path))
              .orElse(null);
    } catch (CharacterCodingException e) {
      note(0, "", "is not UTF-8 text; save it as UTF-8");
      return null;
    } catch (IOException e) {
      note(0, "", "cannot be read: " + reason(e));
      return null;
    } catch (StackOverflowError e) {
      note(0, "", "is nested too deeply; a pipeline needs no more than a handful of levels");
      return null;
    } catch (MarkedYamlEngineException e) {
      note(
          e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(0),
          "",
          "is no YAML: " + e.getProblem());
      return null;
    } catch (YamlEngineException e) {
      note(0, "", "is no YAML: " + e.getMessage());
      return null;
    }
    if (root == null) {
      note(0, "", "is empty; it must at least name the pipeline, its events and its features");
      return null;
    }
    String broken = brokenExtension();
    if (broken != null) {
      note(0, "", broken);
      return null;
    }
    Section file = new Section(path.toString(), problems, "", root);
    file.allow(KEYS);
    String name = file.required("pipeline", "the pipeline's name, which its topics begin with");
    if (!name.isEmpty() && !PIPELINE_NAME.matcher(name).matches()) {
      file.problem(
          "pipeline",
          "\"" + name + "\" must be lower-case letters, digits, dots, dashes and underscores");
    }
    for (String section : List.of("events", "features")) {
      if (!file.has(section)) {
        note(1, section, "the section is missing");
      }
    }
    Section eventSection = file.section("events");
    EventSchema schema =
        schema(eventSection, "the Avro schema of the events, a file beside this one");
    List<Entity> entities = entities(file.section("entities"), schema);
    Section tableSection = file.section("tables");
    List<Table> tables = tables(tableSection, schema);
    // Without event fields no expression is checked.
    EventSchema joined =
        schema.fields().isEmpty() ? schema : PipelineDefinition.joinedSchema(schema, tables);
    Events events = events(eventSection, entities, schema, joined);
    Section featureSection = file.section("features");
    List<Feature> features = features(featureSection, entities, events.id(), joined);
    TableSections.checkColumns(tableSection, features);
    if (problems.isEmpty() && tables.stream().anyMatch(Table::streamed)) {
      TableSections.checkTravels(
          eventSection.section("rules"), events.rules(), featureSection, features, joined);
    }
    List<String> carry = file.texts("carry");
    Set<String> carried = new HashSet<>();
    for (String field : carry) {
      checkField(file, "carry", field, schema);
      if (!carried.add(field)) {
        file.problem("carry", "\"" + field + "\" is given twice; name it once");
      }
    }
    Model model = file.has("model") ? model(file.section("model"), features) : null;
    Section outcomeSection = file.section("outcomes");
    Outcomes outcomes = file.has("outcomes") ? outcomes(outcomeSection) : null;
    if (outcomes != null) {
      OutcomeProblems.note(outcomeSection);
    } else {
      OutcomeProblems.noteMissing(featureSection, features);
    }
    Drift drift = file.has("drift") ? drift(file.section("drift")) : null;
    if (drift != null && model == null) {
      file.problem("drift", "needs a model section: drift is measured on what the model scored");
    }
    String registry =
        file.has("registry")
            ? file.required(
                "registry",
                "the model registry's directory; leave the key out to give it by --registry")
            : null;
    String featureLog =
        file.has("feature-log")
            ? file.required(
                "feature-log",
                "the directory that feature rows are logged to; leave the key out to log none")
            : null;
    Section topicSection = file.section("topics");
    Map<String, String> topics = topics(topicSection);
    PipelineDefinition pipeline =
        new PipelineDefinition(
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
            tables);
    checkTopicsDiffer(pipeline, eventSection, topicSection, outcomeSection, tableSection);
    return pipeline;
  }

  /** What is wrong with aggregates and functions that the class path brings, null for nothing. */
  private static @Nullable String brokenExtension() {
    try {
      Functions.ofClassPath();
      return AggregateExtension.clash(
          AggregateExtension.all(),
          Stream.of(Function.values())
              .filter(function -> function != Function.EXTENSION)
              .map(Function::label)
              .toList());
    } catch (ExpressionException e) {
      return e.getMessage();
    } catch (ServiceConfigurationError e) {
      return "an aggregate of the class path cannot be used: " + e.getMessage();
    }
  }

  /** Notes two topics of one name at the key that can mend it. */
  private static void checkTopicsDiffer(
      PipelineDefinition pipeline,
      Section events,
      Section topics,
      Section outcomes,
      Section tables) {
    Map<String, Topic> owners = new HashMap<>();
    for (Topic kind : Topic.values()) {
      if (kind == Topic.OUTCOMES) {
        continue; // below: their topic may be that of the events
      }
      String topic = pipeline.topic(kind);
      Topic owner = topic.isEmpty() ? null : owners.putIfAbsent(topic, kind);
      if (owner != null) {
        boolean kindIsSet = pipeline.topics().containsKey(kind.suffix());
        Topic told = kindIsSet ? kind : owner;
        Topic other = kindIsSet ? owner : kind;
        (told == Topic.EVENTS ? events : topics)
            .problem(told == Topic.EVENTS ? "topic" : told.suffix(), clash(topic, other));
      }
    }
    if (pipeline.outcomes() != null) {
      String topic = pipeline.outcomes().topic();
      Topic owner = owners.get(topic);
      if (owner != null && (owner != Topic.EVENTS || !pipeline.featuresOfOutcomes().isEmpty())) {
        outcomes.problem("topic", clash(topic, owner));
      }
      owners.putIfAbsent(topic, Topic.OUTCOMES);
    }
    // Two tables may be of one topic: the same rows, joined by two fields of the event.
    for (Table table : pipeline.tables()) {
      String topic = table.topic();
      Topic owner = topic == null ? null : owners.get(topic);
      if (topic != null && owner != null) {
        tables.section(table.name()).problem("topic", clash(topic, owner));
      }
    }
  }

  private static String clash(String topic, Topic other) {
    return "\"" + topic + "\" is also the topic of " + other.suffix() + "; each needs its own";
  }

  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "the file does not exist";
    }
    return e instanceof AccessDeniedException ? "access is denied" : String.valueOf(e.getMessage());
  }

  private void note(int line, String key, String message) {
    problems.add(new Problem(path.toString(), line, key, message));
  }

  private List<Table> tables(Section section, EventSchema events) {
    return TableSections.read(
        section,
        events,
        path,
        table -> schema(table, "the Avro schema of the table's rows, a file beside this one"));
  }

  /**
   * The record schema that a section names.
   *
   * @return one without fields when it cannot be read; that is a problem noted
   */
  private EventSchema schema(Section section, String what) {
    Schema fallback = Schema.createRecord("Unknown", null, null, false, List.of());
    String file = section.required("schema", what);
    if (file.isEmpty()) {
      return new EventSchema(fallback);
    }
    try {
      Path schemaPath = path.toAbsolutePath().resolveSibling(file);
      EventSchema schema = new EventSchema(new Schema.Parser().parse(Files.readString(schemaPath)));
      if (schema.fields().isEmpty()) {
        section.problem(
            "schema", "\"" + file + "\" has no fields; it must have those that this section names");
      }
      return schema;
    } catch (InvalidPathException e) {
      section.problem(
          "schema",
          "\""
              + file.replace("\0", "\\0")
              + "\" is no file name ("
              + e.getReason()
              + "); name the Avro schema beside this file");
    } catch (NoSuchFileException e) {
      section.problem(
          "schema", "file " + file + " does not exist; it is looked for beside this file");
    } catch (CharacterCodingException e) {
      section.problem("schema", "\"" + file + "\" is not UTF-8 text; save it as UTF-8");
    } catch (IOException e) {
      section.problem("schema", "\"" + file + "\" cannot be read: " + reason(e));
    } catch (AvroRuntimeException | IllegalArgumentException e) {
      section.problem("schema", "\"" + file + "\" is no Avro record schema: " + e.getMessage());
    }
    return new EventSchema(fallback);
  }

  private static void checkField(Section section, String key, String field, EventSchema schema) {
    checkField(section, key, field, schema, "the event schema");
  }

  static void checkField(
      Section section, String key, String field, EventSchema schema, String what) {
    if (!field.isEmpty() && !schema.fields().isEmpty() && schema.indexOf(field) < 0) {
      section.problem(
          key,
          what
              + " has no field \""
              + field
              + "\""
              + Names.suggest(
                  field, schema.fields().stream().map(EventSchema.Field::name).toList()));
    }
  }

  /** An id or key must have one text form that every format and system writes alike. */
  static void checkKey(Section section, String key, String field, EventSchema schema) {
    int index = schema.indexOf(field);
    if (index >= 0) {
      FieldType type = schema.fields().get(index).type();
      if (type != FieldType.STRING && type != FieldType.INT) {
        section.problem(
            key, "field \"" + field + "\" must be a text, int or long, but is of type " + type);
      }
    }
  }

  static void checkTime(Section section, String key, String field, EventSchema schema) {
    int index = schema.indexOf(field);
    if (index >= 0) {
      FieldType type = schema.fields().get(index).type();
      if (type != FieldType.TIMESTAMP && type != FieldType.INT && type != FieldType.STRING) {
        section.problem(
            key,
            "field \""
                + field
                + "\" must be a timestamp, epoch millis or ISO 8601 text, but is "
                + type);
      }
    }
  }

  private static Events events(
      Section section, List<Entity> entities, EventSchema schema, EventSchema joined) {
    section.allow(EVENT_KEYS);
    String topic = section.required("topic", "the Kafka topic with the events");
    checkTopic(section, "topic", topic);
    String id = section.required("id", "the field with the event's id");
    checkField(section, "id", id, schema);
    checkKey(section, "id", id, schema);
    String time = section.required("time", "the field with the event's time");
    checkField(section, "time", time, schema);
    checkTime(section, "time", time, schema);
    Long outOfOrderness = section.duration("out-of-orderness");
    long maxAhead = section.duration("max-ahead", DEFAULT_MAX_AHEAD, 1);
    long idleAfter = section.duration("idle-after", DEFAULT_IDLE_AFTER, 1);
    Map<String, String> identity = new HashMap<>();
    entities.forEach(entity -> identity.put(entity.field(), "the key of entity " + entity.name()));
    identity.put(time, "the event's time");
    identity.put(id, "the event's id");
    return new Events(
        topic,
        section.choice("format", EventFormat.AVRO, EventFormat.class),
        schema.schema(),
        id,
        time,
        outOfOrderness,
        maxAhead,
        idleAfter,
        ConstraintSections.rules(section.section("rules"), joined),
        ConstraintSections.fields(section.section("fields"), identity, schema),
        section.choice("late", Late.SIDE_OUTPUT, Late.class),
        section.has("deduplicate") ? duplicatesWithin(section.section("deduplicate")) : null);
  }

  private static long duplicatesWithin(Section section) {
    section.allow(DEDUPLICATE_KEYS);
    if (section.present() && !section.has("within")) {
      section.problem(
          "within", "is missing: how far apart, in event time, events of one id are duplicates");
    }
    return section.duration("within", 1, 1);
  }

  static void checkTopic(Section section, String key, String topic) {
    if (topic.equals(".") || topic.equals("..")) {
      section.problem(key, "Kafka refuses a topic named \"" + topic + "\"; choose another name");
    } else if (!topic.isEmpty() && !TOPIC_NAME.matcher(topic).matches()) {
      section.problem(
          key, "\"" + topic + "\" is no topic name: letters, digits, dots, dashes and underscores");
    }
  }

  private static List<Entity> entities(Section section, EventSchema schema) {
    List<Entity> entities = new ArrayList<>();
    for (String name : section.keys()) {
      if (section.isMapping(name)) {
        Section body = section.section(name);
        body.allow(ENTITY_KEYS);
        String field = body.required("key", "the event field with the entity's key");
        checkField(body, "key", field, schema);
        checkKey(body, "key", field, schema);
        entities.add(
            new Entity(
                name, field, body.duration("resolution", 0, 1), body.duration("keep", 0, 1)));
      } else {
        String field = section.required(name, "the event field with the entity's key");
        checkField(section, name, field, schema);
        checkKey(section, name, field, schema);
        entities.add(new Entity(name, field, 0, 0));
      }
    }
    return entities;
  }

  private static List<Feature> features(
      Section section, List<Entity> entities, String id, EventSchema schema) {
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
      sections.forEach((feature, body) -> checkExpressions(feature, body, graph));
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

  private static void checkExpressions(Feature feature, Section body, FeatureGraph graph) {
    ExpressionCompiler compiler = graph.compiler(feature);
    if (feature instanceof RowFeature row) {
      check(body, "value", row.value(), compiler::number);
      List<String> cycle = graph.cycle(feature);
      if (!cycle.isEmpty()) {
        body.problem("value", "reads itself: " + String.join(" -> ", cycle));
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
        check(body, "aggregate", input, anything ? compiler::scalar : compiler::number);
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
      checkField(body, "by", by, schema);
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
    if (!body.has("windows")) {
      body.problem(
          "windows", "is missing: a list of widths, [1d, 7d], or of last events, [last-10]");
    }
    for (String label : body.texts("windows")) {
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
    if (body.has("windows") && windows.isEmpty()) {
      body.problem("windows", "must not be empty");
    }
    return List.copyOf(windows.values());
  }

  private static Model model(Section section, List<Feature> features) {
    section.allow(MODEL_KEYS);
    String name = section.required("name", "the model's name in the registry");
    if (!name.isBlank() && !Registry.MODEL_NAME.matcher(name).matches()) {
      section.problem(
          "name",
          "\"" + name + "\" must be letters, digits, '.', '_' and '-', a letter or digit first");
    }
    Set<String> columns = new LinkedHashSet<>();
    features.forEach(feature -> columns.addAll(feature.columns()));
    List<String> inputs = section.texts("features");
    boolean all = inputs.isEmpty() || inputs.equals(List.of("all"));
    if (section.has("features") && inputs.isEmpty()) {
      section.problem("features", "must not be empty: all, or a list of features");
    }
    Set<String> seen = new LinkedHashSet<>();
    for (String input : all ? List.<String>of() : inputs) {
      if (!columns.contains(input)) {
        section.problem(
            "features",
            "the pipeline has no feature \"" + input + "\"" + Names.suggest(input, columns));
      }
      if (!seen.add(input)) {
        section.problem("features", "\"" + input + "\" is given twice");
      }
    }
    Section batch = section.section("batch");
    batch.allow(BATCH_KEYS);
    return new Model(
        name,
        all ? null : List.copyOf(inputs),
        (int) batch.whole("max-size", 256, 1, 65_536),
        batch.duration("max-delay", 5, 1),
        section.choice("device", Device.PREFER_GPU, Device.class));
  }

  private static Outcomes outcomes(Section section) {
    section.allow(OUTCOME_KEYS);
    String topic = section.required("topic", "the Kafka topic with the outcomes");
    checkTopic(section, "topic", topic);
    String label = section.required("label", "the field with the label");
    return new Outcomes(
        topic,
        section.required("id", "the field with the event's id"),
        section.required("time", "the field with the time from which the label was known"),
        label,
        section.duration("within", 30L * 86_400_000, 1));
  }

  private static Drift drift(Section section) {
    section.allow(DRIFT_KEYS);
    Section thresholds = section.section("thresholds");
    thresholds.allow(THRESHOLD_KEYS);
    Section persistence = section.section("persistence");
    persistence.allow(PERSISTENCE_KEYS);
    int windows = (int) persistence.whole("windows", 2, 1, 1_000);
    int of = (int) persistence.whole("of", Math.max(3, windows), 1, 1_000);
    if (windows > of) {
      persistence.problem("windows", windows + " of the last " + of + " windows can never be");
    }
    if (!section.has("window")) {
      section.problem("window", "is missing: the width of a drift window, 1h");
    }
    return new Drift(
        section.duration("window", 3_600_000, 1_000),
        section.duration("allowed-lateness", 60_000, 0),
        thresholds.number("psi", 0.2, 0, 1_000),
        thresholds.number("ks", 0.1, 0, 1),
        section.number("false-discovery-rate", 0.05, 1e-12, 1),
        section.whole("minimum-count", 200, 1, Long.MAX_VALUE),
        new Persistence(windows, of),
        (int) section.whole("edges", 2_048, 16, 1_000_000));
  }

  private static Map<String, String> topics(Section section) {
    List<String> kinds = List.copyOf(PipelineDefinition.topicKinds());
    section.allow(kinds);
    Map<String, String> topics = new LinkedHashMap<>();
    for (String kind : section.keys()) {
      String topic = section.required(kind, "a topic's name");
      checkTopic(section, kind, topic);
      topics.put(kind, topic);
    }
    return topics;
  }
}
