package io.pelton.wire;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;

/** Schemas of records whose {@code features} field depends on the pipeline or the model. */
final class PipelineSchemas {
  static final String FEATURES = "features";
  private static final Schema FEATURE =
      Schema.createUnion(Schema.create(Schema.Type.NULL), Schema.create(Schema.Type.DOUBLE));
  private static final Schema MAP = Schema.createMap(Schema.create(Schema.Type.DOUBLE));

  private PipelineSchemas() {}

  /**
   * The fixed part, and a record with one nullable double a feature, in order, and after them one
   * map a feature that is a map.
   */
  static Schema withFeatures(
      String pipeline, Schema fixed, List<String> features, List<String> maps) {
    String namespace = namespace(pipeline);
    List<Schema.Field> values = new ArrayList<>(features.size());
    for (String feature : features) {
      values.add(new Schema.Field(feature, FEATURE, null, Schema.Field.NULL_DEFAULT_VALUE));
    }
    for (String map : maps) {
      values.add(new Schema.Field(map, MAP, null, Map.of()));
    }
    List<Schema.Field> fields = new ArrayList<>();
    for (Schema.Field field : fixed.getFields()) {
      fields.add(new Schema.Field(field, field.schema()));
    }
    Schema row = Schema.createRecord("Features", null, namespace, false, values);
    fields.add(new Schema.Field(FEATURES, row, "Missing values are null"));
    return Schema.createRecord(fixed.getName(), fixed.getDoc(), namespace, false, fields);
  }

  /** A pipeline's name as an Avro namespace: {@code card-fraud} becomes {@code card_fraud}. */
  private static String namespace(String pipeline) {
    String name = pipeline.replaceAll("[^A-Za-z0-9_]", "_");
    return "io.pelton.schemas." + (Character.isDigit(name.charAt(0)) ? "_" + name : name);
  }
}
