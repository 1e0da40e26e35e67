package io.pelton.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.FeatureRow;
import io.pelton.pipeline.PipelineDefinition;
import java.nio.ByteBuffer;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.junit.jupiter.api.Test;

class FeatureLogCodecTest {
  private final PipelineDefinition pipeline = CodecFixture.pipeline("amount", "risk", "night");
  private final FeatureLogCodec codec = new FeatureLogCodec(pipeline);

  private static FeatureRow row() {
    return new FeatureRow(
        "tx-1",
        1_700_000_000_123L,
        new String[] {"c9", "Zürich"},
        new double[] {1.5, Double.NaN, -0.0},
        new Object[] {7L, null});
  }

  private GenericRecord record(FeatureRow row) throws Exception {
    ByteBuffer bytes = codec.encode(row);
    return new GenericDatumReader<GenericRecord>(codec.schema())
        .read(null, DecoderFactory.get().binaryDecoder(bytes.array(), null));
  }

  @Test
  void readsBackWhatItWrote() throws Exception {
    FeatureRow row = row();
    row.overtook(1, 3);
    FeatureRow read = codec.decode(record(row));
    assertThat(read.id).isEqualTo(row.id);
    assertThat(read.time).isEqualTo(row.time);
    assertThat(read.keys).isEqualTo(row.keys);
    assertThat(read.carried).isEqualTo(row.carried);
    assertThat(read.values).isEqualTo(row.values);
    assertThat(read.overtaken).containsExactly(0, 3);
    assertThat(Double.doubleToRawLongBits(read.values[2]))
        .isEqualTo(Double.doubleToRawLongBits(-0.0));
  }

  @Test
  void writesNothingOfOrderWhenNothingWasOvertaken() throws Exception {
    FeatureRow read = codec.decode(record(row()));
    assertThat(read.overtaken).isEmpty();
    assertThat(read.overtaken(1)).isZero();
  }

  @Test
  void rowsOfAnotherVersionOfThePipelineAreReadByName() throws Exception {
    GenericRecord written = record(row());
    FeatureRow read = new FeatureLogCodec(CodecFixture.pipeline("night", "amount")).decode(written);
    assertThat(read.values).containsExactly(-0.0, 1.5);
    assertThatThrownBy(
            () -> new FeatureLogCodec(CodecFixture.pipeline("amount", "other")).decode(written))
        .isInstanceOf(UndecodableException.class)
        .hasMessageContaining("feature other: the record does not have it");
  }

  @Test
  void ofRowsOfAnotherVersionWhatTheyHaveCanBeRead() throws Exception {
    GenericRecord written = record(row());
    FeatureLogCodec later = new FeatureLogCodec(CodecFixture.pipeline("night", "other", "amount"));
    assertThat(later.missing(codec.schema())).containsExactly("other");
    assertThat(later.missing(later.schema())).isEmpty();
    FeatureRow read = later.decodeWhatItHas(written);
    assertThat(read.values).containsExactly(-0.0, Double.NaN, 1.5);
    assertThat(read.keys).containsExactly("c9", "Zürich");
  }
}
