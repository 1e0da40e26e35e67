package io.pelton.cli;

import io.pelton.job.KafkaSettings;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftReport;
import io.pelton.wire.PredictionCodec;
import io.pelton.wire.RecordCodec;
import io.pelton.wire.SchemaStore;
import io.pelton.wire.UndecodableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/**
 * Watches the pipeline's topics while the demo runs, reading uncommitted: predictions as soon as
 * they are written, with how long each took from the producer on, and drift reports and alerts.
 */
final class DemoMonitor implements AutoCloseable {
  private static final int RECENT = 20_000;

  /** What the board shows of one feature. */
  record Drift(double psi, @Nullable Double ks, boolean drifted, long windowEnd) {}

  private final PipelineDefinition pipeline;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final PredictionCodec predictionCodec;
  private final RecordCodec<DriftReport> reportCodec;
  private final RecordCodec<DriftAlert> alertCodec;
  private final Map<String, Long> sentNanos = new ConcurrentHashMap<>();
  private final Map<String, Drift> drift = new LinkedHashMap<>();
  private final List<DriftReport> reports = new ArrayList<>();
  private final List<DriftAlert> alerts = new ArrayList<>();
  private final long[] latencies = new long[RECENT];
  private final Thread thread;
  private long predictions;
  private long eventTime = Long.MIN_VALUE;
  private long firstPredictionNanos;
  private volatile boolean closed;
  private volatile @Nullable Throwable failure;

  DemoMonitor(PipelineDefinition pipeline, KafkaSettings kafka, SchemaStore schemas) {
    this.pipeline = pipeline;
    predictionCodec = new PredictionCodec(pipeline, schemas);
    reportCodec = new RecordCodec<>(DriftReport.class, schemas);
    alertCodec = new RecordCodec<>(DriftAlert.class, schemas);
    Properties client = kafka.consumer();
    client.setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_uncommitted");
    client.setProperty(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, "20");
    consumer =
        new KafkaConsumer<>(client, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    List<TopicPartition> partitions = new ArrayList<>();
    for (Topic topic : List.of(Topic.PREDICTIONS, Topic.DRIFT, Topic.ALERTS)) {
      for (PartitionInfo partition : consumer.partitionsFor(pipeline.topic(topic))) {
        partitions.add(new TopicPartition(partition.topic(), partition.partition()));
      }
    }
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    thread = new Thread(this::watch, "demo-monitor");
    thread.setDaemon(true);
    thread.start();
  }

  /** Notes when an event was sent. */
  void sent(String id) {
    sentNanos.put(id, System.nanoTime());
  }

  private void watch() {
    try {
      while (!closed) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(50))) {
          take(record);
        }
      }
    } catch (UndecodableException | RuntimeException e) {
      failure = e;
    } finally {
      consumer.close();
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record) throws UndecodableException {
    String topic = record.topic();
    if (topic.equals(pipeline.topic(Topic.PREDICTIONS))) {
      long now = System.nanoTime();
      ScoredRow row = predictionCodec.decode(record.value());
      Long sent = sentNanos.remove(row.id);
      synchronized (this) {
        if (predictions == 0) {
          firstPredictionNanos = now;
        }
        if (sent != null) {
          latencies[(int) (predictions % RECENT)] = now - sent;
        }
        predictions++;
        eventTime = Math.max(eventTime, row.time);
      }
    } else if (topic.equals(pipeline.topic(Topic.DRIFT))) {
      DriftReport report = reportCodec.decode(record.value());
      synchronized (this) {
        reports.add(report);
        drift.put(
            report.getFeature(),
            new Drift(
                report.getPsiAdjusted(),
                report.getKs(),
                report.getDrifted(),
                report.getWindowEnd().toEpochMilli()));
      }
    } else {
      DriftAlert alert = alertCodec.decode(record.value());
      synchronized (this) {
        alerts.add(alert);
      }
    }
  }

  /** Throws what made the watching stop, if anything did. */
  void check() {
    Throwable e = failure;
    if (e != null) {
      throw new IllegalStateException("the topics can no longer be watched: " + e, e);
    }
  }

  synchronized long predictions() {
    return predictions;
  }

  /** {@link System#nanoTime} of the first prediction; 0 while there is none. */
  synchronized long firstPredictionNanos() {
    return firstPredictionNanos;
  }

  /** Newest event time among the predictions, epoch milliseconds. */
  synchronized long eventTime() {
    return eventTime;
  }

  /** Latency percentiles of the newest predictions, milliseconds; NaN while there are none. */
  synchronized double[] latencies(double... percentiles) {
    int count = (int) Math.min(predictions, RECENT);
    long[] sorted = Arrays.copyOf(latencies, count);
    Arrays.sort(sorted);
    return Arrays.stream(percentiles)
        .map(p -> count == 0 ? Double.NaN : sorted[(int) Math.min(count - 1, p * count)] / 1e6)
        .toArray();
  }

  /** The newest report of each feature and output. */
  synchronized Map<String, Drift> drift() {
    return new LinkedHashMap<>(drift);
  }

  synchronized List<DriftReport> reports() {
    return List.copyOf(reports);
  }

  synchronized List<DriftAlert> alerts() {
    return List.copyOf(alerts);
  }

  @Override
  public void close() throws InterruptedException {
    closed = true;
    thread.join(10_000);
  }
}
