package io.pelton.wire;

import io.pelton.model.FallbackReason;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.Prediction;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.avro.AvroTypeException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.util.Utf8;
import org.jspecify.annotations.Nullable;

/**
 * A pipeline's predictions in Avro single-object encoding. The schema depends on the input features
 * of the version that scored, so a topic may hold several; whoever loads a version publishes its
 * {@link #schema} first. Decoded rows of one version share one {@link ServedVersion}. One thread at
 * a time.
 */
public final class PredictionCodec {
  private final String pipeline;
  private final List<String> entities;
  private final List<String> carry;
  private final SchemaStore store;
  private final RowBinary binary;

  private final Map<ServedVersion, Writing> writings = new HashMap<>();
  private @Nullable ServedVersion lastWritten;
  private @Nullable Writing lastWriting;
  private final SingleObject.Buffer buffer = new SingleObject.Buffer();
  private final BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(buffer, null);

  private final Map<ServedVersion, ServedVersion> interned = new HashMap<>();
  private final Map<Long, Reading> readings = new HashMap<>();
  private @Nullable BinaryDecoder decoder;

  /** What records of one served version have in common. */
  private record Writing(byte[] header, Utf8[] outputs) {}

  /**
   * @param store has the schemas of what is read
   */
  public PredictionCodec(PipelineDefinition pipeline, SchemaStore store) {
    this.pipeline = pipeline.name();
    this.entities = pipeline.entityNames();
    this.carry = pipeline.carry();
    this.store = store;
    this.binary = new RowBinary(entities, carry);
  }

  /** Schema of predictions by a version with these input features. */
  public static Schema schema(PipelineDefinition pipeline, List<String> modelFeatures) {
    return PipelineSchemas.withFeatures(
        pipeline.name(), Prediction.getClassSchema(), modelFeatures, List.of());
  }

  public byte[] encode(ScoredRow row) {
    Writing writing = lastWriting;
    if (writing == null || row.served != lastWritten) {
      writing = writings.computeIfAbsent(row.served, this::writing);
      lastWritten = row.served;
      lastWriting = writing;
    }
    ServedVersion served = row.served;
    try {
      buffer.reset(writing.header);
      encoder.writeString(row.id);
      encoder.writeLong(row.time);
      binary.writeKeys(encoder, row.keys);
      binary.writeCarried(encoder, row.carried);
      encoder.writeString(served.model());
      encoder.writeInt(served.version());
      encoder.writeString(served.artifactDigest());
      encoder.writeString(served.variant());
      encoder.writeLong(row.featureDigest);
      encoder.writeMapStart();
      encoder.setItemCount(writing.outputs.length);
      for (int i = 0; i < writing.outputs.length; i++) {
        encoder.startItem();
        encoder.writeString(writing.outputs[i]);
        encoder.writeDouble(row.outputs[i]);
      }
      encoder.writeMapEnd();
      FallbackReason fallback = row.fallback;
      encoder.writeIndex(fallback == null ? 0 : 1);
      if (fallback != null) {
        encoder.writeString(fallback.label());
      }
      RowBinary.writeFeatures(encoder, row.features, row.features.length);
      encoder.flush();
      return buffer.copy();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Writing writing(ServedVersion served) {
    return new Writing(
        SingleObject.header(ours(served.features())), RowBinary.utf8(served.outputs()));
  }

  private Schema ours(List<String> features) {
    return PipelineSchemas.withFeatures(pipeline, Prediction.getClassSchema(), features, List.of());
  }

  /**
   * @throws UndecodableException when the bytes are not a prediction, its schema is not in the
   *     store, or it lacks an entity of this pipeline
   */
  public ScoredRow decode(byte @Nullable [] value) throws UndecodableException {
    byte[] bytes = SingleObject.present(value);
    long written = SingleObject.fingerprint(bytes);
    Reading reading = readings.get(written);
    // A store that cannot be asked is no fault of the record.
    Schema writer = reading == null ? SingleObject.writer(written, store) : null;
    try {
      if (reading == null) {
        reading = reading(written, Objects.requireNonNull(writer));
        readings.put(written, reading);
      }
      BinaryDecoder in =
          DecoderFactory.get()
              .binaryDecoder(
                  bytes, SingleObject.HEADER, bytes.length - SingleObject.HEADER, decoder);
      decoder = in;
      return reading.read(in);
    } catch (IOException | RuntimeException e) {
      throw new UndecodableException("is not a prediction as its schema says: " + e, e);
    }
  }

  private Reading reading(long written, Schema writer) {
    Schema.Field field = writer.getField(PipelineSchemas.FEATURES);
    if (field == null || field.schema().getType() != Schema.Type.RECORD) {
      throw new AvroTypeException(
          "schema " + writer.getFullName() + " has no record field " + PipelineSchemas.FEATURES);
    }
    List<String> features = field.schema().getFields().stream().map(Schema.Field::name).toList();
    return SingleObject.fingerprint(ours(features)) == written
        ? new BinaryReading(features)
        : new GenericReading(writer, features);
  }

  private ServedVersion intern(ServedVersion served) {
    ServedVersion known = interned.putIfAbsent(served, served);
    return known != null ? known : served;
  }

  /** How records of one writer's schema are read. */
  private interface Reading {
    ScoredRow read(BinaryDecoder in) throws IOException, UndecodableException;
  }

  /** Records of our own schema: no Avro object in between. */
  private final class BinaryReading implements Reading {
    private final List<String> features;
    private final Text model = new Text();
    private final Text digest = new Text();
    private final Text variant = new Text();
    private final Utf8 output = new Utf8();
    private Utf8[] outputs = new Utf8[0];
    private double[] values = new double[4];
    private @Nullable ServedVersion last;

    BinaryReading(List<String> features) {
      this.features = features;
    }

    @Override
    public ScoredRow read(BinaryDecoder in) throws IOException, UndecodableException {
      String id = in.readString();
      long time = in.readLong();
      String[] keys = binary.readKeys(in);
      @Nullable Object[] carried = binary.readCarried(in);
      boolean same = model.read(in);
      int version = in.readInt();
      same &= digest.read(in);
      same &= variant.read(in);
      long featureDigest = in.readLong();

      int count = 0;
      boolean sameOutputs = true;
      for (long n = in.readMapStart(); n != 0; n = in.mapNext()) {
        for (long i = 0; i < n; i++) {
          in.readString(output);
          sameOutputs &= count < outputs.length && outputs[count].equals(output);
          if (!sameOutputs) {
            outputs = Arrays.copyOf(outputs, count + 1);
            outputs[count] = new Utf8(output);
          }
          if (count == values.length) {
            values = Arrays.copyOf(values, 2 * count);
          }
          values[count++] = in.readDouble();
        }
      }
      if (count != outputs.length) {
        outputs = Arrays.copyOf(outputs, count);
        sameOutputs = false;
      }

      ServedVersion served = last;
      if (served == null || !same || !sameOutputs || served.version() != version) {
        List<String> names = new ArrayList<>(count);
        for (Utf8 name : outputs) {
          names.add(name.toString());
        }
        served =
            intern(
                new ServedVersion(model.text, version, digest.text, variant.text, features, names));
        last = served;
      }
      @Nullable FallbackReason fallback =
          in.readIndex() == 0 ? null : FallbackReason.of(in.readString());
      double[] row = RowBinary.readFeatures(in, features.size());
      return new ScoredRow(
          id,
          time,
          keys,
          carried,
          served,
          row,
          featureDigest,
          Arrays.copyOf(values, count),
          fallback);
    }
  }

  /** A string that is mostly the one before. */
  private static final class Text {
    private final Utf8 read = new Utf8();
    private Utf8 known = new Utf8();
    private String text = "";

    /** Whether it is the same as before. */
    boolean read(BinaryDecoder in) throws IOException {
      in.readString(read);
      if (read.equals(known)) {
        return true;
      }
      known = new Utf8(read);
      text = read.toString();
      return false;
    }
  }

  /** Null also in predictions of earlier releases, which lack the field. */
  private static @Nullable FallbackReason fallback(GenericRecord record) {
    return record.hasField("fallback") && record.get("fallback") != null
        ? FallbackReason.of(RowGeneric.text(record, "fallback"))
        : null;
  }

  /** Records of another shape of prediction, taken by name. */
  private final class GenericReading implements Reading {
    private final GenericDatumReader<GenericRecord> reader;
    private final List<String> features;

    GenericReading(Schema writer, List<String> features) {
      this.reader = new GenericDatumReader<>(writer);
      this.features = features;
    }

    @Override
    public ScoredRow read(BinaryDecoder in) throws IOException, UndecodableException {
      GenericRecord record = reader.read(null, in);
      Map<?, ?> outputs = RowGeneric.map(record, "outputs");
      List<String> names = new ArrayList<>();
      double[] values = new double[outputs.size()];
      outputs.forEach(
          (name, value) -> {
            values[names.size()] = ((Number) value).doubleValue();
            names.add(name.toString());
          });
      ServedVersion served =
          intern(
              new ServedVersion(
                  RowGeneric.text(record, "model"),
                  (int) RowGeneric.number(record, "version"),
                  RowGeneric.text(record, "artifactDigest"),
                  RowGeneric.text(record, "variant"),
                  features,
                  names));
      return new ScoredRow(
          RowGeneric.text(record, "eventId"),
          RowGeneric.number(record, "eventTime"),
          RowGeneric.keys(RowGeneric.map(record, "entities"), entities, true),
          RowGeneric.carried(RowGeneric.map(record, "carried"), carry),
          served,
          RowGeneric.values(RowGeneric.features(record), features, true),
          RowGeneric.number(record, "featureDigest"),
          values,
          fallback(record));
    }
  }
}
