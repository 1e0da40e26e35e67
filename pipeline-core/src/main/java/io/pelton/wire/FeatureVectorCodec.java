package io.pelton.wire;

import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.FeatureVector;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.jspecify.annotations.Nullable;

/**
 * A pipeline's feature rows in Avro single-object encoding. Records of this pipeline file are
 * written and read without any Avro object in between; those of another version of it are resolved
 * by name. One thread at a time.
 */
public final class FeatureVectorCodec {
  private final Schema schema;
  private final long fingerprint;
  private final byte[] header;
  private final List<String> features;
  private final List<String> maps;
  private final List<String> entities;
  private final List<String> carry;
  private final SchemaStore store;
  private final RowBinary binary;
  private final Map<Long, GenericDatumReader<GenericRecord>> others = new HashMap<>();
  private final SingleObject.Buffer buffer = new SingleObject.Buffer();
  private final BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(buffer, null);
  private @Nullable BinaryDecoder decoder;

  /**
   * @param store where the schemas of other versions of the pipeline file are found
   */
  public FeatureVectorCodec(PipelineDefinition pipeline, SchemaStore store) {
    this.schema = schema(pipeline);
    this.fingerprint = SingleObject.fingerprint(schema);
    this.header = SingleObject.header(schema);
    this.features = pipeline.featureNames();
    this.maps = pipeline.mapNames();
    this.entities = pipeline.entityNames();
    this.carry = pipeline.carry();
    this.store = store;
    this.binary = new RowBinary(entities, carry);
  }

  /** The pipeline's own schema: FeatureVector.avsc and its features in order. */
  public static Schema schema(PipelineDefinition pipeline) {
    return PipelineSchemas.withFeatures(
        pipeline.name(),
        FeatureVector.getClassSchema(),
        pipeline.featureNames(),
        pipeline.mapNames());
  }

  public Schema schema() {
    return schema;
  }

  public byte[] encode(FeatureRow row) {
    try {
      buffer.reset(header);
      binary.writeRow(encoder, row, features.size());
      encoder.flush();
      return buffer.copy();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * @throws UndecodableException when the bytes are not a feature vector, its schema is not in the
   *     store, or it lacks a feature or an entity of this pipeline
   */
  public FeatureRow decode(byte @Nullable [] value) throws UndecodableException {
    byte[] bytes = SingleObject.present(value);
    long written = SingleObject.fingerprint(bytes);
    // A store that cannot be asked is no fault of the record.
    GenericDatumReader<GenericRecord> other = written == fingerprint ? null : other(written);
    try {
      BinaryDecoder in =
          DecoderFactory.get()
              .binaryDecoder(
                  bytes, SingleObject.HEADER, bytes.length - SingleObject.HEADER, decoder);
      decoder = in;
      return other == null ? read(in) : resolve(other, in);
    } catch (IOException | RuntimeException e) {
      throw new UndecodableException("is not a feature vector as its schema says: " + e, e);
    }
  }

  private FeatureRow read(BinaryDecoder in) throws IOException, UndecodableException {
    String id = in.readString();
    long time = in.readLong();
    String[] keys = binary.readKeys(in);
    @Nullable Object[] carried = binary.readCarried(in);
    FeatureRow row =
        new FeatureRow(id, time, keys, RowBinary.readFeatures(in, features.size()), carried);
    row.maps = RowBinary.readMaps(in, maps.size());
    return row;
  }

  private GenericDatumReader<GenericRecord> other(long written) throws UndecodableException {
    GenericDatumReader<GenericRecord> reader = others.get(written);
    if (reader == null) {
      reader = new GenericDatumReader<>(SingleObject.writer(written, store));
      others.put(written, reader);
    }
    return reader;
  }

  private FeatureRow resolve(GenericDatumReader<GenericRecord> reader, BinaryDecoder in)
      throws IOException, UndecodableException {
    return RowGeneric.row(reader.read(null, in), entities, features, maps, carry, true);
  }
}
