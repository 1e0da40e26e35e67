package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeatureRow;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.core.memory.DataOutputViewStreamWrapper;
import org.assertj.core.api.recursive.comparison.RecursiveComparisonConfiguration;
import org.junit.jupiter.api.Test;

class RowSerializersTest {
  /** NaN equals NaN, and -0.0 is not 0.0. */
  private static final RecursiveComparisonConfiguration EXACT =
      RecursiveComparisonConfiguration.builder()
          .withEqualsForType(Double::equals, Double.class)
          .build();

  private static FeatureRow row() {
    FeatureRow row =
        new FeatureRow(
            "größe-1",
            -5,
            new String[] {"a", "ключ"},
            new double[] {1.5, Double.NaN, -0.0, Double.NEGATIVE_INFINITY},
            new Object[] {null, true, false, 7L, 2.5, "text"});
    row.history = true;
    row.late = true;
    row.entered = true;
    return row;
  }

  private static <T> T writtenAndRead(TypeSerializer<T> serializer, T value) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(16);
    serializer.serialize(value, out);
    DataOutputSerializer copied = new DataOutputSerializer(16);
    serializer.copy(new DataInputDeserializer(out.getCopyOfBuffer()), copied);
    assertThat(copied.getCopyOfBuffer()).isEqualTo(out.getCopyOfBuffer());
    DataInputDeserializer in = new DataInputDeserializer(copied.getCopyOfBuffer());
    T read = serializer.deserialize(in);
    assertThat(in.available()).isZero();
    return read;
  }

  @Test
  void featureRowsSurviveWritingAndCopying() throws IOException {
    TypeSerializer<FeatureRow> serializer =
        new FeatureRowTypeInfo().createSerializer(new SerializerConfigImpl());
    FeatureRow row = row();
    FeatureRow copy = serializer.copy(row);
    assertThat(copy).isNotSameAs(row).usingRecursiveComparison(EXACT).isEqualTo(row);
    assertThat(copy.values).isNotSameAs(row.values);
    assertThat(writtenAndRead(serializer, row)).usingRecursiveComparison(EXACT).isEqualTo(row);
  }

  @Test
  void featureRowsKeepWhatTheyOvertook() throws IOException {
    for (boolean history : new boolean[] {false, true}) {
      FeatureRow row = row();
      row.history = history;
      row.overtook(1, 3);
      assertThat(writtenAndRead(FeatureRowSerializer.INSTANCE, row).overtaken)
          .containsExactly(0, 3);
      assertThat(writtenAndRead(FeatureRowSerializer.INSTANCE, row).history).isEqualTo(history);
      FeatureRow copy = FeatureRowSerializer.INSTANCE.copy(row);
      copy.overtook(0, 1);
      assertThat(row.overtaken(0)).isZero();
    }
  }

  @Test
  void featureRowsKeepEachOfManyNumbersAndMissingOnes() throws Exception {
    for (int count : new int[] {0, 1, 63, 64, 65, 200}) {
      double[] values = new double[count];
      for (int i = 0; i < count; i++) {
        values[i] =
            switch (i % 5) {
              case 0 -> Double.NaN;
              case 1 -> -0.0;
              case 2 -> Double.NEGATIVE_INFINITY;
              case 3 -> 0;
              default -> 1.5 * i;
            };
      }
      FeatureRow row =
          new FeatureRow("7", 5, new String[] {"key"}, values, new Object[] {1L, null});
      DataOutputSerializer out = new DataOutputSerializer(16);
      FeatureRowSerializer.INSTANCE.serialize(row, out);
      // By another thread, as at the other end of an exchange.
      FutureTask<FeatureRow> reading =
          new FutureTask<>(
              () ->
                  FeatureRowSerializer.INSTANCE.deserialize(
                      new DataInputDeserializer(out.getCopyOfBuffer())));
      new Thread(reading).start();
      FeatureRow read = reading.get();
      assertThat(read.values).isEqualTo(values);
      assertThat(read.carried).isEqualTo(row.carried);
    }
  }

  @Test
  void textsAreKeptWhateverTheyHold() throws IOException {
    StringBuilder every = new StringBuilder();
    for (int i = 0; i < 300; i++) {
      every.append((char) i);
    }
    // The last is half of a pair.
    for (String text : List.of("", "a", "\u00e9\u00ff", every.toString(), "\u20ac", "x\ud83d")) {
      DataOutputSerializer out = new DataOutputSerializer(16);
      Texts.write(text, out);
      DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());
      assertThat(Texts.read(in)).isEqualTo(text);
      assertThat(Texts.read(new Texts.Input(out.getCopyOfBuffer(), out.length()))).isEqualTo(text);
      assertThat(in.available()).isZero();

      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      Texts.write(text, new DataOutputViewStreamWrapper(stream));
      assertThat(stream.toByteArray()).isEqualTo(out.getCopyOfBuffer());
    }
  }

  @Test
  void featureRowsAreCopiedWithoutBeingRead() throws IOException {
    DataOutputSerializer written = new DataOutputSerializer(16);
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    FeatureRow row = row();
    FeatureRowSerializer.INSTANCE.serialize(row, written);
    FeatureRowSerializer.INSTANCE.serialize(row, new DataOutputViewStreamWrapper(stream));
    written.write(stream.toByteArray());
    DataInputDeserializer in = new DataInputDeserializer(written.getCopyOfBuffer());
    DataOutputSerializer copied = new DataOutputSerializer(16);
    FeatureRowSerializer.INSTANCE.copy(in, copied);
    assertThat(in.available()).isEqualTo(copied.length());
    FeatureRowSerializer.INSTANCE.copy(in, copied);
    assertThat(copied.getCopyOfBuffer()).isEqualTo(written.getCopyOfBuffer());
  }

  @Test
  void incomingRecordsSurviveWithRowOrRejection() throws IOException {
    TypeSerializer<Incoming> serializer =
        new IncomingTypeInfo().createSerializer(new SerializerConfigImpl());
    Incoming accepted =
        new Incoming("topic", 3, 42, 1_000, new byte[] {1}, new byte[] {2, 3}, row(), null);
    Incoming rejected =
        new Incoming(
            "file.csv",
            -1,
            7,
            0,
            null,
            null,
            null,
            new Incoming.Rejection("validate", "rule", "broken", "positive", null, true),
            List.of("fields.amount.max", "fields.channel.allowed"));
    for (Incoming record : new Incoming[] {accepted, rejected}) {
      assertThat(writtenAndRead(serializer, record))
          .usingRecursiveComparison(EXACT)
          .isEqualTo(record);
      assertThat(serializer.copy(record)).usingRecursiveComparison(EXACT).isEqualTo(record);
    }
  }

  @Test
  void snapshotsRestoreTheSerializer() {
    for (TypeSerializer<?> serializer :
        new TypeSerializer<?>[] {FeatureRowSerializer.INSTANCE, IncomingSerializer.INSTANCE}) {
      TypeSerializerSnapshot<?> snapshot = serializer.snapshotConfiguration();
      assertThat(snapshot.restoreSerializer()).isEqualTo(serializer);
    }
  }
}
