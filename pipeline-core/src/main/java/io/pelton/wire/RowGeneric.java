package io.pelton.wire;

import io.pelton.feature.FeatureRow;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.AvroTypeException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.jspecify.annotations.Nullable;

/**
 * The parts that feature vectors and predictions share, taken by name from a record of any writer's
 * schema. The slow way, for records written by another version of the pipeline file.
 */
final class RowGeneric {
  private RowGeneric() {}

  /**
   * A feature vector, its parts found by name.
   *
   * @param whole whether it has to have all of them; else keys that it lacks are empty, features
   *     missing
   */
  static FeatureRow row(
      GenericRecord record,
      List<String> entities,
      List<String> features,
      List<String> maps,
      List<String> carry,
      boolean whole)
      throws UndecodableException {
    GenericRecord values = features(record);
    FeatureRow row =
        new FeatureRow(
            text(record, "eventId"),
            number(record, "eventTime"),
            keys(map(record, "entities"), entities, whole),
            values(values, features, whole),
            carried(map(record, "carried"), carry));
    row.maps = maps(values, maps, whole);
    return row;
  }

  static String text(GenericRecord record, String field) {
    return value(record, field).toString();
  }

  static long number(GenericRecord record, String field) {
    Object value = value(record, field);
    if (value instanceof Number number) {
      return number.longValue();
    }
    throw new AvroTypeException("field " + field + " is " + value + ", not a number");
  }

  static Map<?, ?> map(GenericRecord record, String field) {
    if (value(record, field) instanceof Map<?, ?> map) {
      return map;
    }
    throw new AvroTypeException("field " + field + " is not a map");
  }

  static GenericRecord features(GenericRecord record) {
    if (value(record, PipelineSchemas.FEATURES) instanceof GenericRecord features) {
      return features;
    }
    throw new AvroTypeException("field " + PipelineSchemas.FEATURES + " is not a record");
  }

  private static Object value(GenericRecord record, String field) {
    Object value = record.hasField(field) ? record.get(field) : null;
    if (value == null) {
      throw new AvroTypeException("field " + field + " is missing");
    }
    return value;
  }

  static String[] keys(Map<?, ?> entities, List<String> names, boolean whole)
      throws UndecodableException {
    String[] keys = new String[names.size()];
    for (int i = 0; i < keys.length; i++) {
      Object key = get(entities, names.get(i));
      if (key == null && whole) {
        throw RowBinary.missing("entity", names.get(i));
      }
      keys[i] = key == null ? "" : key.toString();
    }
    return keys;
  }

  static @Nullable Object[] carried(Map<?, ?> carried, List<String> names) {
    @Nullable Object[] values = new @Nullable Object[names.size()];
    for (int i = 0; i < values.length; i++) {
      Object value = get(carried, names.get(i));
      values[i] = value instanceof CharSequence ? value.toString() : value;
    }
    return values;
  }

  static double[] values(GenericRecord features, List<String> names, boolean whole)
      throws UndecodableException {
    double[] values = new double[names.size()];
    for (int i = 0; i < values.length; i++) {
      String name = names.get(i);
      Schema.Field field = features.getSchema().getField(name);
      if (field == null && whole) {
        throw RowBinary.missing("feature", name);
      }
      Object value = field == null ? null : features.get(field.pos());
      if (value == null) {
        values[i] = Double.NaN;
      } else if (value instanceof Number number) {
        values[i] = number.doubleValue();
      } else {
        throw new AvroTypeException("feature " + name + " is " + value + ", not a number");
      }
    }
    return values;
  }

  private static Map<String, Double>[] maps(
      GenericRecord features, List<String> names, boolean whole) throws UndecodableException {
    Map<String, Double>[] maps = FeatureRow.maps(names.size());
    for (int i = 0; i < maps.length; i++) {
      String name = names.get(i);
      if (!features.hasField(name)) {
        if (whole) {
          throw RowBinary.missing("feature", name);
        }
        continue;
      }
      if (!(features.get(name) instanceof Map<?, ?> written)) {
        throw new AvroTypeException("feature " + name + " is not a map");
      }
      Map<String, Double> values = new LinkedHashMap<>();
      written.forEach((key, value) -> values.put(key.toString(), ((Number) value).doubleValue()));
      maps[i] = values;
    }
    return maps;
  }

  /** Keys are String or Utf8, as the writer's schema asks for. */
  private static @Nullable Object get(Map<?, ?> map, String name) {
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      if (name.contentEquals((CharSequence) entry.getKey())) {
        return entry.getValue();
      }
    }
    return null;
  }
}
