package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobMetric;
import io.pelton.job.OutcomeEvents;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import io.pelton.wire.StaticSchemaStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class OutcomeFeaturesTest {
  static final String FEATURES =
      """
        known: {entity: terminal, source: outcomes, aggregate: count, windows: [5m, 10m]}
        frauds: {entity: terminal, source: outcomes, aggregate: sum(label), windows: [5m], delay: 1m}
        lost: {entity: terminal, source: outcomes, aggregate: sum(label * amount), where: "amount > 300.0", windows: [10m]}
        rate: {entity: customer, source: outcomes, aggregate: share(label), windows: [last-3, 10m], default: 0}
      """;
  private static final long WITHIN = 600_000;
  private static final long START = 1_600_000_000_000L;

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(4)
              .build());

  @TempDir Path directory;
  private PipelineDefinition pipeline;
  private List<Incoming> events;

  /** An outcome as its record gives it. */
  record Outcome(String id, long time, double label) {}

  private record Run(
      Map<String, double[]> features,
      List<LateEvent> late,
      List<DeadLetter> dead,
      Map<String, Object> counts) {}

  @BeforeEach
  void readPipeline() throws Exception {
    pipeline = pipeline(directory, true);
    events = TestEvents.events(pipeline, 600, 7);
  }

  static PipelineDefinition pipeline(Path directory, boolean ordered) throws Exception {
    TestEvents.pipeline(Files.createTempDirectory(directory, "p"), ordered);
    Path made = Files.list(directory).filter(Files::isDirectory).findFirst().orElseThrow();
    Path file = directory.resolve("pipeline.yaml");
    Files.writeString(
        file,
        Files.readString(made.resolve("pipeline.yaml"))
                .replace("customer: customer_id", "customer: {key: customer_id, keep: 10m}")
                .replace("features:\n", "features:\n" + FEATURES.indent(0))
            + "outcomes: {topic: o, id: transaction_id, time: at, label: chargeback, within: 10m}\n");
    Files.copy(
        made.resolve("transaction.avsc"),
        directory.resolve("transaction.avsc"),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    try (var files = Files.walk(made)) {
      files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    }
    return PipelineFile.read(file);
  }

  /** Outcomes of most events: before them, at their time, late, several, and of none at all. */
  private List<Outcome> outcomes(Random random) {
    List<Outcome> outcomes = new ArrayList<>();
    for (Incoming event : events) {
      for (int n = random.nextInt(4); n > 0; n--) {
        long after =
            switch (random.nextInt(6)) {
              case 0 -> 0;
              case 1 -> -random.nextLong(30_000);
              case 2 -> WITHIN + random.nextLong(3) - 1;
              default -> random.nextLong(WITHIN / 3);
            };
        outcomes.add(new Outcome(event.row.id, event.row.time + after, random.nextInt(2)));
      }
    }
    outcomes.add(new Outcome("99999", START + 1, 1));
    return outcomes;
  }

  private List<Incoming> incoming(List<Outcome> outcomes) {
    EventDecoder decoder = new EventDecoder(OutcomeEvents.of(pipeline), StaticSchemaStore.of());
    List<Incoming> read = new ArrayList<>();
    for (Outcome outcome : outcomes) {
      String json =
          "{\"transaction_id\":%s,\"at\":%d,\"chargeback\":%s}"
              .formatted(outcome.id, outcome.time, outcome.label);
      read.add(
          decoder.decode(
              "o",
              0,
              read.size(),
              outcome.time,
              null,
              json.getBytes(StandardCharsets.UTF_8),
              Long.MAX_VALUE));
    }
    return read;
  }

  /** In order of time, each delayed by less than the bound. */
  private static List<Incoming> shuffled(List<Incoming> records, long seed) {
    return TestEvents.shuffled(records, seed);
  }

  private Run run(
      StreamExecutionEnvironment environment,
      List<Incoming> eventRecords,
      List<Incoming> outcomeRecords,
      int parallelism)
      throws Exception {
    environment.setParallelism(parallelism);
    return run(
        environment,
        source(environment, pipeline, eventRecords, "events"),
        source(environment, OutcomeEvents.of(pipeline), outcomeRecords, "outcomes"),
        outcomeRecords.size());
  }

  private Run run(
      StreamExecutionEnvironment environment,
      DataStream<Incoming> eventStream,
      DataStream<Incoming> outcomeStream,
      int outcomeCount)
      throws Exception {
    // On arrival events then wait for the first outcomes: else which comes first is chance.
    boolean history = true;
    FeatureOutputs outputs =
        FeatureTopology.build(eventStream, outcomeStream, Map.of(), pipeline, history);
    DataStream<FeatureRow> seen =
        outputs
            .features()
            .transform("see watermarks", new FeatureRowTypeInfo(), new SeeWatermarks());
    CloseableIterator<FeatureRow> features = seen.collectAsync();
    CloseableIterator<LateEvent> late = outputs.late().collectAsync();
    CloseableIterator<DeadLetter> dead = outputs.deadLetters().collectAsync();
    JobClient client = environment.executeAsync("features of outcomes");
    Map<String, double[]> rows = new TreeMap<>();
    features.forEachRemaining(
        row -> assertThat(rows.put(row.id, row.values)).as("event %s twice", row.id).isNull());
    List<LateEvent> lateRecords = new ArrayList<>();
    late.forEachRemaining(lateRecords::add);
    List<DeadLetter> deadLetters = new ArrayList<>();
    dead.forEachRemaining(deadLetters::add);
    Run run =
        new Run(
            rows,
            lateRecords,
            deadLetters,
            client.getJobExecutionResult().get().getAllAccumulatorResults());
    assertThat(count(run, JobMetric.FEATURE_OUTCOMES_IN.id()))
        .as("%s", run.counts)
        .isEqualTo(outcomeCount)
        .isEqualTo(
            count(run, JobMetric.FEATURE_OUTCOMES_USED.id())
                + count(run, JobMetric.FEATURE_OUTCOMES_UNMATCHED.id())
                + count(run, JobMetric.FEATURE_OUTCOMES_REPEATED.id())
                + count(run, JobMetric.FEATURE_OUTCOMES_LATE.id())
                + count(run, JobMetric.FEATURE_OUTCOMES_DEAD.id()));
    return run;
  }

  private static long count(Run run, String name) {
    return (Long) run.counts.get(name);
  }

  private static DataStream<Incoming> source(
      StreamExecutionEnvironment environment,
      PipelineDefinition described,
      List<Incoming> records,
      String name) {
    return environment
        .fromData(records, new IncomingTypeInfo())
        .uid(name)
        .assignTimestampsAndWatermarks(EventWatermarks.strategy(described))
        .uid(name + "-times");
  }

  private static StreamExecutionEnvironment batch() {
    return JobEnvironment.batch(new Configuration());
  }

  private static StreamExecutionEnvironment streaming(String backend) {
    Configuration configuration = new Configuration();
    configuration.set(StateBackendOptions.STATE_BACKEND, backend);
    configuration.set(PipelineOptions.AUTO_WATERMARK_INTERVAL, Duration.ofMillis(1));
    return JobEnvironment.streaming(configuration);
  }

  private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (id, values) -> assertThat(actual.get(id)).as("event %s", id).containsExactly(values));
  }

  // ---- An oracle that looks at all pairs ----

  /** The first outcome of each event, at the time from which it counts. */
  private Map<String, Outcome> counted(List<Outcome> outcomes) {
    Map<String, Outcome> first = new TreeMap<>();
    Map<String, Long> times = new TreeMap<>();
    events.forEach(event -> times.put(event.row.id, event.row.time));
    for (Outcome outcome : outcomes) {
      Long event = times.get(outcome.id);
      if (event != null && Math.abs(outcome.time - event) <= WITHIN) {
        first.merge(
            outcome.id,
            outcome,
            (a, b) -> a.time < b.time || (a.time == b.time && a.label <= b.label) ? a : b);
      }
    }
    first.replaceAll((id, o) -> new Outcome(id, Math.max(o.time, times.get(id)), o.label));
    return first;
  }

  private Map<String, double[]> expected(List<Outcome> outcomes) {
    Map<String, Outcome> counted = counted(outcomes);
    Map<String, double[]> rows = new TreeMap<>();
    int amount = pipeline.featureNames().indexOf("amount");
    for (Incoming at : events) {
      long t = at.row.time;
      double[] row = new double[6];
      List<Outcome> ofCustomer = new ArrayList<>();
      for (Incoming other : events) {
        Outcome outcome = counted.get(other.row.id);
        if (outcome == null) {
          continue;
        }
        long u = outcome.time;
        if (other.row.keys[1].equals(at.row.keys[1])) {
          row[0] += u <= t && u > t - 300_000 ? 1 : 0;
          row[1] += u <= t && u > t - 600_000 ? 1 : 0;
          row[2] += u <= t - 60_000 && u > t - 360_000 ? outcome.label : 0;
          double paid = other.row.values[amount];
          row[3] +=
              u <= t && u > t - 600_000 && paid > 300 ? Math.round(outcome.label * paid * 100) : 0;
        }
        if (other.row.keys[0].equals(at.row.keys[0]) && u <= t && u > t - 600_000) {
          ofCustomer.add(outcome);
        }
      }
      row[3] /= 100;
      Map<String, Incoming> byId = new TreeMap<>();
      events.forEach(event -> byId.put(event.row.id, event));
      ofCustomer.sort(
          Comparator.comparingLong(Outcome::time).thenComparing(o -> Long.parseLong(o.id)));
      row[4] = share(ofCustomer.subList(Math.max(0, ofCustomer.size() - 3), ofCustomer.size()));
      row[5] = share(ofCustomer);
      rows.put(at.row.id, row);
    }
    return rows;
  }

  private static double share(List<Outcome> outcomes) {
    return outcomes.stream().mapToDouble(Outcome::label).average().orElse(0);
  }

  private Map<String, double[]> ofOutcomes(Map<String, double[]> rows) {
    List<String> names = pipeline.featureNames();
    int[] columns =
        List.of("known_5m", "known_10m", "frauds_5m", "lost_10m", "rate_last_3", "rate_10m")
            .stream()
            .mapToInt(names::indexOf)
            .toArray();
    Map<String, double[]> picked = new TreeMap<>();
    rows.forEach(
        (id, row) -> picked.put(id, Arrays.stream(columns).mapToDouble(c -> row[c]).toArray()));
    return picked;
  }

  private static void assertClose(Map<String, double[]> actual, Map<String, double[]> expected) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (id, values) ->
            assertThat(actual.get(id))
                .as("event %s", id)
                .usingComparatorWithPrecision(1e-9)
                .containsExactly(values));
  }

  @Test
  void holdExactlyTheOutcomesKnownAtTheEvent() throws Exception {
    for (long seed = 1; seed <= 4; seed++) {
      events = TestEvents.events(pipeline, 300, seed);
      List<Outcome> outcomes = outcomes(new Random(seed));
      Run run = run(batch(), events, incoming(outcomes), 2);
      assertClose(ofOutcomes(run.features), expected(outcomes));
      assertThat(count(run, JobMetric.FEATURE_OUTCOMES_USED.id()))
          .isEqualTo(counted(outcomes).size());
    }
  }

  @Test
  void whatIsInAnEventsFutureNeverChangesItsFeatures() throws Exception {
    for (long seed = 11; seed <= 13; seed++) {
      Random random = new Random(seed);
      events = TestEvents.events(pipeline, 300, seed);
      List<Incoming> all = events;
      List<Outcome> outcomes = outcomes(random);
      Run before = run(batch(), events, incoming(outcomes), 2);
      long now = all.get(150).row.time;
      // After now: outcomes go, come, change their label and time; and so do events.
      List<Outcome> other = new ArrayList<>();
      for (Outcome outcome : outcomes) {
        if (outcome.time <= now) {
          other.add(outcome);
        } else if (random.nextInt(3) > 0) {
          other.add(new Outcome(outcome.id, now + 1 + random.nextLong(WITHIN), 1 - outcome.label));
        }
      }
      for (Incoming event : all) {
        if (random.nextInt(3) == 0) {
          other.add(new Outcome(event.row.id, now + 1 + random.nextLong(WITHIN), 1));
        }
      }
      events = all.stream().filter(e -> e.row.time <= now || random.nextInt(2) == 0).toList();
      Run after = run(batch(), events, incoming(other), 2);
      Set<String> past = new HashSet<>();
      all.stream().filter(e -> e.row.time <= now).forEach(e -> past.add(e.row.id));
      before.features.keySet().retainAll(past);
      after.features.keySet().retainAll(past);
      assertThat(past).hasSizeGreaterThan(140);
      assertSame(after.features, before.features);
    }
  }

  @Test
  void streamingUnderDisorderEqualsBatchBitForBit() throws Exception {
    List<Outcome> outcomes = outcomes(new Random(5));
    Run batch = run(batch(), events, incoming(outcomes), 1);
    assertClose(ofOutcomes(batch.features), expected(outcomes));
    for (String backend : List.of("hashmap", "rocksdb")) {
      for (int parallelism : List.of(1, 3)) {
        Run stream =
            run(
                streaming(backend),
                shuffled(events, 1 + parallelism),
                shuffled(incoming(outcomes), 2 + parallelism),
                parallelism);
        assertThat(stream.late).isEmpty();
        assertSame(stream.features, batch.features);
        for (String name :
            List.of(
                JobMetric.FEATURE_OUTCOMES_USED.id(),
                JobMetric.FEATURE_OUTCOMES_UNMATCHED.id(),
                JobMetric.FEATURE_OUTCOMES_REPEATED.id())) {
          assertThat(count(stream, name)).as(name).isEqualTo(count(batch, name)).isPositive();
        }
      }
    }
  }

  @Test
  void featuresOfEventsAreWhatTheyAreWithoutOutcomes() throws Exception {
    Run with = run(batch(), events, incoming(outcomes(new Random(5))), 2);
    Run without =
        run(batch(), events, List.of(incoming(List.of(new Outcome("9999", 1, 1))).get(0)), 2);
    List<String> names = pipeline.featureNames();
    for (String name : List.of("count_1m", "count_10m", "mean_10m", "most_5m", "risk_5m")) {
      int column = names.indexOf(name);
      with.features.forEach(
          (id, row) ->
              assertThat(row[column])
                  .as("%s of event %s", name, id)
                  .isEqualTo(without.features.get(id)[column]));
    }
  }

  @Test
  void onArrivalAnOutcomeCountsFromThenOnButNotBeforeItsTime() throws Exception {
    pipeline = pipeline(directory, false);
    events = TestEvents.events(pipeline, 300, 3);
    List<Outcome> outcomes = outcomes(new Random(5));
    outcomes.sort(Comparator.comparingLong(Outcome::time).thenComparing(Outcome::label));
    Map<String, double[]> most = ofOutcomes(run(batch(), events, incoming(outcomes), 1).features);

    // All outcomes go ahead of the events, most of them ahead of their time; an event goes once
    // what came before it went through.
    told = new CountDownLatch(outcomes.size());
    seen.set(Long.MIN_VALUE);
    StreamExecutionEnvironment environment = streaming("hashmap");
    environment.setParallelism(1);
    environment.setBufferTimeout(0);
    Run run =
        run(
            environment,
            marked(environment, events, new AfterWhatCameBefore()),
            marked(environment, incoming(outcomes), OutcomeFeaturesTest::tell),
            outcomes.size());
    assertThat(run.features).hasSize(events.size());
    double counted = 0;
    for (Map.Entry<String, double[]> row : ofOutcomes(run.features).entrySet()) {
      for (int column = 0; column < 3; column++) {
        // It may be taken later than its time tells, never earlier.
        assertThat(row.getValue()[column])
            .as("%d of event %s", column, row.getKey())
            .isLessThanOrEqualTo(most.get(row.getKey())[column]);
      }
      counted += row.getValue()[0];
    }
    double inBatch = most.values().stream().mapToDouble(row -> row[0]).sum();
    assertThat(counted).isGreaterThan(inBatch * 0.9);
  }

  private static volatile CountDownLatch told = new CountDownLatch(0);

  private static Incoming tell(Incoming outcome) {
    told.countDown();
    return outcome;
  }

  /** The watermark that the features of all events before it are out for. */
  private static final AtomicLong seen = new AtomicLong();

  private static final class SeeWatermarks extends AbstractStreamOperator<FeatureRow>
      implements OneInputStreamOperator<FeatureRow, FeatureRow> {
    @Override
    public void processElement(StreamRecord<FeatureRow> row) {
      output.collect(row);
    }

    @Override
    public void processWatermark(org.apache.flink.streaming.api.watermark.Watermark mark)
        throws Exception {
      super.processWatermark(mark);
      seen.set(mark.getTimestamp());
    }
  }

  private static final class AfterWhatCameBefore implements MapFunction<Incoming, Incoming> {
    private long sent = Long.MIN_VALUE;

    @Override
    public Incoming map(Incoming event) throws Exception {
      told.await();
      while (seen.get() < sent) {
        Thread.sleep(1); // a cancelled task is woken by it
      }
      sent = event.row.time - 1;
      return event;
    }
  }

  /** With a watermark for each record. */
  private static DataStream<Incoming> marked(
      StreamExecutionEnvironment environment,
      List<Incoming> records,
      MapFunction<Incoming, Incoming> gate) {
    return environment
        .fromData(records, new IncomingTypeInfo())
        .map(gate)
        .returns(new IncomingTypeInfo())
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<Incoming>forGenerator(context -> new EachRecord())
                .withTimestampAssigner((record, timestamp) -> record.row.time));
  }

  private static final class EachRecord implements WatermarkGenerator<Incoming> {
    @Override
    public void onEvent(Incoming record, long timestamp, WatermarkOutput output) {
      output.emitWatermark(new Watermark(timestamp - 1));
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {}
  }

  @Test
  void outcomesThatCannotBeUsedAreDeadLetters() throws Exception {
    EventDecoder decoder = new EventDecoder(OutcomeEvents.of(pipeline), StaticSchemaStore.of());
    List<Incoming> records = new ArrayList<>(incoming(List.of(new Outcome("1", START, 1))));
    for (String bad :
        List.of(
            "no json",
            "{\"transaction_id\":1,\"at\":1600000000000,\"chargeback\":null}",
            "{\"transaction_id\":null,\"at\":1600000000000,\"chargeback\":1}")) {
      records.add(
          decoder.decode("o", 0, 7, 0, null, bad.getBytes(StandardCharsets.UTF_8), Long.MAX_VALUE));
    }
    Run run = run(batch(), events, records, 1);
    assertThat(run.dead)
        .extracting(DeadLetter::getReason)
        .containsExactlyInAnyOrder("undecodable", "missing-label", "missing-id");
    assertThat(count(run, JobMetric.FEATURE_OUTCOMES_DEAD.id())).isEqualTo(3);
  }

  @Test
  void aTopologyWithoutTheOutcomesThatItsFeaturesReadIsRefused() {
    StreamExecutionEnvironment environment = batch();
    assertThatThrownBy(
            () -> FeatureTopology.build(source(environment, pipeline, events, "events"), pipeline))
        .hasMessageContaining("[known, frauds, lost, rate]");
  }

  @Test
  void everyOperatorHasAUid() throws Exception {
    StreamExecutionEnvironment environment = streaming("hashmap");
    FeatureOutputs outputs =
        FeatureTopology.build(
            source(environment, pipeline, events, "events"),
            source(
                environment,
                OutcomeEvents.of(pipeline),
                incoming(outcomes(new Random(1))),
                "outcomes"),
            pipeline);
    outputs.features().print().uid("sink");
    assertThat(environment.getStreamGraph().getStreamNodes())
        .allSatisfy(
            node -> assertThat(node.getTransformationUID()).as(node.getOperatorName()).isNotNull())
        .extracting(StreamNode::getTransformationUID)
        .contains(OutcomeRows.KEEP, OutcomeRows.ADMIT, OutcomeRows.JOIN);
  }
}
