package io.pelton.wire;

import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;

/**
 * A pipeline's feature rows as the feature log holds them: the feature vector of the features
 * topic, and by entity how many later events of its key had been served before it. Written without
 * any Avro object in between, read by name, so that rows of another version of the pipeline file
 * are read too. One thread at a time.
 */
public final class FeatureLogCodec {
  private static final String OVERTAKEN = "overtaken";

  private final Schema schema;
  private final List<String> features;
  private final List<String> maps;
  private final List<String> entities;
  private final List<String> carry;
  private final RowBinary binary;
  private final ByteArrayOutputStream buffer = new ByteArrayOutputStream(512);
  private final BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(buffer, null);

  public FeatureLogCodec(PipelineDefinition pipeline) {
    schema = schema(pipeline);
    features = pipeline.featureNames();
    maps = pipeline.mapNames();
    entities = pipeline.entityNames();
    carry = pipeline.carry();
    binary = new RowBinary(entities, carry);
  }

  /** The feature vector's fields, then {@code overtaken}. */
  public static Schema schema(PipelineDefinition pipeline) {
    Schema vector = FeatureVectorCodec.schema(pipeline);
    List<Schema.Field> fields = new ArrayList<>();
    for (Schema.Field field : vector.getFields()) {
      fields.add(new Schema.Field(field, field.schema()));
    }
    fields.add(
        new Schema.Field(
            OVERTAKEN,
            Schema.createMap(Schema.create(Schema.Type.INT)),
            "Entity name to how many later events of its key had been served before this one; only"
                + " those with any",
            Map.of()));
    return Schema.createRecord(
        "LoggedFeatures",
        "What was served for one event",
        vector.getNamespace(),
        vector.isError(),
        fields);
  }

  public Schema schema() {
    return schema;
  }

  /** A row as a record of {@link #schema()} in Avro binary. */
  public ByteBuffer encode(FeatureRow row) {
    try {
      buffer.reset();
      binary.writeRow(encoder, row, features.size());
      writeOvertaken(row);
      encoder.flush();
      return ByteBuffer.wrap(buffer.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void writeOvertaken(FeatureRow row) throws IOException {
    int entries = 0;
    for (int entity = 0; entity < row.overtaken.length; entity++) {
      entries += row.overtaken[entity] > 0 ? 1 : 0;
    }
    encoder.writeMapStart();
    encoder.setItemCount(entries);
    for (int entity = 0; entity < row.overtaken.length; entity++) {
      if (row.overtaken[entity] > 0) {
        encoder.startItem();
        encoder.writeString(entities.get(entity));
        encoder.writeInt(row.overtaken[entity]);
      }
    }
    encoder.writeMapEnd();
  }

  /**
   * A row as it was served; a record of the log of any version of the pipeline file.
   *
   * @throws UndecodableException when it is none, or lacks a feature or an entity of this pipeline
   */
  public FeatureRow decode(GenericRecord record) throws UndecodableException {
    return decode(record, true);
  }

  /**
   * The same of what a record has: keys of entities that it lacks are empty, features missing.
   *
   * @throws UndecodableException when it is none
   */
  public FeatureRow decodeWhatItHas(GenericRecord record) throws UndecodableException {
    return decode(record, false);
  }

  /** This pipeline's features that records of a writer's schema lack. */
  public List<String> missing(Schema writer) {
    Schema.Field written = writer.getField(PipelineSchemas.FEATURES);
    if (written == null || written.schema().getType() != Schema.Type.RECORD) {
      return List.of();
    }
    return Stream.concat(features.stream(), maps.stream())
        .filter(name -> written.schema().getField(name) == null)
        .toList();
  }

  private FeatureRow decode(GenericRecord record, boolean whole) throws UndecodableException {
    try {
      FeatureRow row = RowGeneric.row(record, entities, features, maps, carry, whole);
      for (Map.Entry<?, ?> entry : RowGeneric.map(record, OVERTAKEN).entrySet()) {
        int entity = entities.indexOf(entry.getKey().toString());
        if (entity >= 0 && entry.getValue() instanceof Integer events) {
          row.overtook(entity, events);
        }
      }
      return row;
    } catch (AvroRuntimeException e) {
      throw new UndecodableException("is no row of a feature log: " + e.getMessage(), e);
    }
  }
}
