package io.pelton.job;

import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import io.pelton.wire.FeatureVectorCodec;
import io.pelton.wire.PredictionCodec;
import io.pelton.wire.SchemaStore;
import io.pelton.wire.UndecodableException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.time.Instant;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.types.Either;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** A row, or the dead letter that bytes which are no row become. */
final class RowKafkaDeserializer<T>
    implements KafkaRecordDeserializationSchema<Either<T, DeadLetter>> {
  private static final long serialVersionUID = 1;

  /** Decodes one record's value; belongs to one reader. */
  private interface Decoding<T> {
    T decode(byte @Nullable [] value) throws UndecodableException;
  }

  /** Makes the decoding where the reader runs, for codecs do not travel. */
  private interface Opening<T> extends Serializable {
    Decoding<T> open();
  }

  private final Opening<T> opening;
  private final TypeInformation<Either<T, DeadLetter>> type;
  private transient @Nullable Decoding<T> decoding;

  private RowKafkaDeserializer(Opening<T> opening, TypeInformation<Either<T, DeadLetter>> type) {
    this.opening = opening;
    this.type = type;
  }

  static RowKafkaDeserializer<FeatureRow> ofFeatures(
      PipelineDefinition pipeline,
      SchemaStore store,
      TypeInformation<Either<FeatureRow, DeadLetter>> type) {
    return new RowKafkaDeserializer<>(() -> new FeatureVectorCodec(pipeline, store)::decode, type);
  }

  static RowKafkaDeserializer<ScoredRow> ofPredictions(
      PipelineDefinition pipeline,
      SchemaStore store,
      TypeInformation<Either<ScoredRow, DeadLetter>> type) {
    return new RowKafkaDeserializer<>(() -> new PredictionCodec(pipeline, store)::decode, type);
  }

  @Override
  public void deserialize(
      ConsumerRecord<byte[], byte[]> record, Collector<Either<T, DeadLetter>> out) {
    Decoding<T> decoding = this.decoding;
    if (decoding == null) {
      decoding = opening.open();
      this.decoding = decoding;
    }
    Either<T, DeadLetter> result;
    try {
      result = Either.Left(decoding.decode(record.value()));
    } catch (UndecodableException e) {
      result = Either.Right(letter(record, e));
    }
    out.collect(result);
  }

  private static DeadLetter letter(ConsumerRecord<byte[], byte[]> record, UndecodableException e) {
    return new DeadLetter(
        "decode",
        e.reason(),
        e.getMessage(),
        null,
        null,
        record.topic(),
        record.partition(),
        record.offset(),
        Instant.ofEpochMilli(record.timestamp()),
        record.key() == null ? null : ByteBuffer.wrap(record.key()),
        record.value() == null ? null : ByteBuffer.wrap(record.value()),
        null);
  }

  @Override
  public TypeInformation<Either<T, DeadLetter>> getProducedType() {
    return type;
  }
}
