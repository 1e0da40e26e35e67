package io.pelton.feature.job;

import io.pelton.event.AvroEventReader;
import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.event.JsonEventReader;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.RejectedEventException;
import io.pelton.job.Incoming;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.EventFormat;
import io.pelton.wire.SchemaStore;
import io.pelton.wire.SingleObject;
import io.pelton.wire.StaticSchemaStore;
import io.pelton.wire.UndecodableException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns encoded events into rows; what cannot be turned keeps its bytes and gets a reason. Made
 * where it runs; not thread-safe.
 */
final class EventDecoder {
  private final FeaturePlan plan;
  private final EventSchema schema;
  private final EventFormat format;
  private final SchemaStore writers;
  private final Map<Long, AvroEventReader> avro = new HashMap<>();
  private final JsonEventReader json;

  /**
   * @param writers where schemas of Avro events are found, beside the pipeline's own
   */
  EventDecoder(PipelineDefinition pipeline, SchemaStore writers) {
    plan = new FeaturePlan(pipeline, TableFiles.load(pipeline));
    schema = plan.schema();
    format = pipeline.events().format();
    this.writers = StaticSchemaStore.of(schema.schema()).or(writers);
    json = new JsonEventReader(schema);
  }

  /**
   * @param latest event times after this one are refused, epoch milliseconds
   */
  Incoming decode(
      String source,
      int partition,
      long offset,
      long timestamp,
      byte @Nullable [] key,
      byte @Nullable [] value,
      long latest) {
    FeatureRow row = null;
    Incoming.Rejection rejection = null;
    try {
      row = plan.admit(fields(value), latest);
    } catch (RejectedEventException e) {
      rejection = Incoming.Rejection.of(e);
    } catch (EventFormatException e) {
      rejection = undecodable(String.valueOf(e.getMessage()));
    } catch (UndecodableException e) {
      rejection =
          new Incoming.Rejection(
              "decode", e.reason(), String.valueOf(e.getMessage()), null, null, false);
    }
    return new Incoming(
        source, partition, offset, timestamp, key, value, row, rejection, plan.takeReplaced());
  }

  static Incoming.Rejection undecodable(String detail) {
    return new Incoming.Rejection(
        "decode", UndecodableException.UNDECODABLE, detail, null, null, false);
  }

  private @Nullable Object[] fields(byte @Nullable [] value) throws UndecodableException {
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
