package io.pelton.benchmarks;

import io.pelton.feature.FeatureRow;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.job.Topics;
import io.pelton.pipeline.Latency;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.pipeline.Topic;
import io.pelton.wire.FeatureVectorCodec;
import io.pelton.wire.StaticSchemaStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.flink.util.FileUtils;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * The setting that Crayfish (EDBT 2024) published: Kafka to Kafka, a network with 784 inputs,
 * scoring at parallelism 1. Records of one row as fast as they go through, then records of many
 * rows one after the other: the next is sent when the scores of the one before have come.
 */
final class CrayfishBenchmark {
  private static final ScoredModel MODEL = ScoredModel.NETWORK;
  private static final int PARTITIONS = 4;

  /** Crayfish's own code with ONNX on two cores like these: events a second at one row. */
  private static final double MEASURED = 3_621;

  /** The same as published. */
  private static final double PUBLISHED = 1_087;

  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(60);

  private final Path directory;
  private final List<TensorJob> jobs;
  private final int records;
  private final List<Integer> rowsOfRecords;
  private final int warmUp;
  private final int seconds;
  private final int repeat;
  private final List<String> jvm;

  private record Case(TensorJob job, int rows) {}

  private final Map<Case, List<Figures>> results = new LinkedHashMap<>();
  private final Set<TensorFormat> filled = EnumSet.noneOf(TensorFormat.class);
  private int runs;

  /**
   * @param records that lie in a topic for {@link TensorJob}s that take one row; those in Avro are
   *     four times as many, for they are soon gone
   * @param warmUp seconds, at most
   */
  CrayfishBenchmark(
      Path directory,
      List<TensorJob> jobs,
      int records,
      List<Integer> rowsOfRecords,
      int warmUp,
      int seconds,
      int repeat,
      List<String> jvm) {
    this.directory = directory;
    this.jobs = jobs;
    this.records = records;
    this.rowsOfRecords = rowsOfRecords;
    this.warmUp = warmUp;
    this.seconds = seconds;
    this.repeat = repeat;
    this.jvm = jvm;
  }

  void run() throws Exception {
    Path prepared = Files.createDirectory(directory.resolve(MODEL.toString()));
    MODEL.prepare(prepared);
    double[][] values = HeldRows.load(prepared.resolve(ScoredModel.ROWS_FILE));
    Process broker =
        FreshJvm.start(
            List.of("-Xmx1g"), Broker.class, List.of(directory.resolve("kafka").toString()));
    try {
      String brokers = FreshJvm.await(broker, Broker.READY);
      for (int round = 0; round < repeat; round++) {
        for (TensorJob job : jobs) {
          fill(brokers, job.format, prepared, values);
          add(new Case(job, 1), throughput(brokers, job, prepared));
        }
        for (int rows : rowsOfRecords) {
          for (TensorJob job : jobs) {
            if (job.takesRows()) {
              add(new Case(job, rows), latency(brokers, job, prepared, values, rows));
            }
          }
        }
      }
    } finally {
      InferenceBenchmark.end(broker);
    }
    print();
  }

  private void add(Case now, Figures figures) {
    System.out.printf("%s, rows a record %d: %s%n", now.job, now.rows, figures.byName());
    results.computeIfAbsent(now, unused -> new ArrayList<>()).add(figures);
  }

  private int recordsOf(TensorFormat format) {
    return format == TensorFormat.AVRO ? 4 * records : records;
  }

  /** Records of one row, once for all that read them. */
  private void fill(String brokers, TensorFormat format, Path prepared, double[][] values)
      throws Exception {
    if (!filled.add(format)) {
      return;
    }
    KafkaSettings kafka = KafkaSettings.of(brokers);
    PipelineDefinition pipeline = PipelineFile.read(prepared.resolve(ScoredModel.PIPELINE));
    Encoding encoding;
    if (format == TensorFormat.FEATURES) {
      Topics.ensure(
          kafka,
          Topics.of(pipeline, List.of(Topic.FEATURES, Topic.SCHEMAS), PARTITIONS),
          true,
          Duration.ofSeconds(30));
      FeatureVectorCodec codec = new FeatureVectorCodec(pipeline, new StaticSchemaStore(List.of()));
      new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS)).publish(List.of(codec.schema()));
      encoding =
          (id, time, row) ->
              codec.encode(new FeatureRow(id, time, new String[0], row, new Object[0]));
    } else {
      create(brokers, topic(format, pipeline), PARTITIONS);
      encoding = (id, time, row) -> format.encode(id, time, new double[][] {row});
    }
    Properties client = kafka.producer(Latency.THROUGHPUT);
    client.setProperty("compression.type", "lz4");
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(client, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int i = 0; i < recordsOf(format); i++) {
        producer.send(
            new ProducerRecord<>(
                topic(format, pipeline),
                encoding.encode(
                    Integer.toString(i), System.currentTimeMillis(), values[i % values.length])));
      }
    }
  }

  private interface Encoding {
    byte[] encode(String id, long time, double[] row) throws IOException;
  }

  private static String topic(TensorFormat format, PipelineDefinition pipeline) {
    return format == TensorFormat.FEATURES ? pipeline.topic(Topic.FEATURES) : "tensors-" + format;
  }

  private static void create(String brokers, String topic, int partitions) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
      admin
          .createTopics(
              List.of(
                  new NewTopic(topic, partitions, (short) 1)
                      .configs(
                          Map.of(
                              "max.message.bytes",
                              Integer.toString(TensorPipeline.LARGEST_RECORD)))))
          .all()
          .get();
    }
  }

  private static void delete(String brokers, String... topics) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
      admin.deleteTopics(Arrays.asList(topics)).all().get();
    }
  }

  private Process start(
      TensorJob job, String brokers, String in, String out, Path prepared, Path own, int lying)
      throws IOException {
    List<String> options = new ArrayList<>(List.of("-Xmx2g"));
    options.addAll(jvm);
    return FreshJvm.start(
        options,
        TensorProcess.class,
        List.of(
            job.name(),
            brokers,
            in,
            out,
            prepared.toString(),
            own.toString(),
            Integer.toString(lying),
            Integer.toString(warmUp),
            Integer.toString(seconds)));
  }

  private Figures throughput(String brokers, TensorJob job, Path prepared) throws Exception {
    PipelineDefinition pipeline = PipelineFile.read(prepared.resolve(ScoredModel.PIPELINE));
    boolean own = job == TensorJob.INFERENCE_JOB;
    String out = own ? pipeline.topic(Topic.PREDICTIONS) : "scores-" + runs++;
    if (!own) {
      create(brokers, out, PARTITIONS);
    }
    Path state = Files.createTempDirectory(directory, "state");
    Process process =
        start(
            job, brokers, topic(job.format, pipeline), out, prepared, state, recordsOf(job.format));
    Figures figures = Figures.parse(FreshJvm.await(process, TensorProcess.RESULT));
    process.waitFor();
    delete(brokers, out);
    FileUtils.deleteDirectory(state.toFile());
    return figures;
  }

  private Figures latency(String brokers, TensorJob job, Path prepared, double[][] values, int rows)
      throws Exception {
    String in = "events-" + runs;
    String out = "scores-" + runs++;
    create(brokers, in, 1);
    create(brokers, out, 1);
    Path state = Files.createTempDirectory(directory, "state");
    Process process = start(job, brokers, in, out, prepared, state, 0);
    try {
      FreshJvm.await(process, TensorProcess.READY);
      return oneByOne(brokers, in, out, job.format, values, rows);
    } finally {
      InferenceBenchmark.end(process);
      delete(brokers, in, out);
      FileUtils.deleteDirectory(state.toFile());
    }
  }

  /** From before a record is encoded to when its scores are here. */
  private Figures oneByOne(
      String brokers, String in, String out, TensorFormat format, double[][] values, int rows)
      throws IOException {
    KafkaSettings kafka = KafkaSettings.of(brokers);
    Properties sending = kafka.producer(Latency.LOW);
    sending.setProperty("max.request.size", Integer.toString(TensorPipeline.LARGEST_RECORD));
    sending.setProperty("buffer.memory", Integer.toString(2 * TensorPipeline.LARGEST_RECORD));
    List<Long> latencies = new ArrayList<>();
    try (KafkaProducer<byte[], byte[]> producer =
            new KafkaProducer<>(sending, new ByteArraySerializer(), new ByteArraySerializer());
        KafkaConsumer<byte[], byte[]> consumer =
            new KafkaConsumer<>(
                kafka.consumer(Latency.LOW),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
      List<TopicPartition> partition = List.of(new TopicPartition(out, 0));
      consumer.assign(partition);
      consumer.seekToBeginning(partition);
      long begin = System.nanoTime();
      long measured = begin + TimeUnit.SECONDS.toNanos(warmUp);
      long end = measured + TimeUnit.SECONDS.toNanos(seconds);
      for (int number = 0; System.nanoTime() < end || latencies.isEmpty(); number++) {
        double[][] batch = new double[rows][];
        for (int row = 0; row < rows; row++) {
          batch[row] = values[(number * rows + row) % values.length];
        }
        long start = System.nanoTime();
        producer.send(
            new ProducerRecord<>(
                in, format.encode(Integer.toString(number), System.currentTimeMillis(), batch)));
        while (consumer.poll(Duration.ofMillis(100)).isEmpty()) {
          if (System.nanoTime() - start > PATIENCE) {
            throw new IllegalStateException("record %d has no scores".formatted(number));
          }
        }
        if (start >= measured) {
          latencies.add(System.nanoTime() - start);
        }
      }
    }
    long[] sorted = latencies.stream().mapToLong(nanos -> nanos).sorted().toArray();
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("mean", Arrays.stream(sorted).average().orElse(Double.NaN) / 1e6);
    figures.put("p50", LatencyBenchmark.at(sorted, 0.5) / 1e6);
    figures.put("p99", LatencyBenchmark.at(sorted, 0.99) / 1e6);
    figures.put("records", (double) sorted.length);
    return new Figures(figures);
  }

  private void print() {
    System.out.printf(
        "%nRecords of one row, up to %d s after up to %d s of warm-up, median of %d%n%n",
        seconds, warmUp, repeat);
    System.out.println(
        "| job | events/s | CPU-s a thousand | records measured | times by hand |"
            + " times %,.0f (their code, measured) | times %,.0f (published) |"
                .formatted(MEASURED, PUBLISHED));
    System.out.println("|---|---|---|---|---|---|---|");
    for (TensorJob job : jobs) {
      List<Figures> figures = results.getOrDefault(new Case(job, 1), List.of());
      double rate = Figures.median(figures, "rate");
      @Nullable List<Figures> byHand = results.get(new Case(TensorJob.BY_HAND, 1));
      System.out.printf(
          "| %s | %,.0f | %.3f | %,.0f | %s | %.1f | %.1f |%n",
          job.title,
          rate,
          Figures.median(figures, "cpu"),
          Figures.median(figures, "records"),
          byHand == null ? "" : "%.1f".formatted(rate / Figures.median(byHand, "rate")),
          rate / MEASURED,
          rate / PUBLISHED);
    }
    System.out.printf("%nMilliseconds from producer to consumer, one record at a time%n%n");
    System.out.println("| job | rows a record | mean | p50 | p99 | records measured |");
    System.out.println("|---|---|---|---|---|---|");
    results.forEach(
        (now, figures) -> {
          if (figures.get(0).byName().containsKey("mean")) {
            System.out.printf(
                "| %s | %d | %.1f | %.1f | %.1f | %,.0f |%n",
                now.job.title,
                now.rows,
                Figures.median(figures, "mean"),
                Figures.median(figures, "p50"),
                Figures.median(figures, "p99"),
                Figures.median(figures, "records"));
          }
        });
  }
}
