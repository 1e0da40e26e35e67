package io.pelton.feature.job;

import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Table;
import io.pelton.wire.SchemaStore;
import java.util.Objects;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/** Reads a table's topic: every record becomes a row or keeps its bytes and a reason. */
final class KafkaTableRows implements KafkaRecordDeserializationSchema<Incoming> {
  private static final long serialVersionUID = 1;

  private final PipelineDefinition pipeline;
  private final Table table;
  private final SchemaStore schemas;
  private transient @Nullable TableDecoder decoder;

  KafkaTableRows(PipelineDefinition pipeline, Table table, SchemaStore schemas) {
    this.pipeline = pipeline;
    this.table = table;
    this.schemas = schemas;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) {
    decoder = new TableDecoder(pipeline, table, schemas);
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Incoming> out) {
    out.collect(
        Objects.requireNonNull(decoder)
            .decode(
                record.topic(),
                record.partition(),
                record.offset(),
                record.timestamp(),
                record.key(),
                record.value()));
  }

  @Override
  public TypeInformation<Incoming> getProducedType() {
    return new IncomingTypeInfo();
  }
}
