package io.pelton.it;

import io.pelton.event.EventEncoder;
import io.pelton.event.EventSchema;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.job.Topics;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A pipeline's outcomes topic, as seen by a producer with a schema of its own. */
final class OutcomeTopic implements AutoCloseable {
  /** As a producer of chargebacks may write them. */
  private static final Schema CHARGEBACK =
      new Schema.Parser()
          .parse(
              """
              {"type": "record", "name": "Chargeback", "fields": [
                {"name": "transaction_id", "type": "long"},
                {"name": "reported_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                {"name": "fraud", "type": "long"}]}
              """);

  /**
   * What became of an event.
   *
   * @param time when it is known, epoch milliseconds
   */
  record Outcome(long id, long time, long label) {}

  private final String topic;
  private final int partitions;
  private final EventEncoder encoder;
  private final KafkaProducer<byte[], byte[]> producer;

  private OutcomeTopic(KafkaSettings kafka, PipelineDefinition pipeline, int partitions) {
    topic = pipeline.topic(Topic.OUTCOMES);
    this.partitions = partitions;
    encoder = new EventEncoder(new EventSchema(CHARGEBACK), pipeline.events().format());
    producer =
        new KafkaProducer<>(kafka.producer(), new ByteArraySerializer(), new ByteArraySerializer());
  }

  /** Creates the topic and publishes the outcomes' schema. */
  static OutcomeTopic create(KafkaSettings kafka, PipelineDefinition pipeline, int partitions)
      throws Exception {
    Topics.ensure(
        kafka,
        Topics.of(pipeline, List.of(Topic.OUTCOMES, Topic.SCHEMAS), partitions),
        true,
        Topics.TIMEOUT);
    new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS)).publish(List.of(CHARGEBACK));
    return new OutcomeTopic(kafka, pipeline, partitions);
  }

  /** Sends in this order, those of one event to one partition. */
  void send(List<Outcome> outcomes) {
    for (Outcome outcome : outcomes) {
      send((int) (outcome.id % partitions), outcome);
    }
    producer.flush();
  }

  /** Outcomes of no event at a time, so that all that came before it is complete. */
  void close(long time) {
    for (int partition = 0; partition < partitions; partition++) {
      send(partition, new Outcome(9_999_990 + partition, time, 0));
    }
    producer.flush();
  }

  private void send(int partition, Outcome outcome) {
    byte[] value = encoder.encode(new Object[] {outcome.id, outcome.time, outcome.label});
    producer.send(new ProducerRecord<>(topic, partition, null, value));
  }

  /** Writes outcomes as a file that {@code --outcomes} takes. */
  static Path csv(List<Outcome> outcomes, Path file) throws IOException {
    StringBuilder text = new StringBuilder("transaction_id,reported_at,fraud\n");
    for (Outcome outcome : outcomes) {
      text.append(outcome.id)
          .append(',')
          .append(Instant.ofEpochMilli(outcome.time))
          .append(',')
          .append(outcome.label)
          .append('\n');
    }
    return Files.writeString(file, text);
  }

  @Override
  public void close() {
    producer.close();
  }
}
