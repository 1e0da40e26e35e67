package io.pelton.feature.job;

import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.wire.SchemaStore;
import java.util.Objects;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** Reads the events topic: every record becomes a row or keeps its bytes and a reason. */
final class KafkaEvents implements KafkaRecordDeserializationSchema<Incoming> {
  private static final long serialVersionUID = 1;

  private final PipelineDefinition pipeline;
  private final SchemaStore schemas;
  private transient @Nullable EventDecoder decoder;

  KafkaEvents(PipelineDefinition pipeline, SchemaStore schemas) {
    this.pipeline = pipeline;
    this.schemas = schemas;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    decoder = new EventDecoder(pipeline, schemas);
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Incoming> out) {
    long timestamp = record.timestamp();
    out.collect(
        Objects.requireNonNull(decoder)
            .decode(
                record.topic(),
                record.partition(),
                record.offset(),
                timestamp,
                record.key(),
                record.value(),
                timestamp + pipeline.events().maxAhead()));
  }

  @Override
  public TypeInformation<Incoming> getProducedType() {
    return new IncomingTypeInfo();
  }
}
