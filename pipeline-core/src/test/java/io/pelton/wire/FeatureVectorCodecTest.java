package io.pelton.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.junit.jupiter.api.Test;

class FeatureVectorCodecTest {
  private static final SchemaStore NONE = StaticSchemaStore.of();
  private final PipelineDefinition pipeline = CodecFixture.pipeline("amount", "risk", "night");
  private final FeatureVectorCodec codec = new FeatureVectorCodec(pipeline, NONE);

  private static FeatureRow row(Object... carried) {
    return new FeatureRow(
        "tx-1",
        1_700_000_000_123L,
        new String[] {"c9", "Zürich"},
        values(1.5, Double.NaN, -0.0),
        carried);
  }

  private static double[] values(double... values) {
    return values;
  }

  @Test
  void readsBackWhatItWrote() throws Exception {
    for (Object carried : new Object[] {null, true, 7L, 2.5, "text"}) {
      FeatureRow read = codec.decode(codec.encode(row(carried, "ch")));
      assertThat(read.id).isEqualTo("tx-1");
      assertThat(read.time).isEqualTo(1_700_000_000_123L);
      assertThat(read.keys).containsExactly("c9", "Zürich");
      assertThat(read.carried).containsExactly(carried, "ch");
      assertThat(bits(read.values)).isEqualTo(bits(values(1.5, Double.NaN, -0.0)));
    }
  }

  @Test
  void readsBackGeneratedRows() throws Exception {
    Random random = new Random(7);
    for (int i = 0; i < 2_000; i++) {
      double[] values = {
        Double.longBitsToDouble(random.nextLong()), random.nextGaussian(), random.nextInt()
      };
      String id = Long.toString(random.nextLong(), 36).repeat(random.nextInt(40) + 1);
      FeatureRow read =
          codec.decode(
              codec.encode(
                  new FeatureRow(
                      id,
                      random.nextLong(),
                      new String[] {"k" + i, id},
                      values,
                      new Object[] {random.nextLong(), null})));
      assertThat(read.id).isEqualTo(id);
      assertThat(read.keys).containsExactly("k" + i, id);
      assertThat(bits(read.values)).isEqualTo(bits(values));
    }
  }

  @Test
  void isReadByAnyAvroReader() throws Exception {
    byte[] bytes = codec.encode(row(7L, null));
    assertThat(bytes).startsWith(0xC3, 0x01);
    assertThat(SingleObject.fingerprint(bytes))
        .isEqualTo(SingleObject.fingerprint(FeatureVectorCodec.schema(pipeline)));

    GenericRecord record =
        new GenericDatumReader<GenericRecord>(FeatureVectorCodec.schema(pipeline))
            .read(null, DecoderFactory.get().binaryDecoder(bytes, 10, bytes.length - 10, null));

    assertThat(record.getSchema().getFullName())
        .isEqualTo("io.pelton.schemas.card_fraud.FeatureVector");
    assertThat(record.get("eventId")).hasToString("tx-1");
    assertThat(record.get("eventTime")).isEqualTo(1_700_000_000_123L);
    assertThat(record.get("entities")).hasToString("{terminal=Zürich, customer=c9}");
    assertThat(((Map<?, ?>) record.get("carried")).values().toArray())
        .containsExactlyInAnyOrder(7L, null);
    GenericRecord features = (GenericRecord) record.get("features");
    assertThat(features.get("amount")).isEqualTo(1.5);
    assertThat(features.get("risk")).isNull();
    assertThat(features.getSchema().getFields())
        .extracting(Schema.Field::name)
        .containsExactly("amount", "risk", "night");
  }

  @Test
  void leavesOutInputsOfAggregatesThatFollowTheFeatures() throws Exception {
    FeatureRow row = row(1L, null);
    row.values = values(1, 2, 3, 4, 5);
    assertThat(codec.decode(codec.encode(row)).values).containsExactly(1, 2, 3);
  }

  @Test
  void resolvesAnotherVersionOfThePipelineByName() throws Exception {
    PipelineDefinition wider = CodecFixture.pipeline("extra", "night", "amount", "risk");
    FeatureRow written = row(7L, "ch");
    written.values = values(9, 3, 1, Double.NaN);
    byte[] bytes = new FeatureVectorCodec(wider, NONE).encode(written);

    FeatureRow read =
        new FeatureVectorCodec(pipeline, StaticSchemaStore.of(FeatureVectorCodec.schema(wider)))
            .decode(bytes);

    assertThat(read.id).isEqualTo("tx-1");
    assertThat(read.keys).containsExactly("c9", "Zürich");
    assertThat(read.carried).containsExactly(7L, "ch");
    assertThat(bits(read.values)).isEqualTo(bits(values(1, Double.NaN, 3)));
  }

  @Test
  void namesTheFeatureThatTheWriterDidNotHave() {
    PipelineDefinition narrower = CodecFixture.pipeline("amount", "night");
    byte[] bytes = new FeatureVectorCodec(narrower, NONE).encode(row(7L, "ch"));
    FeatureVectorCodec reading =
        new FeatureVectorCodec(pipeline, StaticSchemaStore.of(FeatureVectorCodec.schema(narrower)));
    assertThatThrownBy(() -> reading.decode(bytes))
        .isInstanceOf(UndecodableException.class)
        .hasMessageStartingWith("feature risk: the record does not have it");
  }

  @Test
  void saysWhatIsWrongWithBytesItCannotRead() {
    assertThatThrownBy(() -> codec.decode(null))
        .isInstanceOf(UndecodableException.class)
        .hasMessageContaining("null");
    assertThatThrownBy(() -> codec.decode(new byte[] {1, 2, 3}))
        .isInstanceOf(UndecodableException.class)
        .hasMessageContaining("value of 3 bytes starts with 01 02 03");
    byte[] foreign = codec.encode(row(1L, null));
    foreign[5]++;
    assertThatThrownBy(() -> codec.decode(foreign))
        .isInstanceOfSatisfying(
            UndecodableException.class,
            e -> assertThat(e.reason()).isEqualTo(UndecodableException.UNKNOWN_SCHEMA));
  }

  @Test
  void neverThrowsAnythingElseOnDamagedBytes() throws Exception {
    byte[] whole = codec.encode(row(7L, "ch"));
    Random random = new Random(11);
    int refused = 0;
    for (int i = 0; i < 5_000; i++) {
      byte[] damaged = Arrays.copyOf(whole, 10 + random.nextInt(whole.length - 9));
      for (int j = 0; j < 3 && damaged.length > 10; j++) {
        damaged[10 + random.nextInt(damaged.length - 10)] = (byte) random.nextInt();
      }
      try {
        codec.decode(damaged);
      } catch (UndecodableException expected) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(3_000);
    assertThat(codec.decode(whole).id).isEqualTo("tx-1");
  }

  private static long[] bits(double[] values) {
    return Arrays.stream(values).mapToLong(Double::doubleToLongBits).toArray();
  }
}
