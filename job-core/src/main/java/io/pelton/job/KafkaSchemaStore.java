package io.pelton.job;

import io.pelton.wire.SchemaStore;
import io.pelton.wire.SingleObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.SchemaParser;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Schemas in a compacted topic: key the fingerprint in hex, value the schema as JSON. A fingerprint
 * that is not known yet makes the store read the topic to its end. Garbage with made-up
 * fingerprints must not make that a load on the broker: the same fingerprint is looked for again
 * only after {@value #ABSENT_SECONDS} seconds, and after a burst of {@value #BURST} reads there is
 * one a second.
 */
public final class KafkaSchemaStore implements SchemaStore {
  private static final long serialVersionUID = 1;
  private static final Logger LOG = LoggerFactory.getLogger(KafkaSchemaStore.class);

  static final int BURST = 10;
  static final int ABSENT_SECONDS = 5;
  private static final int MOST_ABSENT = 10_000;
  private static final long SECOND = 1_000_000_000L;

  private final KafkaSettings kafka;
  private final String topic;
  private transient @Nullable Session session;

  public KafkaSchemaStore(KafkaSettings kafka, String topic) {
    this.kafka = kafka;
    this.topic = topic;
  }

  /** What was read so far, and when. */
  private static final class Session {
    final Map<Long, Schema> known = new HashMap<>();
    final Map<Long, Long> absentSince = new HashMap<>();
    int allowed = BURST;
    long refilled = System.nanoTime();
    int reads;

    boolean mayRead(long now) {
      long refill = (now - refilled) / SECOND;
      if (refill > 0) {
        allowed = (int) Math.min(BURST, allowed + refill);
        refilled += refill * SECOND;
      }
      if (allowed == 0) {
        return false;
      }
      allowed--;
      return true;
    }
  }

  /**
   * @throws IllegalStateException when the brokers do not answer: that the schema is unknown would
   *     be a guess
   */
  @Override
  public synchronized @Nullable Schema find(long fingerprint) {
    Session session = session();
    Schema known = session.known.get(fingerprint);
    if (known != null) {
      return known;
    }
    long now = System.nanoTime();
    Long absent = session.absentSince.get(fingerprint);
    if ((absent != null && now - absent < ABSENT_SECONDS * SECOND) || !session.mayRead(now)) {
      return null;
    }
    read(session);
    Schema found = session.known.get(fingerprint);
    if (found == null) {
      if (session.absentSince.size() >= MOST_ABSENT) {
        session.absentSince.clear();
      }
      session.absentSince.put(fingerprint, now);
    }
    return found;
  }

  /**
   * Writes the schemas that the topic does not have, and returns when the brokers have them.
   *
   * @throws KafkaUnavailableException when the brokers do not answer or refuse
   */
  public synchronized void publish(Collection<Schema> schemas) throws KafkaUnavailableException {
    Session session = session();
    Map<Long, Schema> missing = missing(session, schemas);
    if (missing.isEmpty()) {
      return;
    }
    try {
      read(session);
    } catch (IllegalStateException e) {
      throw new KafkaUnavailableException(String.valueOf(e.getMessage()), e);
    }
    missing = missing(session, schemas);
    if (missing.isEmpty()) {
      return;
    }
    Properties properties = kafka.producer();
    properties.setProperty("max.block.ms", Long.toString(Topics.TIMEOUT.toMillis()));
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      missing.forEach(
          (fingerprint, schema) ->
              sent.add(
                  producer.send(
                      new ProducerRecord<>(
                          topic,
                          SingleObject.hex(fingerprint).getBytes(StandardCharsets.UTF_8),
                          schema.toString().getBytes(StandardCharsets.UTF_8)))));
      for (Future<RecordMetadata> record : sent) {
        KafkaUnavailableException.await(
            kafka, "publish a schema to topic " + topic, record, Topics.TIMEOUT);
      }
    }
    session.known.putAll(missing);
  }

  private static Map<Long, Schema> missing(Session session, Collection<Schema> schemas) {
    Map<Long, Schema> missing = new LinkedHashMap<>();
    for (Schema schema : schemas) {
      long fingerprint = SingleObject.fingerprint(schema);
      if (!session.known.containsKey(fingerprint)) {
        missing.put(fingerprint, schema);
      }
    }
    return missing;
  }

  private Session session() {
    Session open = session;
    if (open == null) {
      open = new Session();
      session = open;
    }
    return open;
  }

  /** How often the topic was read. */
  synchronized int reads() {
    return session().reads;
  }

  private void read(Session session) {
    session.reads++;
    WholeTopic.read(kafka, "schemas topic", topic, record -> take(session, record));
  }

  private void take(Session session, ConsumerRecord<byte[], byte[]> record) {
    if (record.value() == null) {
      return;
    }
    try {
      Schema schema =
          new SchemaParser().parse(new String(record.value(), StandardCharsets.UTF_8)).mainSchema();
      session.known.put(SingleObject.fingerprint(schema), schema);
    } catch (AvroRuntimeException e) {
      // Records that need this schema go to the dead letters as unknown-schema.
      LOG.warn(
          "schemas topic {}, partition {}, offset {}: is not an Avro schema, skipped: {}",
          topic,
          record.partition(),
          record.offset(),
          e.getMessage());
    }
  }

  @Override
  public String toString() {
    return "schemas topic " + topic + " at " + kafka.brokers();
  }
}
