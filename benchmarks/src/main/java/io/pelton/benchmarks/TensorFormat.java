package io.pelton.benchmarks;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import io.pelton.wire.SingleObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Locale;
import java.util.function.Consumer;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.jspecify.annotations.Nullable;

/**
 * How events with one row or several, and their scores, are written: {@code id}, {@code time},
 * {@code values}. The rows of an event become {@link FeatureRow}s that say in {@code carried} how
 * many they are.
 */
enum TensorFormat {
  AVRO {
    @Override
    byte[] encode(String id, long time, double[][] rows) throws IOException {
      ByteArrayOutputStream bytes =
          new ByteArrayOutputStream(rows.length * rows[0].length * 4 + 64);
      bytes.write(EVENT_HEADER);
      BinaryEncoder out = EncoderFactory.get().binaryEncoder(bytes, null);
      out.writeString(id);
      out.writeLong(time);
      out.writeArrayStart();
      out.setItemCount((long) rows.length * rows[0].length);
      for (double[] row : rows) {
        for (double value : row) {
          out.startItem();
          out.writeFloat((float) value);
        }
      }
      out.writeArrayEnd();
      out.flush();
      return bytes.toByteArray();
    }

    @Override
    void decode(byte[] bytes, int width, Consumer<FeatureRow> out) throws IOException {
      BinaryDecoder in =
          DecoderFactory.get()
              .binaryDecoder(bytes, SingleObject.HEADER, bytes.length - SingleObject.HEADER, null);
      String id = in.readString();
      long time = in.readLong();
      // The encoder writes an array in one block.
      long items = in.readArrayStart();
      // A block of floats is their bytes, which are faster read together than float by float.
      byte[] block = new byte[Math.toIntExact(items * Float.BYTES)];
      in.readFixed(block);
      FloatBuffer floats = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
      @Nullable Object[] carried = {items / width};
      for (int row = 0; row < items / width; row++) {
        double[] values = new double[width];
        for (int i = 0; i < width; i++) {
          values[i] = floats.get(row * width + i);
        }
        out.accept(new FeatureRow(id, time, NO_KEYS, values, carried));
      }
    }

    @Override
    byte[] encodeScores(ScoredRow first, double[] scores) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream(scores.length * 8 + 160);
      bytes.write(SCORES_HEADER);
      BinaryEncoder out = EncoderFactory.get().binaryEncoder(bytes, null);
      out.writeString(first.id);
      out.writeLong(first.time);
      out.writeString(first.served.model());
      out.writeInt(first.served.version());
      out.writeString(first.served.artifactDigest());
      out.writeArrayStart();
      out.setItemCount(scores.length);
      for (double score : scores) {
        out.startItem();
        out.writeDouble(score);
      }
      out.writeArrayEnd();
      out.flush();
      return bytes.toByteArray();
    }
  },

  JSON {
    @Override
    byte[] encode(String id, long time, double[][] rows) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream(rows.length * rows[0].length * 11);
      try (JsonGenerator out = FACTORY.createGenerator(bytes)) {
        out.writeStartObject();
        out.writeStringField("id", id);
        out.writeNumberField("time", time);
        out.writeArrayFieldStart("values");
        for (double[] row : rows) {
          out.writeStartArray();
          for (double value : row) {
            out.writeNumber((float) value);
          }
          out.writeEndArray();
        }
        out.writeEndArray();
        out.writeEndObject();
      }
      return bytes.toByteArray();
    }

    @Override
    void decode(byte[] bytes, int width, Consumer<FeatureRow> out) throws IOException {
      String id = "";
      long time = 0;
      @Nullable Object[] carried = {0L};
      long rows = 0;
      FeatureRow waiting = null;
      try (JsonParser in = FACTORY.createParser(bytes)) {
        in.nextToken();
        while (in.nextToken() == JsonToken.FIELD_NAME) {
          String name = in.currentName();
          in.nextToken();
          switch (name) {
            case "id" -> id = in.getText();
            case "time" -> time = in.getLongValue();
            default -> {
              while (in.nextToken() == JsonToken.START_ARRAY) {
                double[] values = new double[width];
                int i = 0;
                while (in.nextToken() != JsonToken.END_ARRAY) {
                  values[i++] = in.getFloatValue();
                }
                // How many they are must be known before the last one goes out.
                if (waiting != null) {
                  out.accept(waiting);
                }
                waiting = new FeatureRow(id, time, NO_KEYS, values, carried);
                rows++;
              }
            }
          }
        }
      }
      carried[0] = rows;
      if (waiting != null) {
        out.accept(waiting);
      }
    }

    @Override
    byte[] encodeScores(ScoredRow first, double[] scores) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream(scores.length * 20 + 200);
      try (JsonGenerator out = FACTORY.createGenerator(bytes)) {
        out.writeStartObject();
        out.writeStringField("id", first.id);
        out.writeNumberField("time", first.time);
        out.writeStringField("model", first.served.model());
        out.writeNumberField("version", first.served.version());
        out.writeStringField("artifactDigest", first.served.artifactDigest());
        out.writeFieldName("outputs");
        out.writeArray(scores, 0, scores.length);
        out.writeEndObject();
      }
      return bytes.toByteArray();
    }
  },

  /** Pelton's feature rows, which have one row alone; its own jobs read and write them. */
  FEATURES;

  private static final String[] NO_KEYS = {};
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
          .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
          .build();
  private static final byte[] EVENT_HEADER =
      SingleObject.header(
          fields("TensorEvent").name("values").type(floats()).noDefault().endRecord());
  private static final byte[] SCORES_HEADER =
      SingleObject.header(
          fields("TensorScores")
              .requiredString("model")
              .requiredInt("version")
              .requiredString("artifactDigest")
              .name("outputs")
              .type(Schema.createArray(Schema.create(Schema.Type.DOUBLE)))
              .noDefault()
              .endRecord());

  private static SchemaBuilder.FieldAssembler<Schema> fields(String name) {
    return SchemaBuilder.record(name).fields().requiredString("id").requiredLong("time");
  }

  private static Schema floats() {
    return Schema.createArray(Schema.create(Schema.Type.FLOAT));
  }

  byte[] encode(String id, long time, double[][] rows) throws IOException {
    throw new UnsupportedOperationException(this + " is written by its codec");
  }

  /** Gives the rows of an event in order. */
  void decode(byte[] bytes, int width, Consumer<FeatureRow> out) throws IOException {
    throw new UnsupportedOperationException(this + " is read by its codec");
  }

  /**
   * @param first the event's first row
   * @param scores of all its rows, row-major
   */
  byte[] encodeScores(ScoredRow first, double[] scores) throws IOException {
    throw new UnsupportedOperationException(this + " is written by its codec");
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
