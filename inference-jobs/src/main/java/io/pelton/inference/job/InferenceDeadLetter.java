package io.pelton.inference.job;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.pelton.feature.FeatureRow;
import io.pelton.model.ServedVersion;
import io.pelton.schemas.DeadLetter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;

/**
 * Dead letters of rows that a model could not score: the row as JSON, with its features by name.
 */
final class InferenceDeadLetter {
  private static final String STAGE = "inference";
  private static final String REASON = "inference";
  private static final String SOURCE = "features";
  private static final JsonFactory JSON = new JsonFactory();

  private InferenceDeadLetter() {}

  /**
   * @param names of the values, in order
   */
  static DeadLetter of(
      FeatureRow row, ServedVersion served, List<String> names, double[] values, String detail) {
    return DeadLetter.newBuilder()
        .setStage(STAGE)
        .setReason(REASON)
        .setDetail(detail)
        .setEventId(row.id)
        .setSource(SOURCE)
        .setPartition(-1)
        .setOffset(-1)
        .setTimestamp(Instant.ofEpochMilli(row.time))
        .setValue(ByteBuffer.wrap(json(row, names, values)))
        .setModel(served.model() + "@" + served.version())
        .build();
  }

  private static byte[] json(FeatureRow row, List<String> names, double[] values) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("id", row.id);
      json.writeNumberField("time", row.time);
      json.writeArrayFieldStart("keys");
      for (String key : row.keys) {
        json.writeString(key);
      }
      json.writeEndArray();
      json.writeObjectFieldStart("features");
      for (int i = 0; i < Math.min(values.length, names.size()); i++) {
        json.writeFieldName(names.get(i));
        if (Double.isFinite(values[i])) {
          json.writeNumber(values[i]);
        } else if (Double.isNaN(values[i])) {
          json.writeNull();
        } else {
          json.writeString(Double.toString(values[i]));
        }
      }
      json.writeEndObject();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory does not fail", e);
    }
    return bytes.toByteArray();
  }
}
