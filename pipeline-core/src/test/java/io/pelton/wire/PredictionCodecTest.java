package io.pelton.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.model.FallbackReason;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.PipelineDefinition;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.junit.jupiter.api.Test;

class PredictionCodecTest {
  private final PipelineDefinition pipeline = CodecFixture.pipeline("amount", "risk", "night");
  private final PredictionCodec writing = new PredictionCodec(pipeline, StaticSchemaStore.of());

  private static ServedVersion version(int version, List<String> features, String... outputs) {
    return new ServedVersion(
        "card-fraud", version, "ab".repeat(32), "champion", features, List.of(outputs));
  }

  private static ScoredRow row(String id, ServedVersion served, double[] features, double... out) {
    return new ScoredRow(
        id, 42L, new String[] {"c", "t"}, new Object[] {7L, null}, served, features, -5L, out);
  }

  @Test
  void aStoreThatCannotBeAskedIsNoFaultOfTheRecord() {
    byte[] bytes =
        writing.encode(row("a", version(1, List.of("amount"), "score"), new double[] {1}, 0.25));
    SchemaStore down =
        fingerprint -> {
          throw new IllegalStateException("the schemas topic cannot be read");
        };
    assertThatThrownBy(() -> new PredictionCodec(pipeline, down).decode(bytes))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> new FeatureVectorCodec(pipeline, down).decode(bytes))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void readsBackRowsOfSeveralVersions() throws Exception {
    ServedVersion first = version(1, List.of("night", "amount"), "score");
    ServedVersion second = version(2, List.of("amount"), "score", "uncertainty");
    List<byte[]> topic = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      topic.add(writing.encode(row("a" + i, first, new double[] {1, Double.NaN}, 0.25)));
      topic.add(writing.encode(row("b" + i, second, new double[] {3}, 0.5, 0.1)));
    }
    PredictionCodec reading =
        new PredictionCodec(
            pipeline,
            StaticSchemaStore.of(
                PredictionCodec.schema(pipeline, first.features()),
                PredictionCodec.schema(pipeline, second.features())));

    List<ScoredRow> read = new ArrayList<>();
    for (byte[] bytes : topic) {
      read.add(reading.decode(bytes));
    }

    ScoredRow a = read.get(0);
    assertThat(a.id).isEqualTo("a0");
    assertThat(a.time).isEqualTo(42L);
    assertThat(a.keys).containsExactly("c", "t");
    assertThat(a.carried).containsExactly(7L, null);
    assertThat(a.served).isEqualTo(first);
    assertThat(a.features).containsExactly(1, Double.NaN);
    assertThat(a.featureDigest).isEqualTo(-5L);
    assertThat(a.outputs).containsExactly(0.25);
    ScoredRow b = read.get(1);
    assertThat(b.served).isEqualTo(second);
    assertThat(b.outputs).containsExactly(0.5, 0.1);
    assertThat(read.get(2).served).isSameAs(a.served);
    assertThat(read.get(5).served).isSameAs(b.served);
  }

  @Test
  void tellsVersionsApartThatDifferInOneThingOnly() throws Exception {
    List<String> features = List.of("amount");
    List<ServedVersion> versions =
        List.of(
            version(1, features, "score"),
            version(2, features, "score"),
            version(2, features, "score", "more"),
            version(2, features, "score"),
            version(2, features, "other"),
            new ServedVersion("other", 2, "ab", "champion", features, List.of("other")),
            new ServedVersion("other", 2, "cd", "champion", features, List.of("other")),
            new ServedVersion("other", 2, "cd", "challenger", features, List.of("other")));
    StaticSchemaStore store = StaticSchemaStore.of(PredictionCodec.schema(pipeline, features));
    PredictionCodec reading = new PredictionCodec(pipeline, store);
    for (ServedVersion served : versions) {
      double[] outputs = new double[served.outputs().size()];
      byte[] bytes = writing.encode(row("x", served, new double[] {1}, outputs));
      assertThat(reading.decode(bytes).served).isEqualTo(served);
    }
  }

  @Test
  void tellsWhyAnotherVersionScored() throws Exception {
    ServedVersion served = version(3, List.of("amount"), "score");
    Schema schema = PredictionCodec.schema(pipeline, List.of("amount"));
    PredictionCodec reading = new PredictionCodec(pipeline, StaticSchemaStore.of(schema));
    for (FallbackReason reason : FallbackReason.values()) {
      byte[] bytes = writing.encode(fallback(served, reason));
      assertThat(reading.decode(bytes).fallback).isEqualTo(reason);
      assertThat(avro(schema, bytes).get("fallback")).hasToString(reason.label());
    }
    byte[] bytes = writing.encode(row("x", served, new double[] {1}, 0.5));
    assertThat(reading.decode(bytes).fallback).isNull();
    assertThat(avro(schema, bytes).get("fallback")).isNull();
  }

  @Test
  void readsPredictionsOfReleasesWithoutFallbacks() throws Exception {
    ServedVersion served = version(3, List.of("amount"), "score");
    Schema ours = PredictionCodec.schema(pipeline, List.of("amount"));
    Schema before =
        Schema.createRecord(
            ours.getName(),
            null,
            ours.getNamespace(),
            false,
            ours.getFields().stream()
                .filter(field -> !field.name().equals("fallback"))
                .map(field -> new Schema.Field(field, field.schema()))
                .toList());
    GenericRecord now = avro(ours, writing.encode(fallback(served, FallbackReason.TIMEOUT)));
    GenericData.Record record = new GenericData.Record(before);
    before.getFields().forEach(field -> record.put(field.name(), now.get(field.name())));
    SingleObject.Buffer out = new SingleObject.Buffer();
    out.reset(SingleObject.header(before));
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<GenericRecord>(before).write(record, encoder);
    encoder.flush();

    ScoredRow read = new PredictionCodec(pipeline, StaticSchemaStore.of(before)).decode(out.copy());

    assertThat(read.served).isEqualTo(served);
    assertThat(read.outputs).containsExactly(0.5);
    assertThat(read.fallback).isNull();
  }

  private static ScoredRow fallback(ServedVersion served, FallbackReason reason) {
    return new ScoredRow(
        "x",
        42L,
        new String[] {"c", "t"},
        new Object[] {7L, null},
        served,
        new double[] {1},
        -5L,
        new double[] {0.5},
        reason);
  }

  private static GenericRecord avro(Schema schema, byte[] bytes) throws IOException {
    return new GenericDatumReader<GenericRecord>(schema)
        .read(null, DecoderFactory.get().binaryDecoder(bytes, 10, bytes.length - 10, null));
  }

  @Test
  void isReadByAnyAvroReader() throws Exception {
    byte[] bytes =
        writing.encode(
            row("x", version(3, List.of("risk"), "score"), new double[] {Double.NaN}, 0.75));
    GenericRecord record =
        new GenericDatumReader<GenericRecord>(PredictionCodec.schema(pipeline, List.of("risk")))
            .read(null, DecoderFactory.get().binaryDecoder(bytes, 10, bytes.length - 10, null));
    assertThat(record.get("model")).hasToString("card-fraud");
    assertThat(record.get("version")).isEqualTo(3);
    assertThat(record.get("variant")).hasToString("champion");
    assertThat(((Map<?, ?>) record.get("outputs")).values().toArray()).containsExactly(0.75);
    assertThat(((GenericRecord) record.get("features")).get("risk")).isNull();
  }

  @Test
  void readsAnotherShapeOfPredictionByName() throws Exception {
    Schema ours = PredictionCodec.schema(pipeline, List.of("amount"));
    byte[] bytes =
        writing.encode(row("x", version(3, List.of("amount"), "score"), new double[] {2}, 0.75));
    GenericRecord record =
        new GenericDatumReader<GenericRecord>(ours)
            .read(null, DecoderFactory.get().binaryDecoder(bytes, 10, bytes.length - 10, null));
    List<Schema.Field> fields = new ArrayList<>();
    for (Schema.Field field : ours.getFields()) {
      fields.add(0, new Schema.Field(field, field.schema()));
    }
    Schema reversed =
        Schema.createRecord("Prediction", null, "io.pelton.schemas.card_fraud", false, fields);
    SingleObject.Buffer out = new SingleObject.Buffer();
    out.reset(SingleObject.header(reversed));
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    org.apache.avro.generic.GenericData.Record copy =
        new org.apache.avro.generic.GenericData.Record(reversed);
    ours.getFields().forEach(field -> copy.put(field.name(), record.get(field.name())));
    new GenericDatumWriter<GenericRecord>(reversed).write(copy, encoder);
    encoder.flush();

    ScoredRow read =
        new PredictionCodec(pipeline, StaticSchemaStore.of(reversed)).decode(out.copy());

    assertThat(read.id).isEqualTo("x");
    assertThat(read.served).isEqualTo(version(3, List.of("amount"), "score"));
    assertThat(read.features).containsExactly(2);
    assertThat(read.outputs).containsExactly(0.75);
  }
}
