package io.pelton.event;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.pelton.pipeline.EventFormat;
import io.pelton.wire.SingleObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.jspecify.annotations.Nullable;

/**
 * Writes events as a producer does: what {@link AvroEventReader} and {@link JsonEventReader} read.
 * Not thread-safe.
 */
public final class EventEncoder {
  private final EventSchema schema;
  private final EventFormat format;
  private final byte[] header;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
  private final BinaryEncoder avro = EncoderFactory.get().binaryEncoder(bytes, null);
  private final JsonFactory json = new ObjectMapper().getFactory();

  public EventEncoder(EventSchema schema, EventFormat format) {
    this.schema = schema;
    this.format = format;
    header = SingleObject.header(schema.schema());
  }

  /**
   * @param fields in the event schema's order
   * @throws EventFormatException when a field has no value and may not be null
   */
  public byte[] encode(@Nullable Object[] fields) {
    bytes.reset();
    try {
      if (format == EventFormat.JSON) {
        writeJson(fields);
      } else {
        bytes.write(header);
        for (int i = 0; i < fields.length; i++) {
          writeAvro(schema.fields().get(i), fields[i]);
        }
        avro.flush();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (AvroRuntimeException e) {
      throw new EventFormatException("the event cannot be written: " + e.getMessage());
    }
    return bytes.toByteArray();
  }

  private void writeAvro(EventSchema.Field field, @Nullable Object value) throws IOException {
    Schema declared = field.schema();
    Schema type = EventSchema.valueSchema(declared);
    if (type != declared) {
      int nullBranch = declared.getIndexNamed(Schema.Type.NULL.getName());
      avro.writeIndex(value == null ? nullBranch : 1 - nullBranch);
      if (value == null) {
        avro.writeNull();
        return;
      }
    }
    if (value == null && field.type() != FieldType.OTHER) {
      throw new EventFormatException(
          "field \"" + field.name() + "\" has no value, and its schema does not allow null");
    }
    switch (field.type()) {
      case BOOLEAN -> avro.writeBoolean((Boolean) notNull(value));
      case INT -> {
        long number = (Long) notNull(value);
        if (type.getType() == Schema.Type.INT) {
          if (number != (int) number) {
            throw new EventFormatException(
                "field \"" + field.name() + "\": " + number + " does not fit an int");
          }
          avro.writeInt((int) number);
        } else {
          avro.writeLong(number);
        }
      }
      case TIMESTAMP ->
          avro.writeLong(
              Math.multiplyExact((Long) notNull(value), EventSchema.unitsPerMilli(type)));
      case DOUBLE -> {
        double number = (Double) notNull(value);
        if (type.getType() == Schema.Type.FLOAT) {
          avro.writeFloat((float) number);
        } else {
          avro.writeDouble(number);
        }
      }
      case STRING -> {
        String text = (String) notNull(value);
        if (type.getType() == Schema.Type.ENUM) {
          if (!type.hasEnumSymbol(text)) {
            throw new EventFormatException(
                "field \""
                    + field.name()
                    + "\": \""
                    + text
                    + "\" is none of "
                    + type.getEnumSymbols());
          }
          avro.writeEnum(type.getEnumOrdinal(text));
        } else {
          avro.writeString(text);
        }
      }
      case OTHER -> {
        avro.flush();
        new GenericDatumWriter<@Nullable Object>(type).write(value, avro);
      }
    }
  }

  private static Object notNull(@Nullable Object value) {
    if (value == null) {
      throw new IllegalStateException("null was refused before");
    }
    return value;
  }

  private void writeJson(@Nullable Object[] fields) throws IOException {
    try (JsonGenerator out = json.createGenerator(bytes)) {
      out.writeStartObject();
      for (int i = 0; i < fields.length; i++) {
        EventSchema.Field field = schema.fields().get(i);
        Object value = fields[i];
        out.writeFieldName(field.name());
        if (value instanceof Long millis && field.type() == FieldType.TIMESTAMP) {
          out.writeString(Instant.ofEpochMilli(millis).toString());
        } else {
          out.writePOJO(value);
        }
      }
      out.writeEndObject();
    }
  }
}
