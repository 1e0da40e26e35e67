package io.pelton.benchmarks;

import io.pelton.event.EventEncoder;
import io.pelton.event.EventSchema;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.wire.PredictionCodec;
import io.pelton.wire.UndecodableException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Sends events at the times that a rate gives, whatever becomes of those before, and sees when the
 * prediction of each is there. Latency counts from the time at which an event was to be sent, so
 * that a stall is part of the latency of all events that it held up. An event's id is its number.
 */
final class OpenLoop {
  private static final Duration POLL = Duration.ofMillis(100);
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(60);
  private static final int AT_ONCE = 1_000_000_000;

  private final KafkaSettings kafka;
  private final PipelineDefinition pipeline;
  private final EventSchema schema;
  private final List<@Nullable Object[]> events;
  private final boolean committed;

  /**
   * @param events whose fields but id and time are sent, again and again
   * @param committed whether only committed predictions are seen
   */
  OpenLoop(
      KafkaSettings kafka,
      PipelineDefinition pipeline,
      List<@Nullable Object[]> events,
      boolean committed) {
    this.kafka = kafka;
    this.pipeline = pipeline;
    this.schema = new EventSchema(pipeline.events().schema());
    this.events = events;
    this.committed = committed;
  }

  /** Told when the warm-up is over and when the last event has been sent. */
  interface Watch {
    void measuring();

    void sent();
  }

  private static final Watch NOT_WATCHED =
      new Watch() {
        @Override
        public void measuring() {}

        @Override
        public void sent() {}
      };

  /**
   * What became of the events, by their numbers; times are those of {@link System#nanoTime}.
   *
   * @param warmUp how many are not measured
   * @param arrivals when the prediction was there
   * @param versions of the model that made it
   */
  record Run(long start, int rate, int warmUp, long[] arrivals, int[] versions) {
    int events() {
      return arrivals.length;
    }

    /** When the event was to be sent. */
    long due(int number) {
      return OpenLoop.due(start, rate, number);
    }

    long latency(int number) {
      return arrivals[number] - due(number);
    }

    /** Of the events after the warm-up in order, nanoseconds. */
    long[] latencies() {
      return IntStream.range(warmUp, events()).mapToLong(this::latency).sorted().toArray();
    }
  }

  /**
   * @throws IllegalStateException when predictions stay away
   */
  Run run(int rate, int warmUpSeconds, int seconds, Watch watch) throws Exception {
    int warmUp = rate * warmUpSeconds;
    return send(rate, warmUp, warmUp + rate * seconds, watch);
  }

  /**
   * Predictions a second when events are never short: sends that many as fast as it can, and takes
   * the later half.
   */
  double capacity(int events) throws Exception {
    long[] arrivals = send(AT_ONCE, 0, events, NOT_WATCHED).arrivals;
    Arrays.sort(arrivals);
    int half = events / 2;
    return (events - half) * 1e9 / (arrivals[events - 1] - arrivals[half - 1]);
  }

  private Run send(int rate, int warmUp, int all, Watch watch) throws Exception {
    try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
      long start = System.nanoTime();
      Run run = new Run(start, rate, warmUp, new long[all], new int[all]);
      Thread sender = new Thread(() -> send(start, rate, warmUp, all, watch), "sender");
      sender.start();
      receive(consumer, run);
      sender.join();
      return run;
    }
  }

  private static long due(long start, int rate, int number) {
    return start + number * 1_000_000_000L / rate;
  }

  private void send(long start, int rate, int warmUp, int all, Watch watch) {
    Properties client = kafka.producer();
    client.setProperty("linger.ms", "1");
    EventEncoder encoder = new EventEncoder(schema, pipeline.events().format());
    int id = schema.indexOf(pipeline.events().id());
    int time = schema.indexOf(pipeline.events().time());
    int key = schema.indexOf(pipeline.entities().get(0).field());
    String topic = pipeline.topic(Topic.EVENTS);
    long clock =
        System.currentTimeMillis() - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(client, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int number = 0; number < all; number++) {
        long due = due(start, rate, number);
        while (System.nanoTime() < due) {
          LockSupport.parkNanos(due - System.nanoTime());
        }
        if (number == warmUp) {
          watch.measuring();
        }
        @Nullable Object[] fields = events.get(number % events.size()).clone();
        fields[id] = (long) number;
        fields[time] = clock + TimeUnit.NANOSECONDS.toMillis(due - start);
        producer.send(
            new ProducerRecord<>(
                topic,
                String.valueOf(fields[key]).getBytes(StandardCharsets.UTF_8),
                encoder.encode(fields)));
      }
      watch.sent();
    }
  }

  /** One that is there before the first event. */
  private KafkaConsumer<byte[], byte[]> consumer() {
    Properties client = kafka.consumer();
    client.setProperty("isolation.level", committed ? "read_committed" : "read_uncommitted");
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(client, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    List<TopicPartition> partitions =
        consumer.partitionsFor(pipeline.topic(Topic.PREDICTIONS)).stream()
            .map(info -> new TopicPartition(info.topic(), info.partition()))
            .toList();
    consumer.assign(partitions);
    consumer.seekToEnd(partitions);
    partitions.forEach(consumer::position);
    return consumer;
  }

  private void receive(KafkaConsumer<byte[], byte[]> consumer, Run run)
      throws UndecodableException {
    long[] arrivals = run.arrivals;
    PredictionCodec codec =
        new PredictionCodec(pipeline, new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS)));
    int seen = 0;
    long last = System.nanoTime();
    while (seen < arrivals.length) {
      ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
      long now = System.nanoTime();
      for (ConsumerRecord<byte[], byte[]> record : records) {
        ScoredRow row = codec.decode(record.value());
        int number = Integer.parseInt(row.id);
        if (arrivals[number] != 0) {
          throw new IllegalStateException("two predictions of event " + number);
        }
        arrivals[number] = now;
        run.versions[number] = row.served.version();
        seen++;
      }
      if (!records.isEmpty()) {
        last = now;
      } else if (now - last > PATIENCE) {
        throw new IllegalStateException(
            "%,d of %,d events have a prediction".formatted(seen, arrivals.length));
      }
    }
  }
}
