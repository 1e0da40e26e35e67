package io.pelton.table;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import io.pelton.pipeline.Table;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** What makes the fields of a record a row of a reference table. */
public final class TableRow {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final Table table;
  private final EventSchema schema;
  private final int key;
  private final int time;

  public TableRow(Table table) {
    this.table = table;
    schema = new EventSchema(table.schema());
    key = schema.indexOf(table.key());
    time = table.time() == null ? -1 : schema.indexOf(table.time());
  }

  EventSchema schema() {
    return schema;
  }

  /** Position of the key among the fields. */
  int key() {
    return key;
  }

  /** Whether rows have a time. */
  boolean timed() {
    return time >= 0;
  }

  /**
   * Checks that nothing is null where the schema, the key or the time allows none.
   *
   * @throws EventFormatException that says what is
   */
  public void check(@Nullable Object[] fields) {
    for (int i = 0; i < fields.length; i++) {
      EventSchema.Field field = schema.fields().get(i);
      if (fields[i] == null && (!field.nullable() || i == key || i == time)) {
        throw new EventFormatException(
            "field \"%s\" is null%s"
                .formatted(
                    field.name(),
                    i == key
                        ? ", but is the table's key"
                        : i == time
                            ? ", but is the time from which the row holds"
                            : ", but the table's schema does not allow null"));
      }
    }
  }

  /**
   * The key of a row, as text.
   *
   * @throws EventFormatException when it has none
   */
  public String key(@Nullable Object[] fields) {
    if (fields[key] == null) {
      throw new EventFormatException(
          "field \"" + table.key() + "\" is null, but is the table's key");
    }
    String text = String.valueOf(fields[key]);
    if (text.isEmpty()) {
      throw new EventFormatException(
          "field \"" + table.key() + "\" is empty, but is the table's key");
    }
    return text;
  }

  /**
   * The key of a record that has no value, from the record's own key: the table's key as UTF-8 text
   * or JSON, or a JSON object with a field of its name.
   *
   * @throws EventFormatException when it is none of these
   */
  public String recordKey(byte @Nullable [] bytes) {
    String text = bytes == null ? null : text(bytes);
    String found = text == null ? null : text.strip();
    if (found != null && (found.startsWith("{") || found.startsWith("\""))) {
      found = jsonKey(found);
    }
    boolean whole = schema.fields().get(key).type() == FieldType.INT;
    if (found == null || found.isEmpty() || whole && !found.matches("-?\\d{1,18}")) {
      throw new EventFormatException(
          "the record has no value, so from it on nothing is known of its key, but its key %s; it must be %s as UTF-8 text or JSON, or {\"%s\": ..}"
              .formatted(
                  bytes == null ? "is null" : text == null ? "is no text" : "is \"" + text + "\"",
                  table.key(),
                  table.key()));
    }
    return whole ? Long.toString(Long.parseLong(found)) : found;
  }

  private static @Nullable String text(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  private @Nullable String jsonKey(String text) {
    try {
      JsonNode node = JSON.readTree(text);
      JsonNode found = node.isObject() ? node.get(table.key()) : node;
      return found != null && (found.isTextual() || found.isIntegralNumber())
          ? found.asText()
          : null;
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  /**
   * The time from which a row holds, epoch milliseconds; the least there is when the table has
   * none.
   *
   * @throws EventFormatException when it is no time
   */
  public long time(@Nullable Object[] fields) {
    if (time < 0) {
      return Long.MIN_VALUE;
    }
    return fields[time] instanceof Long millis
        ? millis
        : EventSchema.parseTime(String.valueOf(fields[time]));
  }

  /**
   * Whether a row of a file says that nothing is known of its key any more, as a record without a
   * value does in a topic: it has its key and its time alone.
   */
  boolean deletes(@Nullable Object[] fields) {
    int others = fields.length - (time < 0 || time == key ? 1 : 2);
    if (table.topic() == null || others == 0) {
      return false;
    }
    for (int i = 0; i < fields.length; i++) {
      if (i != key && i != time && fields[i] != null) {
        return false;
      }
    }
    return fields[key] != null && (time < 0 || fields[time] != null);
  }
}
