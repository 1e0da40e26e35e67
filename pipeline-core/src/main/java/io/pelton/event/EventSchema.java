package io.pelton.event;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.LogicalType;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.jspecify.annotations.Nullable;

/**
 * The fields of an event, from an Avro record schema. Every encoding is read into one {@code
 * Object[]} in this order, each value of its {@link FieldType}'s class or null.
 */
public final class EventSchema {
  private final Schema schema;
  private final List<Field> fields;
  private final Map<String, Integer> indexes = new HashMap<>();

  /** Of fields whose type holds more than their schema does: enums and ints; else null. */
  private final @Nullable Schema[] narrow;

  private final @Nullable Object[] absent;

  /** One field; {@code nullable} when the schema allows null. */
  public record Field(String name, FieldType type, boolean nullable, Schema schema) {
    /** A field of a record, under a name of its own. */
    public static Field of(String name, Schema schema) {
      return new Field(name, typeOf(valueSchema(schema)), schema.isNullable(), schema);
    }

    /** Whether its numbers are of single precision. */
    public boolean isSingle() {
      return valueSchema(schema).getType() == Schema.Type.FLOAT;
    }

    /** The texts that an enum may be; empty for anything else. */
    public List<String> symbols() {
      Schema value = valueSchema(schema);
      return value.getType() == Schema.Type.ENUM ? value.getEnumSymbols() : List.of();
    }
  }

  /**
   * @throws IllegalArgumentException when {@code schema} is no record
   */
  public EventSchema(Schema schema) {
    if (schema.getType() != Schema.Type.RECORD) {
      throw new IllegalArgumentException(
          "an event schema must be an Avro record, but this one is of type " + schema.getType());
    }
    this.schema = schema;
    List<Field> list = new ArrayList<>();
    for (Schema.Field field : schema.getFields()) {
      indexes.put(field.name(), list.size());
      list.add(Field.of(field.name(), field.schema()));
    }
    fields = List.copyOf(list);
    narrow = new @Nullable Schema[list.size()];
    absent = new @Nullable Object[list.size()];
    for (int i = 0; i < narrow.length; i++) {
      Schema value = valueSchema(list.get(i).schema());
      if (value.getType() == Schema.Type.ENUM || value.getType() == Schema.Type.INT) {
        narrow[i] = value;
      }
      Schema.Field declared = schema.getFields().get(i);
      if (declared.hasDefaultValue()) {
        absent[i] = value(list.get(i), GenericData.get().getDefaultValue(declared));
      }
    }
  }

  private EventSchema(EventSchema events, List<Field> more) {
    schema = events.schema;
    List<Field> list = new ArrayList<>(events.fields);
    list.addAll(more);
    fields = List.copyOf(list);
    for (int i = 0; i < fields.size(); i++) {
      indexes.put(fields.get(i).name(), i);
    }
    narrow = Arrays.copyOf(events.narrow, fields.size());
    absent = Arrays.copyOf(events.absent, fields.size());
  }

  /**
   * The same fields and after them others that no encoding holds, which are put there later. Their
   * names may be such as Avro does not allow, {@code terminals.country}.
   */
  public EventSchema plus(List<Field> more) {
    return more.isEmpty() ? this : new EventSchema(this, more);
  }

  private static @Nullable Object value(Field field, @Nullable Object value) {
    if (value instanceof Integer number) {
      return number.longValue();
    }
    if (value instanceof Float number) {
      return number.doubleValue();
    }
    if (value instanceof Long number && field.type() == FieldType.TIMESTAMP) {
      return Math.floorDiv(number, unitsPerMilli(valueSchema(field.schema())));
    }
    return value != null && field.type() == FieldType.STRING ? value.toString() : value;
  }

  /**
   * An event of which nothing is known: each field's default, null where it has none. A new array
   * each time.
   */
  @Nullable Object[] absent() {
    return absent.clone();
  }

  /**
   * Checks what a text or a wider number may bring but the field's schema cannot hold.
   *
   * @param value of the class of the field's type
   * @throws EventFormatException when it is no symbol of the enum or does not fit an int
   */
  void requireFits(int field, Object value) {
    Schema schema = narrow[field];
    if (schema == null) {
      return;
    }
    if (schema.getType() == Schema.Type.ENUM) {
      if (!schema.hasEnumSymbol((String) value)) {
        throw new EventFormatException(
            "field \"%s\": \"%s\" is none of %s"
                .formatted(fields.get(field).name(), value, schema.getEnumSymbols()));
      }
    } else if ((Long) value != (int) (long) (Long) value) {
      throw new EventFormatException(
          "field \"%s\": %s does not fit an int".formatted(fields.get(field).name(), value));
    }
  }

  /** The record's schema; it does not hold what was added. */
  public Schema schema() {
    return schema;
  }

  public List<Field> fields() {
    return fields;
  }

  /** Position of a field, -1 when there is none of that name. */
  public int indexOf(String name) {
    return indexes.getOrDefault(name, -1);
  }

  /** The schema of a field's values: the one branch beside null of an optional field. */
  static Schema valueSchema(Schema schema) {
    if (schema.getType() != Schema.Type.UNION) {
      return schema;
    }
    List<Schema> branches =
        schema.getTypes().stream().filter(s -> s.getType() != Schema.Type.NULL).toList();
    return branches.size() == 1 ? branches.get(0) : schema;
  }

  static FieldType typeOf(Schema schema) {
    return switch (schema.getType()) {
      case BOOLEAN -> FieldType.BOOLEAN;
      case INT -> FieldType.INT;
      case LONG -> isTimestamp(schema.getLogicalType()) ? FieldType.TIMESTAMP : FieldType.INT;
      case FLOAT, DOUBLE -> FieldType.DOUBLE;
      case STRING, ENUM -> FieldType.STRING;
      default -> FieldType.OTHER;
    };
  }

  /** How many of a long's units make a millisecond: 1000 for micros, 1 for millis and plain. */
  static long unitsPerMilli(Schema schema) {
    LogicalType type = schema.getLogicalType();
    if (type instanceof LogicalTypes.TimestampMicros
        || type instanceof LogicalTypes.LocalTimestampMicros) {
      return 1_000;
    }
    if (type instanceof LogicalTypes.TimestampNanos
        || type instanceof LogicalTypes.LocalTimestampNanos) {
      return 1_000_000;
    }
    return 1;
  }

  private static boolean isTimestamp(@Nullable LogicalType type) {
    return type instanceof LogicalTypes.TimestampMillis
        || type instanceof LogicalTypes.TimestampMicros
        || type instanceof LogicalTypes.TimestampNanos
        || type instanceof LogicalTypes.LocalTimestampMillis
        || type instanceof LogicalTypes.LocalTimestampMicros
        || type instanceof LogicalTypes.LocalTimestampNanos;
  }

  /**
   * Epoch milliseconds of an ISO 8601 instant, a local date-time or date (both taken as UTC), or of
   * a number of epoch milliseconds.
   *
   * @throws EventFormatException when {@code text} is none of these
   */
  public static long parseTime(String text) {
    if (text.length() == 20
        && text.charAt(19) == 'Z'
        && text.charAt(4) == '-'
        && text.charAt(7) == '-'
        && text.charAt(10) == 'T'
        && text.charAt(13) == ':'
        && text.charAt(16) == ':') {
      long seconds = parseCanonical(text);
      if (seconds != Long.MIN_VALUE) {
        return seconds * 1000;
      }
    }
    try {
      return Instant.from(DateTimeFormatter.ISO_OFFSET_DATE_TIME.parse(text)).toEpochMilli();
    } catch (DateTimeException | ArithmeticException notAnInstant) {
      try {
        return text.indexOf('-', 1) > 0
            ? (text.contains("T")
                    ? LocalDateTime.parse(text)
                    : java.time.LocalDate.parse(text).atStartOfDay())
                .toInstant(ZoneOffset.UTC)
                .toEpochMilli()
            : Long.parseLong(text.strip());
      } catch (DateTimeException | ArithmeticException | NumberFormatException neither) {
        throw new EventFormatException(
            "\""
                + text
                + "\" is no time: expected ISO 8601 (2018-04-01T00:00:31Z) or epoch millis");
      }
    }
  }

  /** {@code yyyy-MM-ddTHH:mm:ssZ}, the usual case, without a formatter; MIN_VALUE if it is off. */
  private static long parseCanonical(String text) {
    int year = digits(text, 0, 4);
    int month = digits(text, 5, 7);
    int day = digits(text, 8, 10);
    int hour = digits(text, 11, 13);
    int minute = digits(text, 14, 16);
    int second = digits(text, 17, 19);
    if ((year | month | day | hour | minute | second) < 0
        || month < 1
        || month > 12
        || day < 1
        || day > java.time.YearMonth.of(year, month).lengthOfMonth()
        || hour > 23
        || minute > 59
        || second > 59) {
      return Long.MIN_VALUE;
    }
    return java.time.LocalDate.of(year, month, day).toEpochDay() * 86_400
        + hour * 3_600L
        + minute * 60L
        + second;
  }

  private static int digits(String text, int from, int to) {
    int value = 0;
    for (int i = from; i < to; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      value = value * 10 + digit;
    }
    return value;
  }
}
