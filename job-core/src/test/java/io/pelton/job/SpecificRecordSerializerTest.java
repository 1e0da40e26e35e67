package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.schemas.AlertSeverity;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.LateEvent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

final class SpecificRecordSerializerTest {
  private static final LateEvent EVENT =
      new LateEvent(
          "e1",
          Instant.ofEpochMilli(7),
          Instant.ofEpochMilli(9),
          "transactions",
          3,
          5L,
          ByteBuffer.wrap(new byte[] {1}),
          null);
  private static final DriftAlert ALERT =
      DriftAlert.newBuilder()
          .setAlertId("id")
          .setState(AlertState.OPENED)
          .setPipeline("p")
          .setModel("m")
          .setVersion(3)
          .setFeature("f")
          .setSeverity(AlertSeverity.WARNING)
          .setSince(Instant.ofEpochMilli(5))
          .setWindowEnd(Instant.ofEpochMilli(6))
          .setPsiAdjusted(0.5)
          .setKs(null)
          .setQValue(0.01)
          .setNewValues(Map.of())
          .setContributions(List.of())
          .setMessage("it drifted")
          .build();

  private final TypeSerializer<LateEvent> serializer =
      new SpecificRecordTypeInfo<>(LateEvent.class).createSerializer(new SerializerConfigImpl());

  @Test
  void readsWhatItWroteOneRecordAfterTheOther() throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(16);
    serializer.serialize(EVENT, out);
    serializer.serialize(EVENT, out);
    out.writeInt(42);
    DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());

    assertThat(serializer.deserialize(in)).isEqualTo(EVENT);
    assertThat(serializer.duplicate().deserialize(in)).isEqualTo(EVENT);
    assertThat(in.readInt()).isEqualTo(42);
  }

  @Test
  void keepsEnumsAndNulls() throws IOException {
    SpecificRecordSerializer<DriftAlert> alerts = new SpecificRecordSerializer<>(DriftAlert.class);
    DataOutputSerializer out = new DataOutputSerializer(16);
    alerts.serialize(ALERT, out);
    DataOutputSerializer copied = new DataOutputSerializer(16);
    alerts.copy(new DataInputDeserializer(out.getCopyOfBuffer()), copied);

    assertThat(alerts.deserialize(new DataInputDeserializer(copied.getCopyOfBuffer())))
        .isEqualTo(ALERT);
  }

  @Test
  void copiesDeeply() {
    LateEvent copy = serializer.copy(EVENT);

    assertThat(copy).isEqualTo(EVENT).isNotSameAs(EVENT);
    assertThat(copy.getKey()).isNotSameAs(EVENT.getKey());
  }

  @Test
  void restoresItsOwnStateAsIs() throws IOException {
    TypeSerializerSnapshot<LateEvent> restored = restored(serializer.snapshotConfiguration());

    assertThat(serializer.snapshotConfiguration().resolveSchemaCompatibility(restored))
        .matches(compatibility -> compatibility.isCompatibleAsIs());
    assertThat(restored.restoreSerializer()).isEqualTo(serializer);
  }

  @Test
  void readsStateOfAnOlderSchemaThroughThatSchema() throws IOException {
    // Without the two fields that have a default, and with one that is gone today.
    Schema older =
        SchemaBuilder.record("LateEvent")
            .namespace("io.pelton.schemas")
            .fields()
            .requiredString("source")
            .requiredString("eventId")
            .name("eventTime")
            .type(LateEvent.getClassSchema().getField("eventTime").schema())
            .noDefault()
            .name("watermark")
            .type(LateEvent.getClassSchema().getField("watermark").schema())
            .noDefault()
            .requiredInt("partition")
            .requiredInt("offset")
            .requiredString("gone")
            .endRecord();
    GenericRecord record = new GenericData.Record(older);
    record.put("source", "transactions");
    record.put("eventId", "e1");
    record.put("eventTime", 7L);
    record.put("watermark", 9L);
    record.put("partition", 3);
    record.put("offset", 5);
    record.put("gone", "x");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
    new GenericDatumWriter<GenericRecord>(older).write(record, encoder);
    encoder.flush();

    TypeSerializerSnapshot<LateEvent> restored =
        restored(new SpecificRecordSerializerSnapshot<>(LateEvent.class, older));

    assertThat(serializer.snapshotConfiguration().resolveSchemaCompatibility(restored))
        .matches(compatibility -> compatibility.isCompatibleAfterMigration());
    LateEvent expected = LateEvent.newBuilder(EVENT).setKey(null).build();
    assertThat(
            restored
                .restoreSerializer()
                .deserialize(new DataInputDeserializer(bytes.toByteArray())))
        .isEqualTo(expected);
  }

  @Test
  void refusesStateThatCannotBeResolved() throws IOException {
    Schema other =
        SchemaBuilder.record("LateEvent")
            .namespace("io.pelton.schemas")
            .fields()
            .requiredInt("eventId")
            .endRecord();

    TypeSerializerSnapshot<LateEvent> restored =
        restored(new SpecificRecordSerializerSnapshot<>(LateEvent.class, other));

    assertThat(serializer.snapshotConfiguration().resolveSchemaCompatibility(restored))
        .matches(compatibility -> compatibility.isIncompatible());
  }

  @Test
  void namesAnUnknownSnapshotVersion() {
    assertThatThrownBy(
            () ->
                new SpecificRecordSerializerSnapshot<LateEvent>()
                    .readSnapshot(
                        2,
                        new DataInputDeserializer(new byte[0]),
                        LateEvent.class.getClassLoader()))
        .hasMessageContaining("snapshot version 2; this build reads version 1");
  }

  private static TypeSerializerSnapshot<LateEvent> restored(
      TypeSerializerSnapshot<LateEvent> snapshot) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    TypeSerializerSnapshot.writeVersionedSnapshot(out, snapshot);
    return TypeSerializerSnapshot.readVersionedSnapshot(
        new DataInputDeserializer(out.getCopyOfBuffer()), LateEvent.class.getClassLoader());
  }
}
