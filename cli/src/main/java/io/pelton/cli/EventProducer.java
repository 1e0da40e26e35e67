package io.pelton.cli;

import io.pelton.event.EventEncoder;
import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.job.KafkaUnavailableException;
import io.pelton.pipeline.EventFormat;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Sends events as a producer of the pipeline's does: in its format, keyed by its first entity, so
 * that an entity's events stay in one partition and in order. Not thread-safe.
 */
final class EventProducer implements AutoCloseable {
  private final KafkaProducer<byte[], byte[]> producer;
  private final EventEncoder encoder;
  private final String topic;
  private final int key;
  private final int time;
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
  private long sent;

  private EventProducer(PipelineDefinition pipeline, Properties client) {
    EventSchema schema = new EventSchema(pipeline.events().schema());
    encoder = new EventEncoder(schema, pipeline.events().format());
    topic = pipeline.topic(Topic.EVENTS);
    key =
        schema.indexOf(
            pipeline.entities().isEmpty()
                ? pipeline.events().id()
                : pipeline.entities().get(0).field());
    time = schema.indexOf(pipeline.events().time());
    producer = new KafkaProducer<>(client, new ByteArraySerializer(), new ByteArraySerializer());
  }

  /**
   * Opens a producer and publishes the schema of its events.
   *
   * @throws KafkaUnavailableException when the brokers do not answer or refuse
   */
  static EventProducer open(PipelineDefinition pipeline, KafkaSettings kafka)
      throws KafkaUnavailableException {
    if (pipeline.events().format() == EventFormat.AVRO) {
      new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS))
          .publish(List.of(pipeline.events().schema()));
    }
    Properties client = kafka.producer();
    client.putIfAbsent(ProducerConfig.LINGER_MS_CONFIG, "5");
    client.putIfAbsent(ProducerConfig.BATCH_SIZE_CONFIG, "131072");
    client.putIfAbsent(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
    return new EventProducer(pipeline, client);
  }

  /**
   * @param fields in the event schema's order
   * @throws EventFormatException when the event does not fit its schema
   * @throws IllegalStateException when an earlier event could not be sent
   */
  void send(@Nullable Object[] fields) {
    byte[] value = encoder.encode(fields);
    Object entity = fields[key];
    byte[] keyBytes = entity == null ? null : entity.toString().getBytes(StandardCharsets.UTF_8);
    producer.send(
        new ProducerRecord<>(topic, keyBytes, value),
        (metadata, e) -> {
          if (e != null) {
            failure.compareAndSet(null, e);
          }
        });
    sent++;
    throwFailure();
  }

  private void throwFailure() {
    Exception e = failure.get();
    if (e != null) {
      throw new IllegalStateException("an event could not be sent to " + topic + ": " + e, e);
    }
  }

  /** Event time, epoch milliseconds; 0 when the event has none. */
  long time(@Nullable Object[] fields) {
    Object value = fields[time];
    if (value instanceof Long millis) {
      return millis;
    }
    return value instanceof String text ? EventSchema.parseTime(text) : 0;
  }

  long sent() {
    return sent;
  }

  /** Waits until all events have arrived. */
  void flush() {
    producer.flush();
    throwFailure();
  }

  @Override
  public void close() {
    producer.close(Duration.ofSeconds(10));
  }
}
