package io.pelton.job;

import io.pelton.event.AvroEventReader;
import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.event.JsonEventReader;
import io.pelton.pipeline.EventFormat;
import io.pelton.wire.SchemaStore;
import io.pelton.wire.SingleObject;
import io.pelton.wire.StaticSchemaStore;
import io.pelton.wire.UndecodableException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads the fields of encoded records, of events and tables alike. Not thread-safe. */
public final class RecordReader {
  private final EventSchema schema;
  private final EventFormat format;
  private final SchemaStore writers;
  private final Map<Long, AvroEventReader> avro = new HashMap<>();
  private final JsonEventReader json;

  /**
   * @param writers where schemas of Avro records are found, beside {@code schema}
   */
  public RecordReader(EventSchema schema, EventFormat format, SchemaStore writers) {
    this.schema = schema;
    this.format = format;
    this.writers = StaticSchemaStore.of(schema.schema()).or(writers);
    json = new JsonEventReader(schema);
  }

  /**
   * The fields in the schema's order.
   *
   * @throws EventFormatException when the value is no such record
   * @throws UndecodableException when its writer's schema cannot be found
   */
  public @Nullable Object[] read(byte @Nullable [] value) throws UndecodableException {
    if (value == null) {
      throw new EventFormatException("the record has no value");
    }
    if (format == EventFormat.JSON) {
      return json.read(value);
    }
    long fingerprint = SingleObject.fingerprint(value);
    AvroEventReader reader = avro.get(fingerprint);
    if (reader == null) {
      reader = new AvroEventReader(schema, SingleObject.writer(fingerprint, writers));
      avro.put(fingerprint, reader);
    }
    return reader.read(value, SingleObject.HEADER);
  }
}
