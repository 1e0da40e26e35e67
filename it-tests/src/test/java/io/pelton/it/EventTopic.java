package io.pelton.it;

import io.pelton.cli.simulator.Transaction;
import io.pelton.event.EventEncoder;
import io.pelton.event.EventSchema;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.job.Topics;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A pipeline's events topic, as seen by a producer that chooses partitions itself. */
final class EventTopic implements AutoCloseable {
  private final String topic;
  private final int partitions;
  private final EventEncoder encoder;
  private final KafkaProducer<byte[], byte[]> producer;
  private final List<Future<RecordMetadata>> pending = new ArrayList<>();

  private EventTopic(KafkaSettings kafka, PipelineDefinition pipeline, int partitions) {
    topic = pipeline.topic(Topic.EVENTS);
    this.partitions = partitions;
    encoder =
        new EventEncoder(new EventSchema(pipeline.events().schema()), pipeline.events().format());
    producer =
        new KafkaProducer<>(kafka.producer(), new ByteArraySerializer(), new ByteArraySerializer());
  }

  /** Creates the topic and publishes the events' schema. */
  static EventTopic create(KafkaSettings kafka, PipelineDefinition pipeline, int partitions)
      throws Exception {
    Topics.ensure(
        kafka,
        Topics.of(pipeline, List.of(Topic.EVENTS, Topic.SCHEMAS), partitions),
        true,
        Topics.TIMEOUT);
    new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS))
        .publish(List.of(pipeline.events().schema()));
    return new EventTopic(kafka, pipeline, partitions);
  }

  byte[] encode(Transaction event) {
    return encoder.encode(
        new Object[] {
          event.transactionId(),
          event.eventTimeMillis(),
          event.customerId(),
          event.terminalId(),
          event.amount(),
          event.fraud() ? 1L : 0L
        });
  }

  void send(int partition, byte[] value) {
    pending.add(producer.send(new ProducerRecord<>(topic, partition, null, value)));
  }

  /** Sends in this order, each to any partition: an entity's events do not stay together. */
  void scatter(Collection<Transaction> events, long seed) throws Exception {
    SplittableRandom dice = new SplittableRandom(seed);
    for (Transaction event : events) {
      send(dice.nextInt(partitions), encode(event));
    }
    flush();
  }

  /**
   * Sends an event of this time to each partition, so that all that came before it is complete.
   *
   * @param firstId ids count from here
   */
  void close(long time, long firstId) throws Exception {
    for (int partition = 0; partition < partitions; partition++) {
      long id = firstId + partition;
      send(partition, encode(new Transaction(id, time, id, id, 1, false)));
    }
    flush();
  }

  /** Waits until all that was sent has arrived. */
  List<RecordMetadata> flush() throws Exception {
    List<RecordMetadata> arrived = new ArrayList<>();
    producer.flush();
    for (Future<RecordMetadata> record : pending) {
      arrived.add(record.get());
    }
    pending.clear();
    return arrived;
  }

  /** An order in which each event comes after at most {@code bound} of later event time. */
  static List<Transaction> shuffled(Collection<Transaction> events, long bound, long seed) {
    SplittableRandom dice = new SplittableRandom(seed);
    Map<Transaction, Long> arrival = new HashMap<>();
    for (Transaction event : events) {
      arrival.put(event, event.eventTimeMillis() + dice.nextLong(bound));
    }
    List<Transaction> order = new ArrayList<>(events);
    order.sort(Comparator.comparingLong(arrival::get));
    return order;
  }

  @Override
  public void close() {
    producer.close();
  }
}
