package io.pelton.job;

import io.pelton.event.EventFormatException;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.RejectedEventException;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.Outcome;
import io.pelton.wire.SchemaStore;
import io.pelton.wire.UndecodableException;
import java.nio.ByteBuffer;
import java.time.Instant;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.types.Either;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** An outcome, or the dead letter that a record which is none becomes. */
@SuppressWarnings("NullAway.Init") // The source opens it before anything else.
final class OutcomeKafkaDeserializer
    implements KafkaRecordDeserializationSchema<Either<Outcome, DeadLetter>> {
  private static final long serialVersionUID = 1;

  /** Outcomes as {@link OutcomeEvents} describe them. */
  private final PipelineDefinition outcomes;

  private final SchemaStore schemas;
  private final TypeInformation<Either<Outcome, DeadLetter>> type;
  private transient FeaturePlan plan;
  private transient RecordReader reader;

  OutcomeKafkaDeserializer(
      PipelineDefinition pipeline,
      SchemaStore schemas,
      TypeInformation<Either<Outcome, DeadLetter>> type) {
    outcomes = OutcomeEvents.of(pipeline);
    this.schemas = schemas;
    this.type = type;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    plan = new FeaturePlan(outcomes);
    reader = new RecordReader(plan.schema(), outcomes.events().format(), schemas);
  }

  @Override
  public void deserialize(
      ConsumerRecord<byte[], byte[]> record, Collector<Either<Outcome, DeadLetter>> out) {
    out.collect(decode(record));
  }

  private Either<Outcome, DeadLetter> decode(ConsumerRecord<byte[], byte[]> record) {
    try {
      FeatureRow row =
          plan.admit(
              reader.read(record.value()), record.timestamp() + outcomes.events().maxAhead());
      if (Double.isNaN(row.values[0])) {
        return Either.Right(
            letter(
                record,
                "validate",
                "missing-label",
                "field \"%s\", the outcome's label, is null".formatted(label()),
                row.id));
      }
      return Either.Left(new Outcome(row.id, Instant.ofEpochMilli(row.time), row.values[0]));
    } catch (RejectedEventException e) {
      return Either.Right(letter(record, "validate", e.reason(), e.detail(), e.eventId()));
    } catch (EventFormatException e) {
      return Either.Right(
          letter(
              record,
              "decode",
              UndecodableException.UNDECODABLE,
              String.valueOf(e.getMessage()),
              null));
    } catch (UndecodableException e) {
      return Either.Right(
          letter(record, "decode", e.reason(), String.valueOf(e.getMessage()), null));
    }
  }

  private String label() {
    return outcomes.featureNames().get(0);
  }

  private static DeadLetter letter(
      ConsumerRecord<byte[], byte[]> record,
      String stage,
      String reason,
      String detail,
      @Nullable String eventId) {
    return new DeadLetter(
        stage,
        reason,
        detail,
        null,
        eventId,
        record.topic(),
        record.partition(),
        record.offset(),
        Instant.ofEpochMilli(record.timestamp()),
        record.key() == null ? null : ByteBuffer.wrap(record.key()),
        record.value() == null ? null : ByteBuffer.wrap(record.value()),
        null);
  }

  @Override
  public TypeInformation<Either<Outcome, DeadLetter>> getProducedType() {
    return type;
  }
}
