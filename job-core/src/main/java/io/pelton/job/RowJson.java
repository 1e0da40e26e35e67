package io.pelton.job;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.pelton.feature.FeatureRow;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * A feature row as JSON, for the dead letter of one that came too far to have its event's bytes.
 */
public final class RowJson {
  private static final JsonFactory JSON = new JsonFactory();

  private RowJson() {}

  /**
   * @param names of the values, in order
   */
  public static byte[] of(FeatureRow row, List<String> names, double[] values) {
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
