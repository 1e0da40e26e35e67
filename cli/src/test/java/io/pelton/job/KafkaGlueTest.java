package io.pelton.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.cli.embedded.EmbeddedKafka;
import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.Delivery;
import io.pelton.pipeline.EventFormat;
import io.pelton.pipeline.Events;
import io.pelton.pipeline.Latency;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.Outcome;
import io.pelton.wire.SingleObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.lang.reflect.Field;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Topics, schemas, sinks and sources against a real broker and a real Flink. */
class KafkaGlueTest {
  private static final long TIME = 1_700_000_000_000L;
  @TempDir static Path directory;
  private static EmbeddedKafka broker;
  private static EmbeddedFlink flink;
  private static KafkaSettings kafka;

  @BeforeAll
  static void start() throws Exception {
    broker = EmbeddedKafka.start(directory.resolve("kafka"));
    kafka = KafkaSettings.of(broker.bootstrapServers());
    flink =
        EmbeddedFlink.start(
            2, directory.resolve("flink"), EmbeddedFlink.State.HEAP, new Configuration());
  }

  @AfterAll
  static void stop() throws Exception {
    flink.close();
    broker.close();
  }

  /** A pipeline of its own topics for each test. */
  private static PipelineDefinition pipeline(String name) {
    return pipeline(name, Latency.BALANCED);
  }

  private static PipelineDefinition pipeline(String name, Latency latency) {
    Schema event = SchemaBuilder.record("Event").fields().requiredString("id").endRecord();
    return new PipelineDefinition(
        name,
        new Events(
            name + ".events",
            EventFormat.AVRO,
            event,
            "id",
            "t",
            null,
            86_400_000L,
            30_000L,
            Map.of(),
            Map.of()),
        List.of(new PipelineDefinition.Entity("customer", "customer_id")),
        List.of(
            new PipelineDefinition.RowFeature("amount", "1.0"),
            new PipelineDefinition.RowFeature("risk", "1.0")),
        new PipelineDefinition.Model(name, null, 1, 1, PipelineDefinition.Device.CPU),
        null,
        null,
        List.of("country"),
        null,
        null,
        Map.of(),
        List.of(),
        Map.of(),
        latency);
  }

  private static void createTopics(PipelineDefinition pipeline) throws Exception {
    Topics.ensure(kafka, Topics.of(pipeline, EnumSet.allOf(Topic.class), 2), true, Topics.TIMEOUT);
  }

  @Test
  void createsMissingTopicsAndLeavesOthersAlone() throws Exception {
    PipelineDefinition pipeline = pipeline("topics");
    List<Topics.Spec> some = Topics.of(pipeline, List.of(Topic.FEATURES), 3);
    assertThatThrownBy(() -> Topics.ensure(kafka, some, false, Topics.TIMEOUT))
        .isInstanceOf(KafkaUnavailableException.class)
        .hasMessageContaining("topics are missing: topics.features;")
        .hasMessageContaining("--no-create");

    Topics.ensure(kafka, some, true, Topics.TIMEOUT);
    createTopics(pipeline);
    createTopics(pipeline);
    Topics.ensure(kafka, Topics.of(pipeline, EnumSet.allOf(Topic.class), 2), false, Topics.TIMEOUT);

    try (Admin admin = Admin.create(kafka.admin())) {
      assertThat(
              admin
                  .describeTopics(List.of("topics.features", "topics.predictions", "topics.late"))
                  .allTopicNames()
                  .get()
                  .values())
          .extracting(topic -> topic.name() + topic.partitions().size())
          .containsExactlyInAnyOrder("topics.features3", "topics.predictions2", "topics.late1");
      assertThat(setting(admin, "topics.control", "cleanup.policy")).isEqualTo("compact");
      assertThat(setting(admin, "topics.status", "cleanup.policy")).isEqualTo("compact,delete");
      assertThat(setting(admin, "topics.audit", "retention.ms")).isEqualTo("-1");
    }
  }

  private static String setting(Admin admin, String topic, String name) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    return admin.describeConfigs(List.of(resource)).all().get().get(resource).get(name).value();
  }

  @Test
  void refusesAControlTopicThatForgets() throws Exception {
    try (Admin admin = Admin.create(kafka.admin())) {
      admin.createTopics(List.of(new NewTopic("forgets.control", 1, (short) 1))).all().get();
    }
    List<Topics.Spec> specs = Topics.of(pipeline("forgets"), List.of(Topic.CONTROL), 1);
    assertThatThrownBy(() -> Topics.ensure(kafka, specs, true, Topics.TIMEOUT))
        .isInstanceOf(KafkaUnavailableException.class)
        .hasMessageContaining(
            "topic forgets.control: cleanup.policy is delete; it must be compact");
  }

  @Test
  void refusesAFeaturesTopicThatWouldRefuseEventTime() throws Exception {
    try (Admin admin = Admin.create(kafka.admin())) {
      admin.createTopics(List.of(new NewTopic("timed.features", 1, (short) 1))).all().get();
    }
    List<Topics.Spec> specs = Topics.of(pipeline("timed"), List.of(Topic.FEATURES), 1);
    assertThatThrownBy(() -> Topics.ensure(kafka, specs, true, Topics.TIMEOUT))
        .isInstanceOf(KafkaUnavailableException.class)
        .hasMessageContaining("topic timed.features: message.timestamp.after.max.ms is 3600000;")
        .hasMessageContaining("max-ahead (86400000 ms)");
  }

  @Test
  void saysWhichBrokersCannotBeUsed() {
    KafkaSettings nowhere = KafkaSettings.of("nowhere");
    assertThatThrownBy(() -> Topics.ensure(nowhere, List.of(), true, Topics.TIMEOUT))
        .isInstanceOf(KafkaUnavailableException.class)
        .hasMessageContaining("Kafka at nowhere: ")
        .hasMessageContaining("check --brokers (host:port, …)");
  }

  @Test
  void saysWhichBrokersDidNotAnswer() throws Exception {
    int closed;
    try (ServerSocket socket = new ServerSocket(0)) {
      closed = socket.getLocalPort();
    }
    KafkaSettings nobody = KafkaSettings.of("127.0.0.1:" + closed);
    List<Topics.Spec> specs = Topics.of(pipeline("x"), List.of(Topic.FEATURES), 1);
    assertThatThrownBy(() -> Topics.ensure(nobody, specs, true, Duration.ofMillis(500)))
        .isInstanceOf(KafkaUnavailableException.class)
        .hasMessageContaining("Kafka at 127.0.0.1:" + closed + ": no answer within 500 ms")
        .hasMessageContaining("check that a broker listens there");
  }

  @Test
  void findsSchemasThatAnotherPublished() throws Exception {
    createTopics(pipeline("schemas"));
    KafkaSchemaStore writing = new KafkaSchemaStore(kafka, "schemas.schemas");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new ObjectOutputStream(bytes).writeObject(writing);
    KafkaSchemaStore reading =
        (KafkaSchemaStore)
            new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();

    writing.publish(List.of(Outcome.getClassSchema()));
    writing.publish(List.of(Outcome.getClassSchema(), DeadLetter.getClassSchema()));

    assertThat(reading.find(SingleObject.fingerprint(Outcome.getClassSchema())))
        .isEqualTo(Outcome.getClassSchema());
    assertThat(reading.find(SingleObject.fingerprint(DeadLetter.getClassSchema()))).isNotNull();
    assertThat(reading.reads()).isEqualTo(1);
    assertThat(read("schemas.schemas")).hasSize(2);
  }

  @Test
  void sparesTheBrokerABurstOfUnknownFingerprints() throws Exception {
    createTopics(pipeline("burst"));
    KafkaSchemaStore store = new KafkaSchemaStore(kafka, "burst.schemas");
    long start = System.nanoTime();
    for (int i = 0; i < 100_000; i++) {
      assertThat(store.find(4711)).isNull();
    }
    assertThat(store.reads()).isEqualTo(1);
    for (int i = 0; i < 100_000; i++) {
      assertThat(store.find(i)).isNull();
    }
    long seconds = Duration.ofNanos(System.nanoTime() - start).toSeconds();
    assertThat((long) store.reads()).isLessThanOrEqualTo(KafkaSchemaStore.BURST + seconds + 1);
  }

  @Test
  void keepsTransactionsWithinWhatTheBrokerAllows() throws Exception {
    assertThat(new KafkaSinks(kafka, pipeline("p"), "job").transactionTimeout())
        .isEqualTo(Duration.ofHours(1));
    assertThat(longestTransaction("900000")).isEqualTo(Duration.ofMinutes(15));
    assertThatThrownBy(() -> longestTransaction("30000"))
        .isInstanceOf(KafkaUnavailableException.class)
        .hasMessageContaining("transaction.max.timeout.ms is 30000")
        .hasMessageContaining("choose delivery at-least-once");
  }

  @Test
  void asksTheBrokerOfTransactionsOnlyForTopicsThatNeedThem() throws Exception {
    KafkaSettings nowhere = KafkaSettings.of("nowhere");
    PipelineDefinition mixed =
        pipeline("p").with(Map.of(Topic.PREDICTIONS, Delivery.AT_LEAST_ONCE));
    KafkaSinks sinks = new KafkaSinks(nowhere, mixed, "job");
    assertThat(sinks.predictions()).isNotNull();
    assertThatThrownBy(sinks::features).isInstanceOf(KafkaUnavailableException.class);
  }

  @Test
  void featuresThatAreScoredInTheSameJobLingerALittle() throws Exception {
    KafkaSinks sinks = new KafkaSinks(kafka, pipeline("low", Latency.LOW), "job");
    assertThat(lingers(sinks.features())).isEqualTo("0");
    assertThat(lingers(sinks.predictions())).isEqualTo("0");
    assertThat(lingers(sinks.scoredFeatures())).isEqualTo("10");
    KafkaSinks gathering = new KafkaSinks(kafka, pipeline("more", Latency.THROUGHPUT), "job");
    assertThat(lingers(gathering.scoredFeatures())).isEqualTo("50");
  }

  private static @Nullable Object lingers(KafkaSink<?> sink) throws Exception {
    Field properties = KafkaSink.class.getDeclaredField("kafkaProducerConfig");
    properties.setAccessible(true);
    return ((Properties) properties.get(sink)).getProperty("linger.ms");
  }

  private static Duration longestTransaction(String maximum) throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    try (EmbeddedKafka other =
        EmbeddedKafka.start(
            directory.resolve("kafka-" + maximum),
            port,
            Map.of("transaction.max.timeout.ms", maximum))) {
      return new KafkaSinks(KafkaSettings.of(other.bootstrapServers()), pipeline("p"), "job")
          .transactionTimeout();
    }
  }

  @Test
  void bringsFeaturesThroughTheirTopicAndUnreadableRecordsToDeadLetters() throws Exception {
    PipelineDefinition pipeline = pipeline("features");
    createTopics(pipeline);
    KafkaSinks sinks = new KafkaSinks(kafka, pipeline, "features");
    sinks.publishSchemas();
    StreamExecutionEnvironment writing = environment();
    writing
        .fromSequence(0, 99)
        .map(KafkaGlueTest::row)
        .returns(new FeatureRowTypeInfo())
        .sinkTo(sinks.features())
        .uid("sink");
    writing.execute();
    Properties properties = kafka.producer();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.send(
          new ProducerRecord<>(
              "features.features", 1, TIME + 5, new byte[] {7}, new byte[] {1, 2}));
    }

    StreamExecutionEnvironment reading = environment();
    Decoded<FeatureRow> decoded = new KafkaSources(reading, kafka, pipeline).features(bounded());
    CloseableIterator<String> rows =
        decoded
            .rows()
            .map(
                row -> row.id + "@" + row.time + "=" + row.keys[0] + row.values[0] + row.carried[0])
            .returns(Types.STRING)
            .collectAsync();
    CloseableIterator<DeadLetter> letters = decoded.deadLetters().collectAsync();
    reading.execute();

    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      expected.add("tx" + i + "@" + (TIME + i) + "=c" + i % 7 + i * 0.5 + "ch");
    }
    assertThat(rows).toIterable().containsExactlyInAnyOrderElementsOf(expected);
    assertThat(letters)
        .toIterable()
        .singleElement()
        .satisfies(
            letter -> {
              assertThat(letter.getReason()).isEqualTo("undecodable");
              assertThat(letter.getDetail()).contains("starts with 01 02");
              assertThat(letter.getSource()).isEqualTo("features.features");
              assertThat(letter.getPartition()).isEqualTo(1);
              assertThat(letter.getValue().array()).containsExactly(1, 2);
            });
    assertThat(read("features.features"))
        .filteredOn(record -> record.value().length > 2)
        .allSatisfy(record -> assertThat(record.timestamp()).isBetween(TIME, TIME + 99));
  }

  @Test
  void bringsPredictionsOfVersionsWithOtherFeaturesThroughTheirTopic() throws Exception {
    PipelineDefinition pipeline = pipeline("predictions");
    createTopics(pipeline);
    KafkaSinks sinks = new KafkaSinks(kafka, pipeline, "inference");
    for (List<String> features : List.of(List.of("amount", "risk"), List.of("risk"))) {
      sinks.predictionSchemas().publish(features);
    }
    StreamExecutionEnvironment writing = environment();
    writing
        .fromSequence(0, 9)
        .map(KafkaGlueTest::scored)
        .returns(new ScoredRowTypeInfo())
        .sinkTo(sinks.predictions())
        .uid("sink");
    writing.execute();

    StreamExecutionEnvironment reading = environment();
    Decoded<ScoredRow> decoded = new KafkaSources(reading, kafka, pipeline).predictions(bounded());
    CloseableIterator<String> rows =
        decoded
            .rows()
            .map(
                row ->
                    row.id + " v" + row.served.version() + row.served.features() + row.outputs[0])
            .returns(Types.STRING)
            .collectAsync();
    reading.execute();

    assertThat(rows)
        .toIterable()
        .hasSize(10)
        .contains("tx3 v2[risk]3.0", "tx4 v1[amount, risk]4.0");
  }

  @Test
  void writesEachRowOnceAlthoughTheJobFails() throws Exception {
    PipelineDefinition pipeline = pipeline("once");
    createTopics(pipeline);
    KafkaSinks sinks = new KafkaSinks(kafka, pipeline, "features");
    Configuration settings = new Configuration();
    settings.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    settings.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(10));
    StreamExecutionEnvironment env = flink.environment(settings);
    env.enableCheckpointing(200);
    FailingOnce.FAILED.set(false);
    env.fromSource(
            new DataGeneratorSource<>(
                number -> number, 3_000, RateLimiterStrategy.perSecond(1_500), Types.LONG),
            WatermarkStrategy.noWatermarks(),
            "numbers")
        .map(new FailingOnce())
        .map(KafkaGlueTest::row)
        .returns(new FeatureRowTypeInfo())
        .sinkTo(sinks.features())
        .uid("sink");
    env.execute();

    assertThat(FailingOnce.FAILED).isTrue();
    List<Long> times =
        read("once.features").stream().map(ConsumerRecord::timestamp).sorted().toList();
    List<Long> expected = new ArrayList<>();
    for (long i = 0; i < 3_000; i++) {
      expected.add(TIME + i);
    }
    assertThat(times).isEqualTo(expected);
  }

  private static KafkaSources.Reading bounded() {
    return new KafkaSources.Reading("test", OffsetsInitializer.earliest(), true, 0, 1_000);
  }

  private static StreamExecutionEnvironment environment() {
    StreamExecutionEnvironment env = flink.environment(new Configuration());
    env.setRuntimeMode(RuntimeExecutionMode.STREAMING);
    env.setParallelism(2);
    env.enableCheckpointing(200);
    return env;
  }

  private static FeatureRow row(Long i) {
    return new FeatureRow(
        "tx" + i,
        TIME + i,
        new String[] {"c" + i % 7},
        new double[] {i * 0.5, Double.NaN},
        new Object[] {"ch"});
  }

  private static ScoredRow scored(Long i) {
    ServedVersion served =
        i % 2 == 0
            ? new ServedVersion(
                "m", 1, "ab", "champion", List.of("amount", "risk"), List.of("score"))
            : new ServedVersion("m", 2, "cd", "challenger", List.of("risk"), List.of("score"));
    return new ScoredRow(
        "tx" + i,
        TIME + i,
        new String[] {"c"},
        new Object[] {null},
        served,
        new double[served.features().size()],
        i,
        new double[] {i});
  }

  /** All committed records of a topic. */
  private static List<ConsumerRecord<byte[], byte[]>> read(String topic) {
    Properties properties = kafka.consumer();
    properties.setProperty("auto.offset.reset", "earliest");
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(partition -> new TopicPartition(topic, partition.partition()))
              .toList();
      consumer.assign(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
      while (!ends.entrySet().stream()
          .allMatch(end -> consumer.position(end.getKey()) >= end.getValue())) {
        consumer.poll(Duration.ofMillis(100)).forEach(records::add);
      }
      return records;
    }
  }

  /** Fails at a record after the first completed checkpoint. */
  public static final class FailingOnce extends RichMapFunction<Long, Long>
      implements CheckpointListener {
    static final AtomicBoolean FAILED = new AtomicBoolean();
    private boolean checkpointed;

    @Override
    public Long map(Long value) {
      if (checkpointed && FAILED.compareAndSet(false, true)) {
        throw new IllegalStateException("fails on purpose, once");
      }
      return value;
    }

    @Override
    public void notifyCheckpointComplete(long id) {
      checkpointed = true;
    }
  }
}
