package io.pelton.event;

import org.jspecify.annotations.Nullable;

/** Turns a field's text, as in CSV, into a value of its type. */
final class TextFields {
  private TextFields() {}

  static @Nullable Object parse(EventSchema.Field field, String text) {
    if (text.isEmpty()) {
      return null;
    }
    try {
      return switch (field.type()) {
        case STRING -> text;
        case INT -> Long.parseLong(text);
        case DOUBLE -> {
          double number = Double.parseDouble(text);
          if (Double.isInfinite(number) && !text.contains("Infinity")) {
            throw new EventFormatException(
                "field \"" + field.name() + "\": " + text + " does not fit a double");
          }
          yield number;
        }
        case TIMESTAMP -> EventSchema.parseTime(text);
        case BOOLEAN ->
            switch (text) {
              case "true", "1" -> true;
              case "false", "0" -> false;
              default -> throw new NumberFormatException();
            };
        case OTHER ->
            throw new EventFormatException(
                "field \""
                    + field.name()
                    + "\" of type "
                    + EventSchema.valueSchema(field.schema()).getType().getName()
                    + " cannot be read from text; use Avro or JSON");
      };
    } catch (NumberFormatException e) {
      throw new EventFormatException(
          "field \""
              + field.name()
              + "\": \""
              + text
              + "\" is no "
              + switch (field.type()) {
                case INT -> "whole number";
                case DOUBLE -> "number";
                default -> "boolean (true, false, 1, 0)";
              });
    }
  }
}
