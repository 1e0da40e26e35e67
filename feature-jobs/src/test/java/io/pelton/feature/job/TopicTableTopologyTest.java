package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Table;
import io.pelton.schemas.DeadLetter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Events joined with two tables of topics and one of files, through the whole feature topology. */
class TopicTableTopologyTest {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(4)
              .build());

  private static final long START = 1_600_000_000_000L;
  private static final int EVENTS = 600;
  private static final int TERMINALS = 10;
  private static final int CUSTOMERS = 20;
  private static final long BOUND = 10_000;
  private static final long NO_DISORDER = -1;
  private static final String TABLES =
      """
      terminals: {topic: terminals, schema: terminal.avsc, key: terminal_id, time: valid_from}
      customers: {topic: customers, schema: customer.avsc, key: customer_id}
      owners: {file: owners.csv, schema: terminal.avsc, key: terminal_id, time: valid_from}
      """;
  private static final String FEATURES =
      TopicTables.FEATURES
          + """
            over: {value: "amount - customers.limit", default: -1}
            known: {value: "double(int(time) - int(customers.record_timestamp))", default: -1}
            owner: {value: owners.risk_class, default: -1}
            both: {entity: customer, aggregate: sum(terminals.risk_class), where: "customers.limit > 50.0", windows: [2m]}
          """;
  private static final String RULES =
      """
      out-of-orderness: 10s
      rules:
        not_nine: "terminals.risk_class != 9"
      """;

  @TempDir Path directory;

  private PipelineDefinition pipeline;

  /** Whether tables tell nothing of time before their end. */
  private boolean readFirst;

  private record Event(int id, long time, int customer, int terminal) {}

  /** Of a terminal or a customer; without a value when nothing is known from then on. */
  private record Version(int key, long time, @Nullable Integer value) {}

  private record Rows(List<Version> terminals, List<Version> customers) {
    static Rows generate(long seed, long from, long to) {
      return new Rows(
          versions(new Random(seed), TERMINALS, from, to),
          versions(new Random(seed + 1), CUSTOMERS, from, to));
    }

    Rows until(long time) {
      return new Rows(
          terminals.stream().filter(version -> version.time <= time).toList(),
          customers.stream().filter(version -> version.time <= time).toList());
    }

    Rows and(Rows more) {
      List<Version> terminals = new ArrayList<>(this.terminals);
      terminals.addAll(more.terminals);
      List<Version> customers = new ArrayList<>(this.customers);
      customers.addAll(more.customers);
      return new Rows(terminals, customers);
    }
  }

  private static List<Version> versions(Random random, int keys, long from, long to) {
    List<Version> versions = new ArrayList<>();
    for (int key = 0; key < keys; key++) {
      long time = from + random.nextInt(100_000);
      while (time < to) {
        versions.add(new Version(key, time, random.nextInt(8) == 0 ? null : 1 + random.nextInt(9)));
        time += 1 + random.nextInt(100_000);
      }
    }
    versions.sort(Comparator.comparingLong(Version::time));
    return versions;
  }

  private static List<Event> events(long seed) {
    Random random = new Random(seed);
    List<Event> events = new ArrayList<>();
    long time = START;
    for (int i = 0; i < EVENTS; i++) {
      time += random.nextInt(2_000);
      events.add(new Event(i, time, random.nextInt(CUSTOMERS), random.nextInt(TERMINALS)));
    }
    return events;
  }

  private static final long END = START + 1_000L * EVENTS;

  @BeforeEach
  void readPipeline() throws Exception {
    Files.writeString(
        directory.resolve("owners.csv"),
        "terminal_id,valid_from,country,risk_class\n1,%s,FR,5\n2,%s,FR,6\n"
            .formatted(Instant.ofEpochMilli(START + 60_000), Instant.ofEpochMilli(START)));
    pipeline = TopicTables.pipeline(directory, RULES, TABLES, FEATURES);
  }

  /**
   * What a run gave: features, with the event's id; or of a dead letter the rule that was broken.
   */
  private record Result(Map<String, Object> rows, JobExecutionResult done) {
    long count(String name) {
      Long count = done.getAccumulatorResult(name);
      return count == null ? 0 : count;
    }
  }

  private Result stream(
      PipelineDefinition pipeline, List<Event> events, Rows rows, int parallelism, long seed)
      throws Exception {
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    environment.setParallelism(parallelism);
    Map<String, DataStream<Incoming>> tables = new LinkedHashMap<>();
    List<Incoming> terminals = new ArrayList<>();
    for (Version version : rows.terminals) {
      int offset = terminals.size();
      terminals.add(
          version.value == null
              ? TopicTables.row(pipeline, 0, offset, version.time, "" + version.key, null)
              : TopicTables.terminal(
                  pipeline, offset, version.key, version.time, country(version), version.value));
    }
    tables.put("terminals", table(environment, pipeline, terminals, seed + 1));
    List<Incoming> customers = new ArrayList<>();
    TableDecoder decoder =
        new TableDecoder(pipeline, pipeline.tables().get(1), io.pelton.wire.StaticSchemaStore.of());
    for (Version version : rows.customers) {
      String value =
          version.value == null
              ? null
              : "{\"customer_id\":%d,\"limit\":%d}".formatted(version.key, 10 * version.value);
      customers.add(
          decoder.decode(
              "customers",
              0,
              customers.size(),
              version.time,
              ("" + version.key).getBytes(StandardCharsets.UTF_8),
              value == null ? null : value.getBytes(StandardCharsets.UTF_8)));
    }
    tables.put("customers", table(environment, pipeline, customers, seed + 2));
    return collect(
        FeatureTopology.build(
            source(environment, pipeline, shuffled(decoded(pipeline, events), seed)),
            null,
            tables,
            pipeline,
            false),
        environment);
  }

  private static List<Incoming> decoded(PipelineDefinition pipeline, List<Event> events) {
    EventDecoder decoder = new EventDecoder(pipeline, io.pelton.wire.StaticSchemaStore.of());
    return events.stream()
        .map(
            event ->
                decoder.decode(
                    "transactions",
                    0,
                    event.id,
                    event.time,
                    null,
                    "{\"transaction_id\":%d,\"event_time\":%d,\"customer_id\":%d,\"terminal_id\":%d,\"amount\":%d,\"fraud\":0}"
                        .formatted(
                            event.id, event.time, event.customer, event.terminal, event.id % 100)
                        .getBytes(StandardCharsets.UTF_8),
                    Long.MAX_VALUE))
        .toList();
  }

  private static DataStream<Incoming> source(
      StreamExecutionEnvironment environment, PipelineDefinition pipeline, List<Incoming> events) {
    return environment
        .fromData(events, new IncomingTypeInfo())
        .uid("events")
        .assignTimestampsAndWatermarks(EventWatermarks.strategy(pipeline))
        .uid("event-watermarks");
  }

  /** Rows that come in disorder, with a watermark after each. */
  private DataStream<Incoming> table(
      StreamExecutionEnvironment environment,
      PipelineDefinition pipeline,
      List<Incoming> rows,
      long seed) {
    return environment
        .fromData(shuffled(rows, seed), new IncomingTypeInfo())
        .uid("table-" + seed)
        .assignTimestampsAndWatermarks(
            (readFirst
                    ? WatermarkStrategy.<Incoming>noWatermarks()
                    : WatermarkStrategy.<Incoming>forGenerator(context -> new EachRow()))
                .withTimestampAssigner((row, timestamp) -> row.row.time))
        .uid("table-watermarks-" + seed);
  }

  private static final class EachRow implements WatermarkGenerator<Incoming> {
    private long newest = Long.MIN_VALUE + BOUND + 1;

    @Override
    public void onEvent(Incoming row, long timestamp, WatermarkOutput output) {
      newest = Math.max(newest, timestamp);
      output.emitWatermark(new Watermark(newest - BOUND - 1));
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {}
  }

  /** As they may come when each is delayed by less than the bound. */
  private static List<Incoming> shuffled(List<Incoming> records, long seed) {
    if (seed == NO_DISORDER) {
      return records;
    }
    Random random = new Random(seed);
    record Arrival(Incoming record, long at) {}
    return records.stream()
        .map(record -> new Arrival(record, record.row.time + random.nextLong(BOUND)))
        .sorted(Comparator.comparingLong(Arrival::at))
        .map(Arrival::record)
        .toList();
  }

  private static String country(Version version) {
    return List.of("FR", "DE", "IT").get(version.key % 3);
  }

  private Result batch(List<Event> events, Rows rows) throws Exception {
    StringBuilder terminals = new StringBuilder("country,terminal_id,valid_from,risk_class\n");
    for (Version version : rows.terminals) {
      terminals.append(
          version.value == null
              ? ",%d,%d,\n".formatted(version.key, version.time)
              : "%s,%d,%d,%d\n"
                  .formatted(country(version), version.key, version.time, version.value));
    }
    StringBuilder customers = new StringBuilder("customer_id,limit,record_timestamp\n");
    for (Version version : rows.customers) {
      customers.append(
          "%d,%s,%d\n"
              .formatted(
                  version.key, version.value == null ? "" : 10 * version.value, version.time));
    }
    List<Table> tables = new ArrayList<>(pipeline.tables());
    tables.set(0, tables.get(0).of(List.of(write("terminals.csv", terminals)), false));
    tables.set(1, tables.get(1).of(List.of(write("customers.csv", customers)), false));
    PipelineDefinition ofFiles = pipeline.with(tables);
    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    environment.setParallelism(2);
    return collect(
        FeatureTopology.build(source(environment, ofFiles, decoded(ofFiles, events)), ofFiles),
        environment);
  }

  private String write(String name, StringBuilder text) throws Exception {
    return Files.writeString(directory.resolve(name), text).toString();
  }

  private static Result collect(FeatureOutputs outputs, StreamExecutionEnvironment environment)
      throws Exception {
    CloseableIterator<FeatureRow> features = outputs.features().collectAsync();
    CloseableIterator<DeadLetter> dead = outputs.deadLetters().collectAsync();
    JobExecutionResult done = environment.executeAsync("features").getJobExecutionResult().get();
    Map<String, Object> rows = new TreeMap<>();
    features.forEachRemaining(row -> rows.put(row.id, Arrays.stream(row.values).boxed().toList()));
    dead.forEachRemaining(
        letter -> {
          if (!letter.getReason().equals("duplicate")) {
            rows.merge(
                String.valueOf(letter.getEventId()),
                letter.getDetail(),
                (a, b) -> java.util.Set.of(a, b));
          }
        });
    return new Result(rows, done);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void streamingGivesWhatABatchOverTheSameRowsGives(long seed) throws Exception {
    List<Event> events = events(seed);
    Rows rows = Rows.generate(seed + 10, START - 50_000, END);
    Result expected = batch(events, rows);
    assertThat(expected.rows).hasSize(EVENTS);
    assertThat(expected.count(JobMetric.FEATURE_DEAD.id())).isBetween(20L, EVENTS / 3L);
    for (int parallelism : List.of(1, 3)) {
      Result actual = stream(pipeline, events, rows, parallelism, seed + parallelism);
      assertThat(actual.rows).isEqualTo(expected.rows);
      assertThat(actual.count(JobMetric.FEATURE_IN.id())).isEqualTo(EVENTS);
      assertThat(actual.count(JobMetric.FEATURE_DEAD_JOINED.id()))
          .isEqualTo(expected.count(JobMetric.FEATURE_DEAD.id()));
      assertThat(
              actual.count(JobMetric.FEATURE_OUT.id())
                  + actual.count(JobMetric.FEATURE_DEAD_JOINED.id()))
          .isEqualTo(EVENTS);
      assertThat(actual.count(JobMetric.FEATURE_TABLE_ROWS_IN.id()))
          .isEqualTo(rows.terminals.size() + rows.customers.size());
      assertThat(actual.count(JobMetric.FEATURE_TABLE_ROWS_LATE.id())).isZero();
    }
  }

  @Test
  void duplicatesAreTakenOutAfterTheJoin() throws Exception {
    pipeline =
        TopicTables.pipeline(directory, RULES + "deduplicate: {within: 1h}\n", TABLES, FEATURES);
    List<Event> events = events(3);
    List<Event> twice = new ArrayList<>(events);
    for (Event event : events.subList(0, 20)) {
      twice.add(new Event(event.id, event.time + 1, event.customer, event.terminal));
    }
    twice.sort(Comparator.comparingLong(Event::time));
    Rows rows = Rows.generate(13, START - 50_000, END);
    Result expected = batch(twice, rows);
    Result actual = stream(pipeline, twice, rows, 3, 4);
    assertThat(actual.count(JobMetric.FEATURE_DUPLICATES.id()))
        .isPositive()
        .isEqualTo(expected.count(JobMetric.FEATURE_DUPLICATES.id()));
    assertThat(actual.rows).isEqualTo(expected.rows);
  }

  @Test
  void whatATableLearnsLaterChangesNoEarlierFeature() throws Exception {
    List<Event> events = events(7);
    for (int seed = 10; seed < 13; seed++) {
      long now = events.get(new Random(seed).nextInt(EVENTS)).time;
      Rows past = Rows.generate(seed, START - 50_000, END).until(now);
      Rows other = past.and(Rows.generate(seed + 100, now + 1, now + 500_000));
      Map<String, Object> expected =
          stream(
                  pipeline,
                  events.stream().filter(event -> event.time <= now).toList(),
                  past,
                  1,
                  seed)
              .rows;
      Map<String, Object> actual = stream(pipeline, events, other, 2, seed + 1).rows;
      assertThat(actual).containsAllEntriesOf(expected).hasSize(EVENTS);
    }
  }

  @Test
  void onArrivalATableThatWasReadGivesWhatABatchGives() throws Exception {
    pipeline =
        TopicTables.pipeline(
            directory, RULES.replace("out-of-orderness: 10s\n", ""), TABLES, FEATURES);
    List<Event> events = events(8);
    Rows rows = Rows.generate(18, START - 50_000, END);
    // A table's watermark comes with its end alone, as of one that is read whole first.
    readFirst = true;
    assertThat(stream(pipeline, events, rows, 1, NO_DISORDER).rows)
        .isEqualTo(batch(events, rows).rows);
  }

  @Test
  void rowsThatCannotBeUsedAreDeadLetters() throws Exception {
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    environment.setParallelism(1);
    pipeline = TopicTables.pipeline(directory, "out-of-orderness: 10s");
    DataStream<Incoming> rows =
        environment.fromData(
            List.of(
                TopicTables.terminal(pipeline, 0, 7, START, "FR", 3),
                TopicTables.row(pipeline, 0, 1, START, "7", "{\"terminal_id\": 7"),
                TopicTables.row(pipeline, 0, 2, START, "x", null)),
            new IncomingTypeInfo());
    Result result =
        collect(
            FeatureTopology.build(
                source(
                    environment, pipeline, decoded(pipeline, List.of(new Event(1, START, 1, 7)))),
                null,
                Map.of("terminals", rows),
                pipeline,
                false),
            environment);
    assertThat(result.rows.get("1")).isEqualTo(List.of(3.0, 0.0, 3.0, 0.0));
    assertThat(result.count(JobMetric.FEATURE_TABLE_ROWS_IN.id())).isEqualTo(3);
    assertThat(result.count(JobMetric.FEATURE_TABLE_ROWS_DEAD.id())).isEqualTo(2);
  }

  @Test
  void rowsOfEachTableThatIsReadMustBeGivenAndOnlyThen() throws Exception {
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    DataStream<Incoming> events = source(environment, pipeline, decoded(pipeline, events(1)));
    assertThatThrownBy(() -> FeatureTopology.build(events, pipeline))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[terminals, customers], but the rows of [] are given");
    PipelineDefinition unread =
        TopicTables.pipeline(directory, "", TABLES, "amount: {value: amount}\n");
    FeatureTopology.build(source(environment, unread, decoded(unread, events(1))), unread);
    assertThat(environment.getStreamGraph(false).getStreamNodes())
        .extracting(StreamNode::getTransformationUID)
        .as("a table that nothing reads has no stage")
        .noneMatch(uid -> uid != null && uid.startsWith(JoinedTables.JOIN));
  }

  @Test
  void everyOperatorHasAUidAndAName() throws Exception {
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    Rows rows = Rows.generate(1, START, END);
    DataStream<Incoming> terminals =
        table(
            environment,
            pipeline,
            List.of(TopicTables.terminal(pipeline, 0, 7, START, "FR", 3)),
            1);
    FeatureTopology.build(
            source(environment, pipeline, decoded(pipeline, events(1))),
            null,
            Map.of("terminals", terminals, "customers", terminals),
            pipeline,
            false)
        .features()
        .print()
        .uid("sink");
    assertThat(rows.terminals).isNotEmpty();
    assertThat(environment.getStreamGraph().getStreamNodes())
        .allSatisfy(
            node -> {
              assertThat(node.getTransformationUID()).as(node.getOperatorName()).isNotNull();
              assertThat(node.getOperatorName()).isNotBlank();
            })
        .extracting(StreamNode::getTransformationUID)
        .contains(
            JoinedTables.ADMIT + "terminals",
            JoinedTables.JOIN + "terminals",
            JoinedTables.JOIN + "customers",
            FeatureTopology.COMPLETE);
  }
}
