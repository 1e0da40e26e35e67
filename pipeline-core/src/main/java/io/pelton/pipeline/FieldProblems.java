package io.pelton.pipeline;

import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;

/** What can be wrong with a field that a section names: it is missing, or of a wrong type. */
final class FieldProblems {
  private FieldProblems() {}

  /** Notes a field that the event schema lacks. */
  static void noteMissing(Section section, String key, String field, EventSchema schema) {
    noteMissing(section, key, field, schema, "the event schema");
  }

  /**
   * Notes a field that a schema lacks.
   *
   * @param what the schema, in words
   */
  static void noteMissing(
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

  /**
   * Notes one that cannot be an id or key: they must have one text form that every format and
   * system writes alike.
   */
  static void noteNoKey(Section section, String key, String field, EventSchema schema) {
    int index = schema.indexOf(field);
    if (index >= 0) {
      FieldType type = schema.fields().get(index).type();
      if (type != FieldType.STRING && type != FieldType.INT) {
        section.problem(
            key, "field \"" + field + "\" must be a text, int or long, but is of type " + type);
      }
    }
  }

  /** Notes one that cannot be a time. */
  static void noteNoTime(Section section, String key, String field, EventSchema schema) {
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
}
