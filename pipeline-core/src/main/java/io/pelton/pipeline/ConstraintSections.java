package io.pelton.pipeline;

import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import io.pelton.expression.ExpressionCompiler;
import io.pelton.expression.ExpressionException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads what a pipeline file says of good events and features, and of what becomes of others. */
final class ConstraintSections {
  static final List<String> RULE_KEYS = List.of("check", "otherwise");
  static final List<String> FIELD_KEYS =
      List.of("required", "min", "max", "allowed", "otherwise", "default");

  /** Java takes more for a number, such as the duration 1d. */
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][-+]?\\d+)?");

  private static final Set<String> RESERVED = Set.of("fields.", "features.");

  private ConstraintSections() {}

  /** Rules by name: an expression, or a mapping with its policy. */
  static Map<String, Rule> rules(Section section, EventSchema schema) {
    ExpressionCompiler compiler = new ExpressionCompiler(schema);
    Map<String, Rule> rules = new LinkedHashMap<>();
    for (String name : section.keys()) {
      if (RESERVED.stream().anyMatch(name::startsWith)) {
        section.problem(
            name,
            "a rule's name begins neither with fields. nor with features.: those name the"
                + " rules of constraints and bounds");
      }
      Section body = section;
      String key = name;
      Otherwise otherwise = Otherwise.DEAD_LETTER;
      if (section.isMapping(name)) {
        body = section.section(name);
        key = "check";
        body.allow(RULE_KEYS);
        otherwise = body.choice("otherwise", Otherwise.DEAD_LETTER, Otherwise.class);
        if (otherwise == Otherwise.DEFAULT) {
          body.problem(
              "otherwise",
              "a rule has no value of its own that a default could replace; write dead-letter or"
                  + " fail, or give the field a default under events.fields");
        }
      }
      String source = body.required(key, "a CEL expression that holds for good events");
      if (!source.isEmpty() && !schema.fields().isEmpty()) {
        try {
          compiler.truth(source);
        } catch (ExpressionException e) {
          body.problem(key, String.valueOf(e.getMessage()));
        }
      }
      rules.put(name, new Rule(source, otherwise));
    }
    return rules;
  }

  /**
   * Constraints by field.
   *
   * @param identity fields whose values say which event or whose it is, and what they are
   */
  static Map<String, FieldConstraint> fields(
      Section section, Map<String, String> identity, EventSchema schema) {
    Map<String, FieldConstraint> constraints = new LinkedHashMap<>();
    for (String name : section.keys()) {
      Section body = section.section(name);
      body.allow(FIELD_KEYS);
      int index = schema.indexOf(name);
      if (index >= 0) {
        EventSchema.Field field = schema.fields().get(index);
        constraints.put(name, field(body, field, identity.get(name)));
      } else if (!schema.fields().isEmpty()) {
        section.problem(
            name,
            "the event schema has no field \"%s\"%s"
                .formatted(
                    name,
                    Names.suggest(
                        name, schema.fields().stream().map(EventSchema.Field::name).toList())));
      }
    }
    return constraints;
  }

  private static FieldConstraint field(
      Section body, EventSchema.Field field, @Nullable String identity) {
    boolean required = body.truth("required", !field.nullable());
    if (!required && !field.nullable()) {
      body.problem("required", "must be true: the event schema does not allow null");
    }
    FieldType type = field.type();
    boolean ordered =
        type == FieldType.INT || type == FieldType.DOUBLE || type == FieldType.TIMESTAMP;
    boolean listed = type == FieldType.STRING || type == FieldType.INT || type == FieldType.BOOLEAN;
    for (String key : List.of("min", "max")) {
      if (body.has(key) && !ordered) {
        body.problem(
            key, "goes with numbers and times, but field \"" + field.name() + "\" is " + type);
      } else if (body.has(key) && body.has("allowed") && listed) {
        body.problem(key, "does not go with allowed, which names every value already");
      }
    }
    if (body.has("allowed") && !listed) {
      body.problem(
          "allowed",
          "goes with texts, whole numbers and booleans, but field \"%s\" is %s%s"
              .formatted(field.name(), type, ordered ? "; use min and max" : ""));
    }
    Object min = ordered ? value(body, "min", body.text("min"), field) : null;
    Object max = ordered ? value(body, "max", body.text("max"), field) : null;
    if (min != null && max != null && compare(min, max) > 0) {
      body.problem("min", body.text("min") + " is more than max, " + body.text("max"));
    }
    List<Object> allowed = listed ? allowed(body, field) : List.of();
    boolean anything = body.has("min") || body.has("max") || body.has("allowed");
    if (!anything && !required) {
      body.problem("constrains nothing; give required: true, min, max or allowed");
    }
    Otherwise otherwise = otherwise(body);
    Object replacement = null;
    if (otherwise == Otherwise.DEFAULT && identity != null) {
      body.problem(
          "otherwise",
          "default does not go with %s: different events would be taken for one another's; write dead-letter or fail"
              .formatted(identity));
    } else if (otherwise == Otherwise.DEFAULT && type == FieldType.OTHER) {
      body.problem(
          "otherwise",
          "default does not go with field \""
              + field.name()
              + "\", which is no number, text, boolean or time; write dead-letter or fail");
    } else if (otherwise == Otherwise.DEFAULT) {
      replacement = value(body, "default", body.text("default"), field);
      if (replacement != null
          && ((min != null && compare(replacement, min) < 0)
              || (max != null && compare(replacement, max) > 0)
              || (!allowed.isEmpty() && !allowed.contains(replacement)))) {
        body.problem(
            "default", "\"" + body.text("default") + "\" breaks the constraint that it mends");
      }
    }
    return new FieldConstraint(required, min, max, allowed, otherwise, replacement);
  }

  @SuppressWarnings("unchecked")
  private static int compare(Object a, Object b) {
    return ((Comparable<Object>) a).compareTo(b);
  }

  private static List<Object> allowed(Section body, EventSchema.Field field) {
    Set<Object> allowed = new LinkedHashSet<>();
    for (String text : body.someTexts("allowed", "a list of values")) {
      Object value = value(body, "allowed", text, field);
      if (value != null && !allowed.add(value)) {
        body.problem("allowed", "\"" + text + "\" is given twice");
      }
    }
    return new ArrayList<>(allowed);
  }

  /** The policy, noted as a problem when it and the default do not go together. */
  private static Otherwise otherwise(Section body) {
    Otherwise otherwise = body.choice("otherwise", Otherwise.DEAD_LETTER, Otherwise.class);
    if (otherwise == Otherwise.DEFAULT && !body.has("default")) {
      body.problem("default", "is missing: the value to take instead, for otherwise: default");
    }
    if (otherwise != Otherwise.DEFAULT && body.has("default")) {
      body.problem("default", "is never used; add otherwise: default, or leave it out");
    }
    return otherwise;
  }

  /** A text of the file as a value of a field's type, null when it is none. */
  private static @Nullable Object value(
      Section body, String key, @Nullable String text, EventSchema.Field field) {
    if (text == null) {
      return null;
    }
    String wanted;
    switch (field.type()) {
      case BOOLEAN -> {
        if (text.equals("true") || text.equals("false")) {
          return text.equals("true");
        }
        wanted = "neither true nor false";
      }
      case INT -> {
        try {
          return Long.parseLong(text);
        } catch (NumberFormatException e) {
          wanted = "no whole number";
        }
      }
      case DOUBLE -> {
        Double number = number(text);
        if (number != null) {
          return number;
        }
        wanted = "no number";
      }
      case TIMESTAMP -> {
        try {
          return EventSchema.parseTime(text);
        } catch (EventFormatException e) {
          wanted = "no time: write ISO 8601 (2018-04-01T00:00:31Z) or epoch millis";
        }
      }
      case STRING -> {
        if (field.symbols().isEmpty() || field.symbols().contains(text)) {
          return text;
        }
        wanted = "no symbol of the field's enum" + Names.suggest(text, field.symbols());
      }
      default -> {
        return null;
      }
    }
    body.problem(
        key,
        "\"%s\" is %s, but field \"%s\" is %s".formatted(text, wanted, field.name(), field.type()));
    return null;
  }

  private static @Nullable Double number(String text) {
    if (!NUMBER.matcher(text).matches()) {
      return null;
    }
    double number = Double.parseDouble(text);
    return Double.isFinite(number) ? number : null;
  }

  /**
   * Bounds of a feature, null when it has none.
   *
   * @param windowed whether a default is also the value of an empty window
   */
  static @Nullable Bounds bounds(Section body) {
    boolean bounded = body.has("min") || body.has("max");
    if (!bounded) {
      if (body.has("otherwise")) {
        body.problem("otherwise", "says what becomes of values out of bounds; give min or max");
      }
      return null;
    }
    Double least = bound(body, "min");
    Double most = bound(body, "max");
    double min = least == null ? Double.NEGATIVE_INFINITY : least;
    double max = most == null ? Double.POSITIVE_INFINITY : most;
    if (min > max) {
      body.problem("min", body.text("min") + " is more than max, " + body.text("max"));
    }
    Otherwise otherwise =
        body.has("default")
            ? body.choice("otherwise", Otherwise.DEAD_LETTER, Otherwise.class)
            : otherwise(body);
    // The default was read, and is told of, with the rest of the feature.
    String whenMissing = body.text("default");
    Double replacement = whenMissing == null ? null : number(whenMissing);
    if (replacement != null && (replacement < min || replacement > max)) {
      body.problem(
          "default", "\"" + body.text("default") + "\" is out of the feature's own bounds");
    }
    return new Bounds(min, max, otherwise, replacement == null ? 0 : replacement);
  }

  private static @Nullable Double bound(Section body, String key) {
    String text = body.text(key);
    Double number = text == null ? null : number(text);
    if (text != null && number == null) {
      body.problem(key, "\"" + text + "\" is no number");
    }
    return number;
  }
}
