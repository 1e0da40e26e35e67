package io.pelton.cli.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedKafkaTest {
  private static final TopicPartition PARTITION = new TopicPartition("numbers", 0);
  @TempDir Path directory;

  @Test
  void keepsCommittedTransactionsOverARestartOnTheSamePort() throws Exception {
    int port;
    try (EmbeddedKafka kafka = EmbeddedKafka.start(directory)) {
      port = kafka.port();
      try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
        admin.createTopics(List.of(new NewTopic("numbers", 1, (short) 1))).all().get();
      }
      try (KafkaProducer<String, String> producer = producer(kafka)) {
        producer.initTransactions();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>("numbers", "one"));
        producer.commitTransaction();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>("numbers", "never"));
        producer.abortTransaction();
      }
      assertThat(readCommitted(kafka, 1)).containsExactly("one");
    }

    try (EmbeddedKafka kafka = EmbeddedKafka.start(directory, port)) {
      assertThat(kafka.bootstrapServers()).isEqualTo("127.0.0.1:" + port);
      try (KafkaProducer<String, String> producer = producer(kafka)) {
        producer.initTransactions();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>("numbers", "two"));
        producer.commitTransaction();
      }
      assertThat(readCommitted(kafka, 2)).containsExactly("one", "two");
    }
  }

  private static KafkaProducer<String, String> producer(EmbeddedKafka kafka) {
    return new KafkaProducer<>(
        Map.of("bootstrap.servers", kafka.bootstrapServers(), "transactional.id", "test"),
        new StringSerializer(),
        new StringSerializer());
  }

  /** Reads to the end of the topic, and at least a number of records. */
  private static List<String> readCommitted(EmbeddedKafka kafka, int atLeast) {
    try (KafkaConsumer<byte[], String> consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers",
                kafka.bootstrapServers(),
                "isolation.level",
                "read_committed",
                "auto.offset.reset",
                "earliest"),
            (topic, data) -> data,
            new StringDeserializer())) {
      consumer.assign(List.of(PARTITION));
      List<String> read = new ArrayList<>();
      long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
      while (System.nanoTime() < deadline
          && (read.size() < atLeast
              || consumer.position(PARTITION)
                  < consumer.endOffsets(List.of(PARTITION)).get(PARTITION))) {
        consumer.poll(Duration.ofMillis(100)).forEach(record -> read.add(record.value()));
      }
      return read;
    }
  }
}
