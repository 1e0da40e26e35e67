package io.pelton.job;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads a topic from its start to the end that it has now. */
final class WholeTopic {
  private WholeTopic() {}

  /**
   * A consumer of its own for each read leaves nothing open in functions that Flink never closes.
   *
   * @param what the topic is, for messages: {@code schemas topic}
   * @throws IllegalStateException when the brokers do not answer, or there is no such topic
   */
  static void read(
      KafkaSettings kafka,
      String what,
      String topic,
      Consumer<ConsumerRecord<byte[], byte[]>> taker) {
    Properties properties = kafka.consumer();
    properties.setProperty(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    properties.setProperty(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    properties.setProperty(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
    String where = what + " " + topic + " at " + kafka.brokers();
    long deadline = System.nanoTime() + Topics.TIMEOUT.toNanos();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (PartitionInfo partition : consumer.partitionsFor(topic, Topics.TIMEOUT)) {
        partitions.add(new TopicPartition(topic, partition.partition()));
      }
      if (partitions.isEmpty()) {
        throw new IllegalStateException(where + " does not exist; create it");
      }
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, Topics.TIMEOUT);
      while (!ends.entrySet().stream()
          .allMatch(end -> consumer.position(end.getKey()) >= end.getValue())) {
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException(
              "%s: nothing came for %d s before its end; check the brokers"
                  .formatted(where, Topics.TIMEOUT.toSeconds()));
        }
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(100));
        if (!records.isEmpty()) {
          deadline = System.nanoTime() + Topics.TIMEOUT.toNanos();
          records.forEach(taker);
        }
      }
    } catch (KafkaException e) {
      throw new IllegalStateException(
          "%s cannot be read: %s; check that the brokers are reachable and the topic exists"
              .formatted(where, e.getMessage()),
          e);
    }
  }
}
