package io.pelton.event;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads plain JSON objects; members that the event schema does not name are skipped. */
public final class JsonEventReader {
  private static final Set<String> NOT_FINITE = Set.of("NaN", "Infinity", "-Infinity");

  private static final ObjectMapper MAPPER =
      new ObjectMapper(
          JsonFactory.builder().disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION).build());

  private final EventSchema schema;

  public JsonEventReader(EventSchema schema) {
    this.schema = schema;
  }

  /**
   * @return the fields in the schema's order; the schema's default, or else null, where a member is
   *     absent
   * @throws EventFormatException when the bytes are no JSON object or a member is of another type
   */
  public @Nullable Object[] read(byte[] bytes) {
    @Nullable Object[] fields = schema.absent();
    try (JsonParser parser = MAPPER.createParser(bytes)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new EventFormatException("not a JSON object");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        int index = schema.indexOf(parser.currentName());
        JsonToken token = parser.nextToken();
        if (index < 0) {
          parser.skipChildren();
        } else if (token == JsonToken.VALUE_NULL) {
          fields[index] = null;
        } else {
          Object value = value(parser, token, schema.fields().get(index));
          schema.requireFits(index, value);
          fields[index] = value;
        }
      }
      if (parser.nextToken() != null) {
        throw new EventFormatException("text is left over after the JSON object");
      }
    } catch (JsonParseException e) {
      throw new EventFormatException("not JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new EventFormatException("not JSON: " + e.getMessage());
    }
    return fields;
  }

  private static Object value(JsonParser parser, JsonToken token, EventSchema.Field field)
      throws IOException {
    switch (field.type()) {
      case BOOLEAN -> {
        if (token.isBoolean()) {
          return parser.getBooleanValue();
        }
      }
      case INT -> {
        if (token == JsonToken.VALUE_NUMBER_INT) {
          return whole(parser, field);
        }
      }
      case DOUBLE -> {
        if (token.isNumeric()) {
          double number = parser.getDoubleValue();
          if (Double.isInfinite(number)) {
            throw tooBig(parser, field, "double");
          }
          return number;
        }
        // JSON has no numbers for these; encoders write them as texts.
        if (token == JsonToken.VALUE_STRING && NOT_FINITE.contains(parser.getText())) {
          return Double.valueOf(parser.getText());
        }
      }
      case STRING -> {
        if (token == JsonToken.VALUE_STRING) {
          return parser.getText();
        }
      }
      case TIMESTAMP -> {
        if (token == JsonToken.VALUE_NUMBER_INT) {
          return whole(parser, field);
        }
        if (token == JsonToken.VALUE_STRING) {
          return EventSchema.parseTime(parser.getText());
        }
      }
      case OTHER -> {
        return parser.readValueAs(Object.class);
      }
    }
    throw new EventFormatException(
        "field \""
            + field.name()
            + "\": "
            + (token == JsonToken.VALUE_STRING
                ? "\"" + parser.getText() + "\""
                : token.isStructStart() ? "a JSON " + token : parser.getText())
            + " is no "
            + switch (field.type()) {
              case BOOLEAN -> "boolean";
              case INT -> "whole number";
              case DOUBLE -> "number";
              case TIMESTAMP -> "time (ISO 8601 text or epoch millis)";
              default -> "text";
            });
  }

  private static long whole(JsonParser parser, EventSchema.Field field) throws IOException {
    try {
      return parser.getLongValue();
    } catch (InputCoercionException e) {
      throw tooBig(parser, field, "long");
    }
  }

  private static EventFormatException tooBig(
      JsonParser parser, EventSchema.Field field, String type) throws IOException {
    return new EventFormatException(
        "field \"%s\": %s does not fit a %s".formatted(field.name(), parser.getText(), type));
  }
}
