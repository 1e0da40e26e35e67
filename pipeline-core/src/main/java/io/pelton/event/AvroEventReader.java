package io.pelton.event;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.jspecify.annotations.Nullable;

/**
 * Reads Avro binary data of one writer schema. The writer's fields are turned once into one step
 * each, so that an event costs neither schema resolution nor a generic record; fields are matched
 * by name, numbers are widened, and a field that the writer lacks takes the event schema's default.
 */
public final class AvroEventReader {
  private static final int NO_UNION = -1;
  private static final int NO_NULL = -2;

  private final EventSchema schema;
  private final Step[] steps;
  private final @Nullable Object[] template;
  private @Nullable BinaryDecoder decoder;

  private enum Kind {
    INT,
    LONG,
    TIMESTAMP,
    FLOAT,
    DOUBLE,
    STRING,
    ENUM,
    BOOLEAN,
    GENERIC,
    SKIP
  }

  /**
   * What to do with the writer's next field; {@code nullBranch} is -1 when it is no union.
   *
   * @param symbols what the writer's enum is read as
   * @param narrowed whether the writer can say what the event schema cannot hold
   */
  private record Step(
      Kind kind,
      int target,
      int nullBranch,
      long unitsPerMilli,
      Schema schema,
      List<String> symbols,
      boolean narrowed,
      @Nullable GenericDatumReader<Object> generic) {}

  /**
   * @throws EventFormatException when events of {@code writer} cannot be read as {@code schema}
   */
  public AvroEventReader(EventSchema schema, Schema writer) {
    if (writer.getType() != Schema.Type.RECORD) {
      throw new EventFormatException(
          "the writer's schema is no record but " + writer.getType().getName());
    }
    this.schema = schema;
    template = schema.absent();
    for (EventSchema.Field field : schema.fields()) {
      if (writer.getField(field.name()) == null
          && !schema.schema().getField(field.name()).hasDefaultValue()) {
        throw new EventFormatException(
            "the writer's schema "
                + writer.getFullName()
                + " lacks the field \""
                + field.name()
                + "\", which the pipeline's event schema declares without a default");
      }
    }
    List<Step> list = new ArrayList<>();
    for (Schema.Field field : writer.getFields()) {
      int target = schema.indexOf(field.name());
      list.add(
          step(field.schema(), target, target < 0 ? null : schema.fields().get(target), writer));
    }
    steps = list.toArray(Step[]::new);
  }

  /** A union of one branch alone has none for null. */
  private static int nullBranch(Schema union) {
    Integer branch = union.getIndexNamed(Schema.Type.NULL.getName());
    return branch == null ? NO_NULL : branch;
  }

  private static Step step(
      Schema fieldSchema, int target, EventSchema.@Nullable Field field, Schema writer) {
    Schema value = EventSchema.valueSchema(fieldSchema);
    int nullBranch = value != fieldSchema ? nullBranch(fieldSchema) : NO_UNION;
    if (field == null) {
      // A union that is more than optional is skipped whole.
      return new Step(Kind.SKIP, target, nullBranch, 1, value, List.of(), false, null);
    }
    Kind kind =
        switch (field.type()) {
          case BOOLEAN -> value.getType() == Schema.Type.BOOLEAN ? Kind.BOOLEAN : null;
          case INT ->
              switch (value.getType()) {
                case INT -> Kind.INT;
                case LONG -> Kind.LONG;
                default -> null;
              };
          case TIMESTAMP -> value.getType() == Schema.Type.LONG ? Kind.TIMESTAMP : null;
          case DOUBLE ->
              switch (value.getType()) {
                case FLOAT -> Kind.FLOAT;
                case DOUBLE, INT, LONG -> Kind.DOUBLE;
                default -> null;
              };
          case STRING ->
              switch (value.getType()) {
                case STRING -> Kind.STRING;
                case ENUM -> Kind.ENUM;
                default -> null;
              };
          case OTHER -> Kind.GENERIC;
        };
    if (kind == null) {
      throw new EventFormatException(
          "field \""
              + field.name()
              + "\" is "
              + value
              + " in the writer's schema "
              + writer.getFullName()
              + ", which cannot be read as "
              + EventSchema.valueSchema(field.schema()));
    }
    Schema.Type wanted = EventSchema.valueSchema(field.schema()).getType();
    return new Step(
        kind,
        target,
        nullBranch,
        EventSchema.unitsPerMilli(value),
        value,
        kind == Kind.ENUM ? symbols(value, EventSchema.valueSchema(field.schema())) : List.of(),
        wanted == Schema.Type.ENUM || (wanted == Schema.Type.INT && kind == Kind.LONG),
        kind == Kind.GENERIC
            ? new GenericDatumReader<>(value, EventSchema.valueSchema(field.schema()))
            : null);
  }

  /** A symbol that the event schema's enum lacks is read as that enum's default, if it has one. */
  private static List<String> symbols(Schema writer, Schema reader) {
    String other = reader.getType() == Schema.Type.ENUM ? reader.getEnumDefault() : null;
    return writer.getEnumSymbols().stream()
        .map(symbol -> other == null || reader.hasEnumSymbol(symbol) ? symbol : other)
        .toList();
  }

  /**
   * Reads one event from {@code bytes[offset, length)}.
   *
   * @return the fields in the event schema's order, a new array each time
   * @throws EventFormatException when the bytes do not fit the writer's schema
   */
  public @Nullable Object[] read(byte[] bytes, int offset) {
    BinaryDecoder in =
        DecoderFactory.get().binaryDecoder(bytes, offset, bytes.length - offset, decoder);
    decoder = in;
    @Nullable Object[] fields = template.clone();
    try {
      for (Step step : steps) {
        if (step.nullBranch == NO_UNION || in.readIndex() != step.nullBranch) {
          read(in, step, fields);
          Object value = step.narrowed ? fields[step.target] : null;
          if (value != null) {
            schema.requireFits(step.target, value);
          }
        } else if (step.target >= 0) {
          fields[step.target] = null;
        }
      }
      if (!in.isEnd()) {
        throw new EventFormatException("bytes are left over after the last field");
      }
    } catch (EventFormatException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // Avro has an exception of its own for each way in which bytes can be wrong.
      throw new EventFormatException("the bytes do not fit their Avro schema: " + e);
    }
    return fields;
  }

  private static void read(BinaryDecoder in, Step step, @Nullable Object[] fields)
      throws IOException {
    switch (step.kind) {
      case INT -> fields[step.target] = (long) in.readInt();
      case LONG -> fields[step.target] = in.readLong();
      case TIMESTAMP -> fields[step.target] = Math.floorDiv(in.readLong(), step.unitsPerMilli);
      case FLOAT -> fields[step.target] = (double) in.readFloat();
      case DOUBLE ->
          fields[step.target] =
              switch (step.schema.getType()) {
                case INT -> (double) in.readInt();
                case LONG -> (double) in.readLong();
                default -> in.readDouble();
              };
      case STRING -> fields[step.target] = in.readString();
      case ENUM -> fields[step.target] = step.symbols.get(in.readEnum());
      case BOOLEAN -> fields[step.target] = in.readBoolean();
      case GENERIC -> {
        if (step.generic != null) {
          fields[step.target] = step.generic.read(null, in);
        }
      }
      case SKIP -> GenericDatumReader.skip(step.schema, in);
    }
  }
}
