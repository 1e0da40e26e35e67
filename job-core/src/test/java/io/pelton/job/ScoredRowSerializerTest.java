package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
  void aNewerSnapshotIsRefused() {
    assertThatThrownBy(
            () ->
                new ScoredRowSerializer.Snapshot()
                    .readSnapshot(2, new DataInputDeserializer(new byte[0]), null))
        .hasMessageContaining("layout 2; this Pelton reads 1");
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
