package io.pelton.wire;

import io.pelton.feature.FeatureRow;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.io.Decoder;
import org.apache.avro.io.Encoder;
import org.apache.avro.util.Utf8;
import org.jspecify.annotations.Nullable;

/**
 * The parts that feature vectors and predictions share, straight between Avro binary and arrays.
 * Names are matched by position first, since a writer of this pipeline wrote them in its order.
 */
final class RowBinary {
  // Branches of the unions in FeatureVector.avsc and Prediction.avsc, in their order.
  private static final int NULL = 0;
  private static final int BOOLEAN = 1;
  private static final int LONG = 2;
  private static final int DOUBLE = 3;
  private static final int STRING = 4;

  private final Utf8[] entities;
  private final Utf8[] carried;
  private final Utf8 name = new Utf8();

  RowBinary(List<String> entities, List<String> carried) {
    this.entities = utf8(entities);
    this.carried = utf8(carried);
  }

  static Utf8[] utf8(List<String> names) {
    return names.stream().map(Utf8::new).toArray(Utf8[]::new);
  }

  /** A whole feature vector. */
  void writeRow(Encoder out, FeatureRow row, int features) throws IOException {
    out.writeString(row.id);
    out.writeLong(row.time);
    writeKeys(out, row.keys);
    writeCarried(out, row.carried);
    writeFeatures(out, row.values, features);
    writeMaps(out, row.maps);
  }

  void writeKeys(Encoder out, String[] keys) throws IOException {
    out.writeMapStart();
    out.setItemCount(entities.length);
    for (int i = 0; i < entities.length; i++) {
      out.startItem();
      out.writeString(entities[i]);
      out.writeString(keys[i]);
    }
    out.writeMapEnd();
  }

  String[] readKeys(Decoder in) throws IOException, UndecodableException {
    String[] keys = new String[entities.length];
    int position = 0;
    for (long n = in.readMapStart(); n != 0; n = in.mapNext()) {
      for (long i = 0; i < n; i++) {
        int entity = index(entities, in.readString(name), position++);
        if (entity < 0) {
          in.skipString();
        } else {
          keys[entity] = in.readString();
        }
      }
    }
    for (int i = 0; i < keys.length; i++) {
      if (keys[i] == null) {
        throw missing("entity", entities[i].toString());
      }
    }
    return keys;
  }

  void writeCarried(Encoder out, @Nullable Object[] values) throws IOException {
    out.writeMapStart();
    out.setItemCount(carried.length);
    for (int i = 0; i < carried.length; i++) {
      out.startItem();
      out.writeString(carried[i]);
      Object value = values[i];
      if (value == null) {
        out.writeIndex(NULL);
        out.writeNull();
      } else if (value instanceof String text) {
        out.writeIndex(STRING);
        out.writeString(text);
      } else if (value instanceof Long number) {
        out.writeIndex(LONG);
        out.writeLong(number);
      } else if (value instanceof Double number) {
        out.writeIndex(DOUBLE);
        out.writeDouble(number);
      } else if (value instanceof Boolean flag) {
        out.writeIndex(BOOLEAN);
        out.writeBoolean(flag);
      } else {
        throw new IllegalArgumentException(
            "carried field "
                + carried[i]
                + ": "
                + value
                + " is a "
                + value.getClass().getName()
                + "; carried values are null, Boolean, Long, Double or String");
      }
    }
    out.writeMapEnd();
  }

  @Nullable Object[] readCarried(Decoder in) throws IOException {
    @Nullable Object[] values = new @Nullable Object[carried.length];
    int position = 0;
    for (long n = in.readMapStart(); n != 0; n = in.mapNext()) {
      for (long i = 0; i < n; i++) {
        int field = index(carried, in.readString(name), position++);
        Object value = readValue(in);
        if (field >= 0) {
          values[field] = value;
        }
      }
    }
    return values;
  }

  private static @Nullable Object readValue(Decoder in) throws IOException {
    int branch = in.readIndex();
    switch (branch) {
      case NULL:
        in.readNull();
        return null;
      case BOOLEAN:
        return in.readBoolean();
      case LONG:
        return in.readLong();
      case DOUBLE:
        return in.readDouble();
      case STRING:
        return in.readString();
      default:
        throw new IOException("branch " + branch + " of a union of five");
    }
  }

  static void writeFeatures(Encoder out, double[] values, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      double value = values[i];
      if (Double.isNaN(value)) {
        out.writeIndex(0);
      } else {
        out.writeIndex(1);
        out.writeDouble(value);
      }
    }
  }

  static double[] readFeatures(Decoder in, int count) throws IOException {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      int branch = in.readIndex();
      if (branch == 1) {
        values[i] = in.readDouble();
      } else if (branch == 0) {
        values[i] = Double.NaN;
      } else {
        throw new IOException("branch " + branch + " of a union of two");
      }
    }
    return values;
  }

  private static void writeMaps(Encoder out, Map<String, Double>[] maps) throws IOException {
    for (Map<String, Double> map : maps) {
      out.writeMapStart();
      out.setItemCount(map.size());
      for (Map.Entry<String, Double> entry : map.entrySet()) {
        out.startItem();
        out.writeString(entry.getKey());
        out.writeDouble(entry.getValue());
      }
      out.writeMapEnd();
    }
  }

  static Map<String, Double>[] readMaps(Decoder in, int count) throws IOException {
    Map<String, Double>[] maps = FeatureRow.maps(count);
    for (int map = 0; map < count; map++) {
      Map<String, Double> values = new LinkedHashMap<>();
      for (long n = in.readMapStart(); n != 0; n = in.mapNext()) {
        for (long i = 0; i < n; i++) {
          values.put(in.readString(), in.readDouble());
        }
      }
      maps[map] = values;
    }
    return maps;
  }

  static int index(Utf8[] names, Utf8 name, int guess) {
    if (guess < names.length && names[guess].equals(name)) {
      return guess;
    }
    return Arrays.asList(names).indexOf(name);
  }

  static UndecodableException missing(String kind, String name) {
    return new UndecodableException(
        UndecodableException.UNDECODABLE,
        kind
            + " "
            + name
            + ": the record does not have it; it was written by another version of the pipeline"
            + " file, so write it again or read it with that one");
  }
}
