package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.model.FallbackReason;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;

final class ScoredRowSerializerTest {
  private static final ServedVersion FIRST =
      new ServedVersion("fraud", 1, "ab", "champion", List.of("x", "y"), List.of("score"));
  private static final ServedVersion SECOND =
      new ServedVersion("fraud", 2, "cd", "champion", List.of("x", "y"), List.of("score"));

  private final TypeSerializer<ScoredRow> serializer =
      new ScoredRowTypeInfo().createSerializer(new SerializerConfigImpl());

  @Test
  void rowsComeBackAsTheyWere() throws Exception {
    ScoredRow row = row("id-Ü", FIRST, null, true, false, 7L, -0.0, "text");

    ScoredRow back = read(written(row)).get(0);

    assertThat(back.id).isEqualTo("id-Ü");
    assertThat(back.time).isEqualTo(row.time);
    assertThat(back.keys).containsExactly("c1", "t1");
    assertThat(back.carried).containsExactly(null, true, false, 7L, -0.0, "text");
    assertThat(back.served).isEqualTo(FIRST);
    assertThat(back.features).containsExactly(1.5, Double.NaN);
    assertThat(back.featureDigest).isEqualTo(42);
    assertThat(back.outputs).containsExactly(0.25);
  }

  @Test
  void rowsOfOneVersionShareItsInstance() throws Exception {
    List<ScoredRow> back =
        read(written(row("1", FIRST), row("2", FIRST), row("3", SECOND), row("4", FIRST)));

    assertThat(back.get(1).served).isSameAs(back.get(0).served).isEqualTo(FIRST);
    assertThat(back.get(2).served).isEqualTo(SECOND);
    assertThat(back.get(3).served).isEqualTo(FIRST);
  }

  @Test
  void aCopyInBinaryIsTheSame() throws Exception {
    byte[] bytes = written(row("1", FIRST, 1L));
    DataOutputSerializer copy = new DataOutputSerializer(16);
    serializer.copy(new DataInputDeserializer(bytes), copy);

    assertThat(copy.getCopyOfBuffer()).isEqualTo(bytes);
  }

  @Test
  void theSerializerItselfSurvivesSerialization() throws Exception {
    byte[] bytes = written(row("1", FIRST));

    TypeSerializer<ScoredRow> shipped = InstantiationUtil.clone(serializer);

    assertThat(shipped.deserialize(new DataInputDeserializer(bytes)).served).isEqualTo(FIRST);
    assertThat(serializer.duplicate()).isEqualTo(serializer).isNotSameAs(serializer);
  }

  @Test
  void aValueOfAnotherTypeIsRefused() {
    assertThatThrownBy(() -> written(row("1", FIRST, 7)))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "carried value 7 is a java.lang.Integer; it must be null, Boolean, Long, Double or String");
  }

  @Test
  void theSnapshotRestoresACompatibleSerializer() throws Exception {
    DataOutputSerializer out = new DataOutputSerializer(64);
    TypeSerializerSnapshot.writeVersionedSnapshot(out, serializer.snapshotConfiguration());
    TypeSerializerSnapshot<ScoredRow> restored =
        TypeSerializerSnapshot.readVersionedSnapshot(
            new DataInputDeserializer(out.getCopyOfBuffer()), getClass().getClassLoader());

    assertThat(
            serializer
                .snapshotConfiguration()
                .resolveSchemaCompatibility(restored)
                .isCompatibleAsIs())
        .isTrue();
    ScoredRow back =
        restored
            .restoreSerializer()
            .deserialize(new DataInputDeserializer(written(row("1", FIRST))));
    assertThat(back.id).isEqualTo("1");
  }

  @Test
  void tellsWhyAnotherVersionScored() throws Exception {
    List<ScoredRow> back =
        read(
            written(
                row("1", FIRST),
                fallback(FIRST, FallbackReason.TIMEOUT),
                fallback(FIRST, FallbackReason.BREAKER_OPEN),
                row("4", FIRST)));

    assertThat(back)
        .extracting(row -> row.fallback)
        .containsExactly(null, FallbackReason.TIMEOUT, FallbackReason.BREAKER_OPEN, null);
    assertThat(back).extracting(row -> row.served).containsOnly(FIRST);
  }

  /** A row as layout 1 had it ends where the served version's outputs do. */
  @Test
  void readsTheLayoutBeforeFallbacks() throws Exception {
    DataOutputSerializer served = new DataOutputSerializer(64);
    Texts.write("fraud", served);
    served.writeInt(1);
    Texts.write("ab", served);
    Texts.write("champion", served);
    for (List<String> names : List.of(List.of("x", "y"), List.of("score"))) {
      served.writeInt(names.size());
      for (String name : names) {
        Texts.write(name, served);
      }
    }
    DataOutputSerializer out = new DataOutputSerializer(64);
    Texts.write("old", out);
    out.writeLong(7);
    out.writeInt(0);
    CarriedFields.write(new Object[0], out);
    out.writeInt(served.length());
    out.write(served.getCopyOfBuffer());
    out.writeInt(1);
    out.writeDouble(1.5);
    out.writeLong(42);
    out.writeInt(1);
    out.writeDouble(0.25);
    new ScoredRowSerializer.Snapshot().readSnapshot(1, new DataInputDeserializer(), null);

    ScoredRow back = read(out.getCopyOfBuffer()).get(0);

    assertThat(back.served).isEqualTo(FIRST);
    assertThat(back.fallback).isNull();
    assertThat(back.outputs).containsExactly(0.25);
  }

  private static ScoredRow fallback(ServedVersion served, FallbackReason reason) {
    return new ScoredRow(
        "f", 1, new String[0], new Object[0], served, new double[2], 0, new double[1], reason);
  }

  @Test
  void aNewerSnapshotIsRefused() {
    assertThatThrownBy(
            () ->
                new ScoredRowSerializer.Snapshot()
                    .readSnapshot(3, new DataInputDeserializer(new byte[0]), null))
        .hasMessageContaining("layout 3; this Pelton reads up to 2");
  }

  private byte[] written(ScoredRow... rows) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    for (ScoredRow row : rows) {
      serializer.serialize(row, out);
    }
    return out.getCopyOfBuffer();
  }

  private List<ScoredRow> read(byte[] bytes) throws IOException {
    DataInputDeserializer in = new DataInputDeserializer(bytes);
    List<ScoredRow> rows = new ArrayList<>();
    while (in.available() > 0) {
      rows.add(serializer.deserialize(in));
    }
    return rows;
  }

  private static ScoredRow row(String id, ServedVersion served, Object... carried) {
    return new ScoredRow(
        id,
        1234567890123L,
        new String[] {"c1", "t1"},
        carried,
        served,
        new double[] {1.5, Double.NaN},
        42L,
        new double[] {0.25});
  }
}
