package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.schemas.DeadLetter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.operators.ProcessOperator;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Constraints, rules and bounds where they meet the job: dead letters, counters, stops. */
class ValidationTest {
  private static final InMemoryReporter REPORTER = InMemoryReporter.createWithRetainedMetrics();

  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setConfiguration(REPORTER.addToConfiguration(new Configuration()))
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(4)
              .build());

  private static final String FIELDS =
      """
          fields:
            amount: {required: true, max: 900}
            fraud: {allowed: [0, 1], otherwise: default, default: 0}
            customer_id: {max: 18}
      """;
  private static final String FEATURES =
      """
        amount: {value: amount, max: 800, otherwise: default, default: 800}
        night: {value: "time.getHours('UTC') <= 6"}
        count: {entity: customer, aggregate: count, windows: [1m, 10m], max: 12}
        mean: {entity: customer, aggregate: mean(amount), windows: [1m], min: 100, otherwise: default, default: 100}
        risk: {entity: terminal, aggregate: mean(fraud), windows: [5m], delay: 30s}
      """;

  @TempDir Path directory;

  private PipelineDefinition pipeline(String fields, String features) throws Exception {
    Files.writeString(
        directory.resolve("transaction.avsc"),
        Files.readString(Path.of("../examples/card-fraud/transaction.avsc")));
    return PipelineFile.read(
        Files.writeString(
            directory.resolve("pipeline.yaml"),
            """
            pipeline: test
            events:
              topic: transactions
              format: json
              schema: transaction.avsc
              id: transaction_id
              time: event_time
              out-of-orderness: 10s
              rules: {round: {check: "amount != 500.0"}}
            %sentities: {customer: customer_id, terminal: terminal_id}
            features:
            %scarry: [terminal_id]
            """
                .formatted(fields.indent(-2), features)));
  }

  private record Run(
      JobID job, Map<String, long[]> features, TreeSet<String> dead, Map<String, Object> counts) {
    private long count(String name) {
      return (Long) counts.get(name);
    }
  }

  private static Run run(
      StreamExecutionEnvironment environment,
      PipelineDefinition pipeline,
      List<Incoming> events,
      int parallelism)
      throws Exception {
    environment.setParallelism(parallelism);
    DataStream<Incoming> source =
        environment
            .fromData(events, new IncomingTypeInfo())
            .assignTimestampsAndWatermarks(EventWatermarks.strategy(pipeline));
    FeatureOutputs outputs = FeatureTopology.build(source, pipeline);
    CloseableIterator<FeatureRow> features = outputs.features().collectAsync();
    CloseableIterator<DeadLetter> dead = outputs.deadLetters().collectAsync();
    outputs.late().print();
    JobClient client = environment.executeAsync("features");
    Map<String, long[]> rows = new TreeMap<>();
    features.forEachRemaining(
        row ->
            rows.put(
                row.id,
                Arrays.stream(row.values).mapToLong(Double::doubleToRawLongBits).toArray()));
    TreeSet<String> letters = new TreeSet<>();
    dead.forEachRemaining(
        letter -> {
          if (letter.getStage().equals("features")) {
            assertThat(StandardCharsets.UTF_8.decode(letter.getValue().duplicate()).toString())
                .startsWith("{\"id\":\"" + letter.getEventId() + "\"")
                .contains("\"count_1m\":", "\"risk_5m\":");
            assertThat(letter.getDetail())
                .contains("event " + letter.getEventId() + " of 20", ", keys ");
          }
          assertThat(letter.getReason()).isEqualTo("rule");
          letters.add(
              String.join(
                  " ",
                  letter.getEventId(),
                  letter.getStage(),
                  letter.getRule(),
                  letter.getDetail()));
        });
    JobExecutionResult result = client.getJobExecutionResult().get();
    return new Run(client.getJobID(), rows, letters, result.getAllAccumulatorResults());
  }

  private static List<Incoming> events(PipelineDefinition pipeline, int count) {
    Random random = new Random(11);
    List<Incoming> events = new ArrayList<>();
    long time = 1_600_000_000_000L;
    for (int i = 0; i < count; i++) {
      time += random.nextInt(2_000);
      events.add(
          TestEvents.event(
              pipeline,
              i,
              "{\"transaction_id\":%d,\"event_time\":%d,\"customer_id\":%d,\"terminal_id\":%d,\"amount\":%s,\"fraud\":%d}"
                  .formatted(
                      i,
                      time,
                      random.nextInt(20),
                      random.nextInt(10),
                      random.nextInt(50) == 0 ? null : random.nextInt(20) * 50.0,
                      random.nextInt(4))));
    }
    return events;
  }

  @Test
  void batchAndStreamRefuseReplaceAndCountAlikeAndEveryRecordIsInOneOutput() throws Exception {
    PipelineDefinition pipeline = pipeline(FIELDS, FEATURES);
    List<Incoming> events = events(pipeline, 2_000);
    Run batch = run(JobEnvironment.batch(new Configuration()), pipeline, events, 1);

    assertThat(batch.count(JobMetric.FEATURE_IN.id())).isEqualTo(2_000);
    assertThat(batch.count(JobMetric.FEATURE_DEAD_ROWS.id())).isPositive();
    assertThat(batch.count(JobMetric.FEATURE_DEFAULTED.id())).isPositive();
    assertThat(batch.count(JobMetric.FEATURE_DEFAULTED_ROWS.id())).isPositive();
    assertThat(batch.features).hasSize((int) batch.count(JobMetric.FEATURE_OUT.id()));
    assertThat(batch.dead)
        .hasSize(
            (int)
                (batch.count(JobMetric.FEATURE_DEAD.id())
                    + batch.count(JobMetric.FEATURE_DEAD_ROWS.id())));
    for (String rule :
        List.of(
            " validate fields.amount.required ",
            " validate fields.amount.max ",
            " validate fields.customer_id.max ",
            " validate round ",
            " features features.count_10m.max ")) {
      assertThat(batch.dead).anyMatch(letter -> letter.contains(rule));
    }
    assertThat(batch.features.values())
        .allSatisfy(
            bits -> {
              assertThat(Double.longBitsToDouble(bits[0])).isBetween(0.0, 800.0);
              assertThat(Double.longBitsToDouble(bits[3])).isLessThanOrEqualTo(12);
              assertThat(Double.longBitsToDouble(bits[4])).isGreaterThanOrEqualTo(100);
            })
        // An empty window is missing, not out of bounds.
        .anyMatch(bits -> Double.isNaN(Double.longBitsToDouble(bits[5])));

    for (int parallelism : List.of(1, 3)) {
      Run stream =
          run(JobEnvironment.streaming(new Configuration()), pipeline, events, parallelism);
      assertThat(stream.features.keySet()).isEqualTo(batch.features.keySet());
      batch.features.forEach(
          (id, bits) -> assertThat(stream.features.get(id)).as(id).containsExactly(bits));
      assertThat(stream.dead).isEqualTo(batch.dead);
      for (String count :
          List.of(
              JobMetric.FEATURE_IN.id(),
              JobMetric.FEATURE_OUT.id(),
              JobMetric.FEATURE_LATE.id(),
              JobMetric.FEATURE_DEAD.id(),
              JobMetric.FEATURE_DEAD_ROWS.id(),
              JobMetric.FEATURE_DEFAULTED.id(),
              JobMetric.FEATURE_DEFAULTED_ROWS.id())) {
        assertThat(stream.counts).containsEntry(count, batch.counts.get(count));
      }
      assertThat(
              stream.count(JobMetric.FEATURE_OUT.id())
                  + stream.count(JobMetric.FEATURE_LATE.id())
                  + stream.count(JobMetric.FEATURE_DEAD.id())
                  + stream.count(JobMetric.FEATURE_DEAD_ROWS.id()))
          .isEqualTo(2_000);
    }
  }

  /** The sum of a rule's counter over all subtasks of a job. */
  private static long counter(Run run, String rule, JobMetric metric) {
    return REPORTER
        .findMetrics(run.job, ".*\\." + metric.id().replace(".rule.", ".rule." + rule + "."))
        .values()
        .stream()
        .mapToLong(counter -> ((Counter) counter).getCount())
        .sum();
  }

  @Test
  void eachRuleHasItsCounters() throws Exception {
    PipelineDefinition pipeline = pipeline(FIELDS, FEATURES);
    Run run =
        run(JobEnvironment.streaming(new Configuration()), pipeline, events(pipeline, 2_000), 2);
    Map<String, Long> broken = new TreeMap<>();
    run.dead.forEach(letter -> broken.merge(letter.split(" ")[2], 1L, Long::sum));
    assertThat(broken).hasSizeGreaterThanOrEqualTo(5);
    broken.forEach(
        (rule, count) ->
            assertThat(counter(run, rule, JobMetric.FEATURE_RULE_BROKEN))
                .as(rule)
                .isEqualTo(count));
    assertThat(
            counter(run, "fields.fraud.allowed", JobMetric.FEATURE_RULE_DEFAULTED)
                + counter(run, "features.amount.max", JobMetric.FEATURE_RULE_DEFAULTED))
        .isEqualTo(run.count(JobMetric.FEATURE_DEFAULTED.id()));
    assertThat(counter(run, "features.mean_1m.min", JobMetric.FEATURE_RULE_DEFAULTED))
        .isEqualTo(run.count(JobMetric.FEATURE_DEFAULTED_ROWS.id()));
    assertThat(REPORTER.findMetrics(run.job, ".*\\.rule.features.count_1m.max.broken"))
        .as("a counter of a rule that nothing broke")
        .isNotEmpty();
  }

  /** A job that is restarted again and again never ends. */
  @Test
  @Timeout(60)
  void aBrokenRuleThatFailsStopsTheJobAtOnceAndSaysHowToGoOn() throws Exception {
    PipelineDefinition pipeline =
        pipeline("    fields: {amount: {max: 900, otherwise: fail}}\n", FEATURES);
    List<Incoming> events =
        List.of(
            TestEvents.event(
                pipeline,
                42,
                "{\"transaction_id\":7,\"event_time\":1,\"customer_id\":1,\"terminal_id\":1,\"amount\":901}"));
    Configuration restarting = new Configuration();
    restarting.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    restarting.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, Integer.MAX_VALUE);
    StreamExecutionEnvironment environment = JobEnvironment.streaming(restarting);
    environment.setParallelism(1);
    FeatureTopology.build(environment.fromData(events, new IncomingTypeInfo()), pipeline)
        .features()
        .sinkTo(new DiscardingSink<>());
    assertThatThrownBy(() -> environment.execute("features"))
        // Else it would say that the restarts are used up.
        .hasStackTraceContaining("The failure is not recoverable")
        .rootCause()
        .hasMessageContaining(
            "event 7 of transactions, partition 0, offset 42: rule fields.amount.max is broken:"
                + " field \"amount\" is 901, more than 900. The job stops")
        .hasMessageContaining("To go on, ");
  }

  @Test
  void aWindowedFeatureThatFailsStopsTheJob() throws Exception {
    PipelineDefinition pipeline =
        pipeline("", FEATURES.replace("max: 12", "max: 12, otherwise: fail"));
    List<Incoming> events = events(pipeline, 500);
    assertThatThrownBy(() -> run(JobEnvironment.batch(new Configuration()), pipeline, events, 1))
        .rootCause()
        .hasMessageMatching(
            "event \\d+ of 2020-\\S+, keys \\d+, \\d+: rule features.count_10m.max is broken:"
                + " feature \"count_10m\" is 1[3-9], more than 12\\. The job stops .*");
  }

  private static OneInputStreamOperatorTestHarness<FeatureRow, FeatureRow> finish(
      PipelineDefinition pipeline) throws Exception {
    return new OneInputStreamOperatorTestHarness<>(new ProcessOperator<>(new FinishRows(pipeline)));
  }

  private static FeatureRow row(String id, double count, double mean) {
    return new FeatureRow(
        id,
        1_000,
        new String[] {"c", "t"},
        new double[] {1, 0, 1, count, mean, 0, 77},
        new Object[] {5L});
  }

  @Test
  void whatWasRefusedAndReplacedBeforeARestoreStaysCounted() throws Exception {
    PipelineDefinition pipeline = pipeline(FIELDS, FEATURES);
    OperatorSubtaskState state;
    try (var before = finish(pipeline)) {
      before.open();
      before.processElement(row("1", 13, 100), 1_000);
      before.processElement(row("2", 12, 99), 1_000);
      assertThat(before.extractOutputValues())
          .singleElement()
          .satisfies(row -> assertThat(row.values).containsExactly(1, 0, 1, 12, 100, 0));
      assertThat(before.getSideOutput(FinishRows.DEAD)).hasSize(1);
      state = before.snapshot(1, 1);
    }
    try (var after = finish(pipeline)) {
      after.initializeState(state);
      after.open();
      after.processElement(row("3", 14, 100), 1_000);
      assertThat(after.getSideOutput(FinishRows.DEAD))
          .extracting(letter -> letter.getValue().getEventId())
          .containsExactly("3");
      assertThat(count(after, JobMetric.FEATURE_OUT.id())).isEqualTo(1);
      assertThat(count(after, JobMetric.FEATURE_DEAD_ROWS.id())).isEqualTo(2);
      assertThat(count(after, JobMetric.FEATURE_DEFAULTED_ROWS.id())).isEqualTo(1);
    }
  }

  private static long count(OneInputStreamOperatorTestHarness<?, ?> harness, String name) {
    return (Long)
        harness.getOperator().getRuntimeContext().<Long, Long>getAccumulator(name).getLocalValue();
  }
}
