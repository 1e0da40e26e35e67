package io.pelton.feature;

import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import io.pelton.pipeline.FieldConstraint;
import io.pelton.pipeline.Otherwise;
import io.pelton.pipeline.PipelineDefinition;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The constraints on an event's fields, each made into one comparison of its type. A field that the
 * pipeline reads and whose schema does not allow null is required without a word in the file: JSON
 * and CSV could leave it out where Avro could not.
 */
final class Constraints {
  private static final String REQUIRED = "required";
  private static final String MIN = "min";
  private static final String MAX = "max";
  private static final String ALLOWED = "allowed";

  private final Field[] fields;

  /** Finds what a value breaks: the constraint's key, null for nothing. */
  @FunctionalInterface
  private interface Check {
    @Nullable String broken(Object value);
  }

  /** A field of the event and what holds for it. */
  private record Field(
      int index,
      EventSchema.Field declared,
      boolean required,
      @Nullable Check check,
      FieldConstraint constraint) {}

  /**
   * @param read names of the fields that rules, features and carry read, and that nothing else
   *     checks
   */
  Constraints(PipelineDefinition pipeline, EventSchema schema, Set<String> read) {
    Map<String, FieldConstraint> all = new LinkedHashMap<>(pipeline.events().fields());
    for (EventSchema.Field field : schema.fields()) {
      if (!field.nullable() && read.contains(field.name())) {
        all.putIfAbsent(
            field.name(),
            new FieldConstraint(true, null, null, List.of(), Otherwise.DEAD_LETTER, null));
      }
    }
    List<Field> list = new ArrayList<>();
    all.forEach(
        (name, constraint) -> {
          int index = schema.indexOf(name);
          EventSchema.Field field = schema.fields().get(index);
          list.add(
              new Field(index, field, constraint.required(), check(field, constraint), constraint));
        });
    fields = list.toArray(Field[]::new);
  }

  /** Names of the rules that a pipeline's constraints make: {@code fields.<field>.<constraint>}. */
  static List<String> rules(PipelineDefinition pipeline) {
    List<String> rules = new ArrayList<>();
    pipeline
        .events()
        .fields()
        .forEach(
            (name, constraint) -> {
              if (constraint.required()) {
                rules.add(rule(name, REQUIRED));
              }
              if (constraint.min() != null) {
                rules.add(rule(name, MIN));
              }
              if (constraint.max() != null) {
                rules.add(rule(name, MAX));
              }
              if (!constraint.allowed().isEmpty()) {
                rules.add(rule(name, ALLOWED));
              }
            });
    return rules;
  }

  private static String rule(String field, String constraint) {
    return "fields." + field + "." + constraint;
  }

  private static @Nullable Check check(EventSchema.Field field, FieldConstraint constraint) {
    if (!constraint.allowed().isEmpty()) {
      Set<Object> allowed = new HashSet<>(constraint.allowed());
      if (field.type() == FieldType.INT) {
        long[] sorted = allowed.stream().mapToLong(value -> (Long) value).sorted().toArray();
        return value -> Arrays.binarySearch(sorted, (Long) value) >= 0 ? null : ALLOWED;
      }
      return value -> allowed.contains(value) ? null : ALLOWED;
    }
    Object least = constraint.min();
    Object most = constraint.max();
    if (least == null && most == null) {
      return null;
    }
    if (field.type() == FieldType.DOUBLE) {
      return field.isSingle()
          ? floats(least, most)
          : doubles(
              least == null ? Double.NEGATIVE_INFINITY : (Double) least,
              most == null ? Double.POSITIVE_INFINITY : (Double) most,
              least != null);
    }
    long min = least == null ? Long.MIN_VALUE : (Long) least;
    long max = most == null ? Long.MAX_VALUE : (Long) most;
    return value -> {
      long number = (Long) value;
      return number < min ? MIN : number > max ? MAX : null;
    };
  }

  /** Written so that NaN, which no comparison holds for, is not let through. */
  private static Check doubles(double min, double max, boolean bounded) {
    return value -> {
      double number = (Double) value;
      if (number >= min && number <= max) {
        return null;
      }
      return bounded && !(number >= min) ? MIN : MAX;
    };
  }

  /** In single precision, for 0.1 as a float is more than 0.1. */
  private static Check floats(@Nullable Object least, @Nullable Object most) {
    Check check =
        doubles(
            least == null ? Double.NEGATIVE_INFINITY : ((Double) least).floatValue(),
            most == null ? Double.POSITIVE_INFINITY : ((Double) most).floatValue(),
            least != null);
    return value -> check.broken((double) ((Double) value).floatValue());
  }

  /**
   * Puts defaults in the place of values that break a constraint.
   *
   * @param values the event's fields, changed in place
   * @param eventId null when it has none
   * @param replaced is told the rule for each value that a default took the place of
   * @throws RejectedEventException for the first that no default mends
   */
  void settle(@Nullable Object[] values, @Nullable String eventId, Consumer<String> replaced)
      throws RejectedEventException {
    for (Field field : fields) {
      Object value = values[field.index];
      String broken =
          value == null
              ? field.required ? REQUIRED : null
              : field.check == null ? null : field.check.broken(value);
      if (broken != null) {
        String rule = rule(field.declared.name(), broken);
        if (field.constraint.otherwise() != Otherwise.DEFAULT) {
          throw RejectedEventException.brokenRule(
              rule, detail(field, broken, value), eventId, field.constraint.otherwise());
        }
        values[field.index] = field.constraint.defaultValue();
        replaced.accept(rule);
      }
    }
  }

  private static String detail(Field field, String broken, @Nullable Object value) {
    FieldConstraint constraint = field.constraint;
    String reason =
        switch (broken) {
          case REQUIRED ->
              field.declared.nullable()
                  ? ", but is required"
                  : ", but the event schema does not allow null";
          case ALLOWED ->
              ", none of "
                  + constraint.allowed().stream()
                      .map(allowed -> show(field.declared.type(), allowed))
                      .collect(Collectors.joining(", "));
          case MIN -> outOf(field, value, true, constraint.min());
          default -> outOf(field, value, false, constraint.max());
        };
    return "rule %s is broken: field \"%s\" is %s%s"
        .formatted(
            rule(field.declared.name(), broken),
            field.declared.name(),
            show(field.declared.type(), value),
            reason);
  }

  private static String outOf(
      Field field, @Nullable Object value, boolean below, @Nullable Object bound) {
    String shown = show(field.declared.type(), bound);
    if (value instanceof Double number && number.isNaN()) {
      return ", which no range holds (" + (below ? MIN : MAX) + " " + shown + ")";
    }
    if (field.declared.type() == FieldType.TIMESTAMP) {
      return (below ? ", before " : ", after ") + shown;
    }
    return (below ? ", less than " : ", more than ") + shown;
  }

  private static String show(FieldType type, @Nullable Object value) {
    if (value instanceof Long millis && type == FieldType.TIMESTAMP) {
      return Math.abs(millis) < 1L << 52 ? Instant.ofEpochMilli(millis).toString() : millis + " ms";
    }
    if (value instanceof Double number) {
      return FeatureBounds.show(number);
    }
    return value instanceof String text ? "\"" + text + "\"" : String.valueOf(value);
  }
}
