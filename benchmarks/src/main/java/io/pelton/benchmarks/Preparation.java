package io.pelton.benchmarks;

import io.pelton.cli.simulator.SimulatorSettings;
import io.pelton.cli.simulator.TransactionCsv;
import io.pelton.cli.simulator.TransactionSimulator;
import io.pelton.drift.BaselineProfile;
import io.pelton.event.EventEncoder;
import io.pelton.event.EventFile;
import io.pelton.event.EventSchema;
import io.pelton.feature.BlockStore;
import io.pelton.feature.EntityHistory;
import io.pelton.feature.EntityPlan;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.job.KafkaSchemaStore;
import io.pelton.job.KafkaSettings;
import io.pelton.job.Topics;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.LocalStorage;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Registry;
import io.pelton.training.BoostedTreesTrainer;
import io.pelton.training.TrainedModel;
import io.pelton.training.TrainingSet;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** What all runs share: the events in their topic, and a model of them in the registry. */
final class Preparation {
  private static final int CUSTOMERS = 5_000;
  private static final int TERMINALS = 10_000;
  private static final int EVENTS_A_DAY = 9_000;
  private static final int PARTITIONS = 4;
  private static final long DAY = 86_400_000;
  private static final int TRAINING_DAYS = 45;
  private static final int MOST_EDGES = 2_048;

  private final PipelineDefinition pipeline;
  private final EventSchema schema;
  private final List<Path> files;

  private Preparation(PipelineDefinition pipeline, List<Path> files) {
    this.pipeline = pipeline;
    this.schema = new EventSchema(pipeline.events().schema());
    this.files = files;
  }

  static Preparation fromFiles(PipelineDefinition pipeline, List<Path> files) {
    return new Preparation(pipeline, files);
  }

  /** As many customers and terminals as the Fraud Detection Handbook has. */
  static Preparation simulated(PipelineDefinition pipeline, long events, Path directory)
      throws IOException {
    return new Preparation(pipeline, List.of(simulate(events, directory)));
  }

  /** A file of at least so many simulated payments. */
  static Path simulate(long events, Path directory) throws IOException {
    Path file = directory.resolve("transactions.csv");
    int days = (int) (events / EVENTS_A_DAY) + 2;
    TransactionCsv.write(
        new TransactionSimulator(
            new SimulatorSettings(
                1, CUSTOMERS, TERMINALS, Instant.parse("2018-04-01T00:00:00Z"), days, List.of())),
        file);
    return file;
  }

  private interface Event {
    /** Returns whether it wants more. */
    boolean take(@Nullable Object[] fields) throws Exception;
  }

  private void forEach(Event event) throws Exception {
    for (Path path : files) {
      try (EventFile file =
          EventFile.open(
              path.toString(), Files.newInputStream(path), schema, pipeline.neededFields())) {
        while (file.next()) {
          if (!event.take(file.fields())) {
            return;
          }
        }
      }
    }
  }

  /** Fields of the first events. */
  List<@Nullable Object[]> first(int count) throws Exception {
    List<@Nullable Object[]> events = new ArrayList<>(count);
    forEach(
        fields -> {
          events.add(fields.clone());
          return events.size() < count;
        });
    return events;
  }

  /** Sends events to the pipeline's topic, keyed by the first entity. */
  void send(String brokers, long events) throws Exception {
    KafkaSettings kafka = KafkaSettings.of(brokers);
    Topics.ensure(
        kafka,
        Topics.of(pipeline, List.of(Topic.EVENTS, Topic.SCHEMAS), PARTITIONS),
        true,
        Duration.ofSeconds(30));
    new KafkaSchemaStore(kafka, pipeline.topic(Topic.SCHEMAS)).publish(List.of(schema.schema()));
    Properties client = kafka.producer();
    client.setProperty("linger.ms", "20");
    client.setProperty("batch.size", "131072");
    client.setProperty("compression.type", "lz4");
    EventEncoder encoder = new EventEncoder(schema, pipeline.events().format());
    int key = schema.indexOf(pipeline.entities().get(0).field());
    long[] sent = {0};
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(client, new ByteArraySerializer(), new ByteArraySerializer())) {
      forEach(
          fields -> {
            producer.send(
                new ProducerRecord<>(
                    pipeline.topic(Topic.EVENTS),
                    String.valueOf(fields[key]).getBytes(StandardCharsets.UTF_8),
                    encoder.encode(fields)));
            return ++sent[0] < events;
          });
    }
    if (sent[0] < events) {
      throw new IllegalArgumentException(
          "the files hold %,d events; %,d are needed: give fewer --events"
              .formatted(sent[0], events));
    }
  }

  private interface Finished {
    void take(FeatureRow row, @Nullable Object[] fields);
  }

  /** The feature rows of the first weeks. */
  List<FeatureRow> rows() throws Exception {
    List<FeatureRow> rows = new ArrayList<>();
    forEachRow((row, fields) -> rows.add(row));
    return rows;
  }

  private void forEachRow(Finished finished) throws Exception {
    FeaturePlan plan = new FeaturePlan(pipeline);
    Map<String, EntityHistory> histories = new HashMap<>();
    Map<String, BlockStore> blocks = new HashMap<>();
    long[] first = {Long.MIN_VALUE};
    forEach(
        fields -> {
          FeatureRow row = plan.admit(fields, Long.MAX_VALUE);
          for (EntityPlan entity : plan.entities()) {
            String key = entity.key() + ":" + row.keys[entity.key()];
            histories
                .computeIfAbsent(key, unused -> new EntityHistory(entity.layout()))
                .update(
                    entity,
                    row,
                    blocks.computeIfAbsent(key, unused -> new BlockStore.InMemory()),
                    0,
                    row.time);
          }
          plan.finish(row);
          finished.take(row, fields);
          first[0] = first[0] == Long.MIN_VALUE ? row.time : first[0];
          return row.time < first[0] + TRAINING_DAYS * DAY;
        });
  }

  /**
   * Trains boosted trees on the first weeks and publishes them as champion.
   *
   * @return the model's file
   */
  Path train(Path registry, Path directory) throws Exception {
    NewVersion version = trained(directory);
    publish(registry, version);
    return version.artifact();
  }

  /** Publishes the first version of a model as its champion. */
  static Registry publish(Path registry, NewVersion version) throws IOException {
    Registry published = new Registry(new LocalStorage(registry));
    published.publish(version);
    published.setAlias(version.name(), Registry.CHAMPION, 1);
    return published;
  }

  /** Trains boosted trees on the first weeks. */
  NewVersion trained(Path directory) throws Exception {
    int label = schema.indexOf("fraud");
    List<FeatureRow> rows = new ArrayList<>();
    List<Double> labels = new ArrayList<>();
    forEachRow(
        (row, fields) -> {
          rows.add(row);
          labels.add(Double.valueOf(String.valueOf(fields[label])));
        });
    // The first half has no full windows yet.
    int from = rows.size() / 2;
    List<FeatureRow> sample = rows.subList(from, rows.size());
    double[][] values = sample.stream().map(row -> row.values).toArray(double[][]::new);
    TrainingSet set =
        new TrainingSet(
            pipeline.featureNames(),
            sample.stream().map(row -> row.id).toList(),
            sample.stream().mapToLong(row -> row.time).toArray(),
            List.of(),
            values,
            labels.subList(from, labels.size()).stream().mapToDouble(l -> l).toArray());
    TrainedModel model = BoostedTreesTrainer.withDefaults(1).train(set, directory);
    double[] scores = model.scorer().score(values);
    double[][] outputs =
        Arrays.stream(scores).mapToObj(s -> new double[] {s}).toArray(double[][]::new);
    Path artifact = model.directory().resolve(model.artifact());
    String name = pipeline.model() == null ? pipeline.name() : pipeline.model().name();
    return new NewVersion(
        name,
        model.engine(),
        artifact,
        model.signature(),
        model.engineOptions(),
        new GoldenRows(Arrays.copyOf(values, 16), Arrays.copyOf(outputs, 16)),
        BaselineProfile.of(
                pipeline.featureNames(),
                values,
                model.signature().outputNames(),
                outputs,
                MOST_EDGES)
            .toJson(),
        Map.of(),
        model.provenance());
  }
}
