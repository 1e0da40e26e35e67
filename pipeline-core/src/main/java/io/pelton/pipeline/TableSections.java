package io.pelton.pipeline;

import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import io.pelton.expression.ExpressionCompiler;
import io.pelton.pipeline.PipelineDefinition.Feature;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Reads what a pipeline file says of reference tables. */
final class TableSections {
  static final List<String> TABLE_KEYS =
      List.of("file", "topic", "schema", "key", "time", "on", "idle-after");

  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final String TIME = "time";
  private static final long DEFAULT_IDLE_AFTER = 1_000;
  private static final List<String> KINDS = List.of(".csv", ".json", ".jsonl", ".ndjson", ".avro");

  private TableSections() {}

  /**
   * Tables in the file's order.
   *
   * @param pipeline the pipeline file, which tables' files lie beside
   * @param schemas reads the schema that a section names
   */
  static List<Table> read(
      Section section, EventSchema events, Path pipeline, Function<Section, EventSchema> schemas) {
    List<Table> tables = new ArrayList<>();
    for (String name : section.keys()) {
      if (!NAME.matcher(name).matches()) {
        section.problem(
            name, "a table's name is letters, digits and underscores, and begins with no digit");
      } else if (name.equals(TIME) || events.indexOf(name) >= 0) {
        section.problem(
            name,
            "\"%s\" is also %s, so %s.field could mean either; rename the table"
                .formatted(
                    name, name.equals(TIME) ? "the event's time" : "a field of the events", name));
      }
      if (!section.isMapping(name)) {
        section.problem(
            name,
            "must be a mapping: {file: FILES, schema: FILE, key: FIELD, time: FIELD}, or with topic:"
                + " TOPIC in place of file");
        continue;
      }
      tables.add(table(name, section.section(name), events, pipeline, schemas));
    }
    return tables;
  }

  private static Table table(
      String name,
      Section body,
      EventSchema events,
      Path pipeline,
      Function<Section, EventSchema> schemas) {
    body.allow(TABLE_KEYS);
    boolean ofTopic = body.has("topic");
    String topic = ofTopic ? body.required("topic", "the Kafka topic with the table's rows") : "";
    TopicSection.check(body, "topic", topic);
    String file =
        ofTopic
            ? ""
            : body.required(
                "file",
                "the file with the table's rows, a path or glob relative to this one; for rows of a"
                    + " Kafka topic, topic: TOPIC");
    if (ofTopic && body.has("file")) {
      body.problem(
          "file",
          "a table is of files or of a topic, but both are given; leave one out (files in place of"
              + " the topic, as for a batch run, are given by --table)");
    }
    if (!ofTopic && body.has("idle-after")) {
      body.problem("idle-after", "is of tables of a topic; this one is of files, leave it out");
    }
    checkKind(body, file);
    EventSchema schema = schemas.apply(body);
    String key = body.required("key", "the field of the rows with their key");
    FieldProblems.noteMissing(body, "key", key, schema, "the table's schema");
    FieldProblems.noteNoKey(body, "key", key, schema);
    String time = body.text("time");
    if (time != null) {
      FieldProblems.noteMissing(body, "time", time, schema, "the table's schema");
      FieldProblems.noteNoTime(body, "time", time, schema);
    }
    String on = body.has("on") ? body.required("on", "the event's field with the key") : key;
    checkOn(body, on, key, events, schema);
    if (!ofTopic) {
      return new Table(
          name, beside(body, pipeline, file), schema.schema(), key, time, on, List.of());
    }
    return new Table(
        name,
        topic,
        List.of(),
        time == null ? withRecordTime(body, schema.schema()) : schema.schema(),
        key,
        time == null ? Table.RECORD_TIME : time,
        on,
        body.duration("idle-after", DEFAULT_IDLE_AFTER, 1),
        true,
        List.of());
  }

  /** Rows of a topic that name no time hold from the time of their records, one field more. */
  private static Schema withRecordTime(Section body, Schema schema) {
    if (schema.getField(Table.RECORD_TIME) != null) {
      body.problem(
          "schema",
          "has a field \"%s\", which without time: is the name of the record's Kafka timestamp; write time: %s if the field is the time from which a row holds, else rename it"
              .formatted(Table.RECORD_TIME, Table.RECORD_TIME));
      return schema;
    }
    List<Schema.Field> fields = new ArrayList<>();
    schema.getFields().forEach(field -> fields.add(new Schema.Field(field, field.schema())));
    fields.add(
        new Schema.Field(
            Table.RECORD_TIME,
            Schema.createUnion(
                Schema.create(Schema.Type.NULL),
                LogicalTypes.timestampMillis().addToSchema(Schema.create(Schema.Type.LONG))),
            null,
            Schema.Field.NULL_DEFAULT_VALUE));
    return Schema.createRecord(
        schema.getName(), schema.getDoc(), schema.getNamespace(), schema.isError(), fields);
  }

  /** Notes what reads fields that cannot travel to where rows of topics are joined. */
  static void checkTravels(
      Section ruleSection,
      Map<String, Rule> rules,
      Section featureSection,
      List<Feature> features,
      EventSchema joined) {
    ExpressionCompiler compiler = new ExpressionCompiler(joined);
    rules.forEach(
        (name, rule) ->
            checkTravels(ruleSection, name, compiler.truth(rule.check()).fields(), joined));
    FeatureGraph graph = new FeatureGraph(joined, features);
    for (Feature feature : features) {
      checkTravels(featureSection, feature.name(), graph.eventFields(feature), joined);
    }
  }

  private static void checkTravels(
      Section section, String key, Set<String> read, EventSchema joined) {
    for (String name : read) {
      int index = joined.indexOf(name);
      if (index >= 0 && joined.fields().get(index).type() == FieldType.OTHER) {
        section.problem(
            key,
            "reads field \"%s\", which is neither number, truth, text nor time; a pipeline with a table of a topic reads only such, for events travel to where the table's rows are: have the producer send what is needed of it in a field of its own"
                .formatted(name));
      }
    }
  }

  private static void checkKind(Section body, String file) {
    String name = file.toLowerCase(Locale.ROOT);
    String plain = name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
    if (!file.isEmpty() && KINDS.stream().noneMatch(plain::endsWith)) {
      body.problem(
          "file",
          "\""
              + file
              + "\" is of no kind that is known; names end in .csv, .json, .jsonl, .ndjson or"
              + " .avro, and .gz");
    }
  }

  /** The key in the event, written as in the table: 7 and "007" would never meet. */
  private static void checkOn(
      Section body, String on, String key, EventSchema events, EventSchema schema) {
    boolean keyIsWrong = !body.has("on") && schema.indexOf(key) < 0;
    if (on.isEmpty() || events.fields().isEmpty() || keyIsWrong) {
      return;
    }
    String where = body.has("on") ? "on" : "key";
    if (events.indexOf(on) < 0) {
      List<String> names = events.fields().stream().map(EventSchema.Field::name).toList();
      body.problem(
          where,
          "the event schema has no field \""
              + on
              + "\" to join by"
              + Names.suggest(on, names)
              + (body.has("on") ? "" : "; name the event's field with the key: on: FIELD"));
      return;
    }
    FieldType type = events.fields().get(events.indexOf(on)).type();
    FieldType keyType = type(schema, key);
    if (keyType != null && keyType != type) {
      body.problem(
          where,
          "the event's field \"%s\" is of type %s, the table's key \"%s\" of type %s; they must be of one type to meet"
              .formatted(on, type, key, keyType));
    }
  }

  private static @Nullable FieldType type(EventSchema schema, String field) {
    int index = schema.indexOf(field);
    return index < 0 ? null : schema.fields().get(index).type();
  }

  private static String beside(Section body, Path pipeline, String file) {
    if (file.isEmpty() || file.contains("://")) {
      return file;
    }
    try {
      return pipeline.toAbsolutePath().resolveSibling(file).normalize().toString();
    } catch (InvalidPathException e) {
      body.problem(
          "file", "\"" + file.replace("\0", "\\0") + "\" is no file name (" + e.getReason() + ")");
      return file;
    }
  }

  /** Notes tables that are named as a feature is. */
  static void checkColumns(Section section, List<Feature> features) {
    for (Feature feature : features) {
      for (String column : feature.columns()) {
        if (section.has(column)) {
          section.problem(column, "is also a column of feature " + feature.name() + "; rename one");
        }
      }
    }
  }
}
