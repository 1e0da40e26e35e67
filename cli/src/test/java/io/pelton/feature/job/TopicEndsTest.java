package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.cli.embedded.EmbeddedKafka;
import io.pelton.job.KafkaSettings;
import io.pelton.job.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where topics of a real broker end, with transactions in them. */
class TopicEndsTest {
  private static final String TOPIC = "rows";
  @TempDir static Path directory;
  private static EmbeddedKafka broker;
  private static KafkaSettings kafka;

  @BeforeAll
  static void start() throws Exception {
    broker = EmbeddedKafka.start(directory);
    kafka = KafkaSettings.of(broker.bootstrapServers());
    Topics.ensure(kafka, List.of(new Topics.Spec(TOPIC, 5, true, 0, false)), true, Topics.TIMEOUT);
  }

  @AfterAll
  static void stop() {
    broker.close();
  }

  private static void send(KafkaProducer<byte[], byte[]> producer, int partition, int count) {
    for (int i = 0; i < count; i++) {
      byte[] bytes = Integer.toString(i).getBytes(StandardCharsets.UTF_8);
      producer.send(new ProducerRecord<>(TOPIC, partition, bytes, bytes));
    }
  }

  @Test
  void areTheLastRecordsThatAReaderSees() throws Exception {
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            kafka.producer(), new ByteArraySerializer(), new ByteArraySerializer())) {
      send(producer, 0, 7);
      send(producer, 2, 3);
    }
    Properties transactional = kafka.producer();
    transactional.setProperty("transactional.id", "test");
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(transactional, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.initTransactions();
      producer.beginTransaction();
      send(producer, 1, 40);
      producer.commitTransaction();
      producer.beginTransaction();
      send(producer, 2, 300);
      send(producer, 3, 20);
      producer.flush();
      producer.abortTransaction();
    }
    // Partition 1 ends with its transaction's mark, 2 with many records that nobody sees; 3 has no
    // others, and 4 none at all.
    assertThat(TopicEnds.kafka(kafka.consumer(), TOPIC).last())
        .isEqualTo(Map.of(0, 6L, 1, 39L, 2, 2L));
  }

  @Test
  void areAskedOfABrokerThatIsThere() {
    Properties nowhere = KafkaSettings.of("localhost:1").consumer();
    nowhere.setProperty("default.api.timeout.ms", "1000");
    nowhere.setProperty("request.timeout.ms", "1000");
    TopicEnds ends = TopicEnds.kafka(nowhere, TOPIC, java.time.Duration.ofSeconds(1));
    assertThatThrownBy(ends::last)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("the end of topic rows cannot be found");
  }
}
