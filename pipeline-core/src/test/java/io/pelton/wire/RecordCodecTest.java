package io.pelton.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.schemas.AlertSeverity;
import io.pelton.schemas.AlertState;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftContribution;
import io.pelton.schemas.DriftSegment;
import io.pelton.schemas.ModelCommand;
import io.pelton.schemas.Outcome;
import io.pelton.schemas.PlanStep;
import io.pelton.schemas.PlanVariant;
import io.pelton.schemas.SegmentKind;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.avro.specific.SpecificData;
import org.junit.jupiter.api.Test;

class RecordCodecTest {
  private static final Outcome OUTCOME = new Outcome("tx-1", Instant.ofEpochMilli(42), 1.0);

  @Test
  void writesWhatAvrosOwnEncoderWrites() throws Exception {
    byte[] bytes = new RecordCodec<>(Outcome.class, StaticSchemaStore.of()).encode(OUTCOME);
    ByteBuffer expected =
        new BinaryMessageEncoder<Outcome>(
                SpecificData.getForClass(Outcome.class), Outcome.getClassSchema())
            .encode(OUTCOME);
    assertThat(ByteBuffer.wrap(bytes)).isEqualTo(expected);
  }

  @Test
  void readsBackWhatItWrote() throws Exception {
    RecordCodec<DeadLetter> codec = new RecordCodec<>(DeadLetter.class, StaticSchemaStore.of());
    DeadLetter letter =
        new DeadLetter(
            "decode",
            "undecodable",
            "detail",
            null,
            null,
            "events",
            3,
            9L,
            Instant.ofEpochMilli(1),
            null,
            ByteBuffer.wrap(new byte[] {1, 2}),
            null);
    assertThat(codec.decode(codec.encode(letter))).isEqualTo(letter);
    assertThat(codec.decode(codec.encode(letter))).isEqualTo(letter);
  }

  @Test
  void readsNestedRecordsAndEnums() throws Exception {
    RecordCodec<ModelCommand> commands =
        new RecordCodec<>(ModelCommand.class, StaticSchemaStore.of());
    ModelCommand command =
        new ModelCommand(
            "card-fraud",
            1L,
            Instant.ofEpochMilli(5),
            "me",
            "deploy card-fraud@3",
            "salt",
            List.of(
                new PlanStep(
                    null, List.of(new PlanVariant("champion", 3, 1.0)), List.of(), List.of())),
            null);
    assertThat(commands.decode(commands.encode(command))).isEqualTo(command);

    RecordCodec<DriftAlert> alerts = new RecordCodec<>(DriftAlert.class, StaticSchemaStore.of());
    DriftAlert alert =
        DriftAlert.newBuilder()
            .setAlertId("id")
            .setState(AlertState.RESOLVED)
            .setPipeline("p")
            .setModel("m")
            .setVersion(1)
            .setSegment(new DriftSegment("country", SegmentKind.VALUE, "FR"))
            .setFeature("f")
            .setSeverity(AlertSeverity.WARNING)
            .setSince(Instant.ofEpochMilli(5))
            .setWindowEnd(Instant.ofEpochMilli(6))
            .setPsiAdjusted(0.3)
            .setKs(null)
            .setQValue(0.01)
            .setNewValues(Map.of("GB", 7L))
            .setContributions(List.of(new DriftContribution("GB", 0.0, 0.2, 0.1)))
            .setMessage("message")
            .build();
    assertThat(alerts.decode(alerts.encode(alert))).isEqualTo(alert);
  }

  @Test
  void refusesARecordOfAnotherSchema() {
    byte[] bytes = new RecordCodec<>(Outcome.class, StaticSchemaStore.of()).encode(OUTCOME);
    RecordCodec<DeadLetter> unknowing = new RecordCodec<>(DeadLetter.class, StaticSchemaStore.of());
    assertThatThrownBy(() -> unknowing.decode(bytes))
        .isInstanceOf(UndecodableException.class)
        .hasMessageContaining("no schema with fingerprint");
    RecordCodec<DeadLetter> knowing =
        new RecordCodec<>(DeadLetter.class, StaticSchemaStore.of(Outcome.getClassSchema()));
    assertThatThrownBy(() -> knowing.decode(bytes))
        .isInstanceOf(UndecodableException.class)
        .hasMessageContaining("is not a DeadLetter");
  }
}
