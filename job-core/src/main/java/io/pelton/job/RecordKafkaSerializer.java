package io.pelton.job;

import io.pelton.wire.RecordCodec;
import io.pelton.wire.StaticSchemaStore;
import java.nio.charset.StandardCharsets;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.util.function.SerializableFunction;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/** Pelton's own records; the producer stamps them with the time of writing. */
final class RecordKafkaSerializer<T extends SpecificRecordBase>
    implements KafkaRecordSerializationSchema<T> {
  private static final long serialVersionUID = 1;

  private final Class<T> type;
  private final String topic;
  private final SerializableFunction<T, @Nullable String> key;
  private transient @Nullable RecordCodec<T> codec;

  RecordKafkaSerializer(
      Class<T> type, String topic, SerializableFunction<T, @Nullable String> key) {
    this.type = type;
    this.topic = topic;
    this.key = key;
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      T record, KafkaSinkContext context, @Nullable Long timestamp) {
    RecordCodec<T> codec = this.codec;
    if (codec == null) {
      codec = new RecordCodec<>(type, StaticSchemaStore.of());
      this.codec = codec;
    }
    String text = key.apply(record);
    return new ProducerRecord<>(
        topic, text == null ? null : text.getBytes(StandardCharsets.UTF_8), codec.encode(record));
  }
}
