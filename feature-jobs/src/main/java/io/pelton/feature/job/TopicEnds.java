package io.pelton.feature.job;

import io.pelton.job.Topics;
import java.io.IOException;
import java.io.Serializable;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Where a topic ends now: of each partition that holds records the offset of the last of them. */
interface TopicEnds extends Serializable {
  /**
   * Offsets by partition; empty partitions are not there.
   *
   * @throws IOException when the brokers do not tell
   */
  Map<Integer, Long> last() throws IOException;

  /**
   * Those of a topic of Kafka. The last offset of a partition may be one of a transaction's end,
   * and compaction leaves gaps, so the last record is looked for.
   *
   * @param client settings of a consumer
   */
  static TopicEnds kafka(Properties client, String topic) {
    return kafka(client, topic, Topics.TIMEOUT);
  }

  /**
   * The same.
   *
   * @param timeout how long the brokers may take to answer
   */
  static TopicEnds kafka(Properties client, String topic, Duration timeout) {
    return () -> {
      Properties own = new Properties();
      client.stringPropertyNames().forEach(name -> own.setProperty(name, client.getProperty(name)));
      own.remove(ConsumerConfig.GROUP_ID_CONFIG);
      own.setProperty(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
      own.setProperty(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, "10"); // it waits for none to come
      try (KafkaConsumer<byte[], byte[]> consumer =
          new KafkaConsumer<>(own, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
        return last(consumer, topic, timeout);
      } catch (KafkaException e) {
        throw new IOException(
            "the end of topic " + topic + " cannot be found: " + e.getMessage(), e);
      }
    };
  }

  private static Map<Integer, Long> last(
      KafkaConsumer<byte[], byte[]> consumer, String topic, Duration timeout) throws IOException {
    List<TopicPartition> partitions =
        consumer.partitionsFor(topic, timeout).stream()
            .map(info -> new TopicPartition(topic, info.partition()))
            .toList();
    Map<TopicPartition, Long> begins = consumer.beginningOffsets(partitions, timeout);
    Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, timeout);
    Map<Integer, Long> last = new HashMap<>();
    for (TopicPartition partition : partitions) {
      long begin = begins.getOrDefault(partition, 0L);
      long end = ends.getOrDefault(partition, 0L);
      long found = -1;
      for (long back = 1; found < 0 && end > begin; back *= 16) {
        long from = Math.max(begin, end - back);
        found = last(consumer, partition, from, end, timeout);
        if (from == begin) {
          break;
        }
      }
      if (found >= 0) {
        last.put(partition.partition(), found);
      }
    }
    return last;
  }

  private static long last(
      KafkaConsumer<byte[], byte[]> consumer,
      TopicPartition partition,
      long from,
      long end,
      Duration timeout)
      throws IOException {
    consumer.assign(List.of(partition));
    consumer.seek(partition, from);
    long found = -1;
    long deadline = System.nanoTime() + timeout.toNanos();
    while (consumer.position(partition, timeout) < end) {
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
        if (record.offset() < end) {
          found = record.offset();
          deadline = System.nanoTime() + timeout.toNanos();
        }
      }
      if (System.nanoTime() > deadline) {
        throw new IOException(
            "topic %s partition %d: nothing comes though its end, offset %d, is not reached; check that its brokers are up"
                .formatted(partition.topic(), partition.partition(), end));
      }
    }
    return found;
  }
}
