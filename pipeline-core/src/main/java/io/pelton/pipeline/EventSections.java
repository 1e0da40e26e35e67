package io.pelton.pipeline;

import io.pelton.event.EventSchema;
import io.pelton.pipeline.PipelineDefinition.Entity;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads what a pipeline file says of events, and of the entities that they are of. */
final class EventSections {
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
  static final List<String> ENTITY_KEYS = List.of("key", "resolution", "keep");

  private static final long DEFAULT_MAX_AHEAD = 86_400_000;
  private static final long DEFAULT_IDLE_AFTER = 30_000;

  private EventSections() {}

  /**
   * The events.
   *
   * @param joined the schema with the fields of tables, which rules may read
   */
  static Events events(
      Section section, List<Entity> entities, EventSchema schema, EventSchema joined) {
    section.allow(EVENT_KEYS);
    String topic = section.required("topic", "the Kafka topic with the events");
    TopicSection.check(section, "topic", topic);
    String id = section.required("id", "the field with the event's id");
    FieldProblems.noteMissing(section, "id", id, schema);
    FieldProblems.noteNoKey(section, "id", id, schema);
    String time = section.required("time", "the field with the event's time");
    FieldProblems.noteMissing(section, "time", time, schema);
    FieldProblems.noteNoTime(section, "time", time, schema);
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

  /** Entities in the file's order. */
  static List<Entity> entities(Section section, EventSchema schema) {
    List<Entity> entities = new ArrayList<>();
    for (String name : section.keys()) {
      if (section.isMapping(name)) {
        Section body = section.section(name);
        body.allow(ENTITY_KEYS);
        String field = body.required("key", "the event field with the entity's key");
        FieldProblems.noteMissing(body, "key", field, schema);
        FieldProblems.noteNoKey(body, "key", field, schema);
        entities.add(
            new Entity(
                name, field, body.duration("resolution", 0, 1), body.duration("keep", 0, 1)));
      } else {
        String field = section.required(name, "the event field with the entity's key");
        FieldProblems.noteMissing(section, name, field, schema);
        FieldProblems.noteNoKey(section, name, field, schema);
        entities.add(new Entity(name, field, 0, 0));
      }
    }
    return entities;
  }
}
