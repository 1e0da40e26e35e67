package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class FeatureTopologyTest {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(4)
              .build());

  @TempDir Path directory;

  private record Run(
      Map<String, double[]> features,
      Map<String, String> maps,
      List<LateEvent> late,
      List<DeadLetter> dead,
      Map<String, Object> counts) {}

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
    CloseableIterator<LateEvent> late = outputs.late().collectAsync();
    CloseableIterator<DeadLetter> dead = outputs.deadLetters().collectAsync();
    JobClient client = environment.executeAsync("features");
    Map<String, double[]> rows = new TreeMap<>();
    Map<String, String> maps = new TreeMap<>();
    features.forEachRemaining(
        row -> {
          assertThat(rows.put(row.id, row.values)).as("event %s twice", row.id).isNull();
          maps.put(row.id, Arrays.toString(row.maps));
        });
    List<LateEvent> lateEvents = new ArrayList<>();
    late.forEachRemaining(lateEvents::add);
    List<DeadLetter> deadLetters = new ArrayList<>();
    dead.forEachRemaining(deadLetters::add);
    JobExecutionResult result = client.getJobExecutionResult().get();
    return new Run(rows, maps, lateEvents, deadLetters, result.getAllAccumulatorResults());
  }

  private static Configuration backend(String name) {
    Configuration configuration = new Configuration();
    configuration.set(StateBackendOptions.STATE_BACKEND, name);
    // The smaller the interval, the more often rows are taken while others are still to come.
    configuration.set(PipelineOptions.AUTO_WATERMARK_INTERVAL, java.time.Duration.ofMillis(1));
    return configuration;
  }

  private static void assertSame(Run actual, Run expected) {
    assertThat(actual.maps).isEqualTo(expected.maps);
    assertSame(actual.features, expected.features);
  }

  private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (id, values) ->
            assertThat(Arrays.stream(actual.get(id)).mapToLong(Double::doubleToRawLongBits))
                .as("features of event %s", id)
                .containsExactly(
                    Arrays.stream(values)
                        .mapToLong(Double::doubleToRawLongBits)
                        .boxed()
                        .toArray(Long[]::new)));
  }

  @Test
  void streamingUnderDisorderEqualsBatchBitForBit() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, true);
    List<Incoming> events = TestEvents.events(pipeline, 3_000, 1);
    Run batch = run(JobEnvironment.batch(new Configuration()), pipeline, events, 1);
    assertThat(batch.features).hasSize(events.size());
    assertThat(batch.maps.values()).anyMatch(map -> map.contains("="));
    assertThat(batch.features.values())
        .as("features of every kind have values")
        .anySatisfy(values -> assertThat(values).doesNotContain(Double.NaN));
    assertThat(batch.counts)
        .containsEntry(JobMetric.FEATURE_IN.id(), 3_000L)
        .containsEntry(JobMetric.FEATURE_OUT.id(), 3_000L)
        .containsEntry(JobMetric.FEATURE_LATE.id(), 0L)
        .containsEntry(JobMetric.FEATURE_DEAD.id(), 0L);

    Run parallelBatch =
        run(JobEnvironment.batch(new Configuration()), pipeline, TestEvents.shuffled(events, 2), 3);
    assertSame(parallelBatch, batch);
    for (String backend : List.of("hashmap", "rocksdb")) {
      for (int parallelism : List.of(1, 3)) {
        Run stream =
            run(
                JobEnvironment.streaming(backend(backend)),
                pipeline,
                TestEvents.shuffled(events, 3 + parallelism),
                parallelism);
        assertThat(stream.late).isEmpty();
        assertSame(stream, batch);
        assertThat(stream.counts).containsEntry(JobMetric.FEATURE_OUT.id(), 3_000L);
      }
    }
  }

  @Test
  void onArrivalEventsInOrderEqualBatch() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, false);
    List<Incoming> events = TestEvents.events(pipeline, 1_000, 5);
    Run batch = run(JobEnvironment.batch(new Configuration()), pipeline, events, 1);
    Run stream = run(JobEnvironment.streaming(backend("hashmap")), pipeline, events, 1);
    assertSame(stream, batch);
    assertThat(stream.counts).containsEntry(JobMetric.FEATURE_OVERTAKEN.id(), 0L);
  }

  @Test
  void onArrivalEventsWaitForHistoryWhereItIsReadAndElseForNothing() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, false);
    String event =
        "{\"transaction_id\":%d,\"event_time\":1600000000000,\"customer_id\":1,\"terminal_id\":1,\"amount\":1,\"fraud\":0}";
    int count = pipeline.featureNames().indexOf("count_1m");
    for (boolean history : List.of(true, false)) {
      StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
      environment.setParallelism(1);
      Incoming live = TestEvents.event(pipeline, 2, event.formatted(2));
      Incoming past = TestEvents.event(pipeline, 1, event.formatted(1));
      past.row.history = true;
      DataStream<Incoming> source =
          environment.fromData(List.of(live, past), new IncomingTypeInfo());
      DataStream<FeatureRow> features =
          FeatureTopology.build(source, null, Map.of(), pipeline, history).features();
      try (CloseableIterator<FeatureRow> rows = features.executeAndCollect()) {
        assertThat(rows)
            .toIterable()
            .extracting(row -> row.id, row -> row.values[count])
            .containsExactly(tuple("2", history ? 2.0 : 1.0));
      }
    }
  }

  @Test
  void everyRecordIsInExactlyOneOutput() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, true);
    List<Incoming> events = new ArrayList<>(TestEvents.events(pipeline, 200, 9));
    long last = events.get(events.size() - 1).row.time;
    List<String> bad =
        List.of(
            "not json",
            "{\"transaction_id\":null,\"event_time\":1}",
            "{\"transaction_id\":1001,\"event_time\":null}",
            "{\"transaction_id\":1002,\"event_time\":"
                + last
                + ",\"customer_id\":null,\"terminal_id\":1,\"amount\":1}",
            "{\"transaction_id\":1003,\"event_time\":"
                + last
                + ",\"customer_id\":1,\"terminal_id\":1,\"amount\":null}",
            "{\"transaction_id\":1004,\"event_time\":"
                + last
                + ",\"customer_id\":1,\"terminal_id\":1,\"amount\":-1}",
            "{\"transaction_id\":1005,\"event_time\":"
                + last
                + ",\"customer_id\":1,\"terminal_id\":1,\"amount\":\"much\"}");
    for (int i = 0; i < bad.size(); i++) {
      events.add(100 + i, TestEvents.event(pipeline, 1000 + i, bad.get(i)));
    }
    Run run = run(JobEnvironment.batch(new Configuration()), pipeline, events, 2);
    assertThat(run.features).hasSize(200);
    assertThat(run.dead)
        .extracting(DeadLetter::getReason)
        .containsExactlyInAnyOrder(
            "undecodable",
            "missing-id",
            "missing-time",
            "missing-key",
            "rule",
            "rule",
            "undecodable");
    assertThat(run.dead)
        .allSatisfy(
            letter -> {
              assertThat(bad)
                  .contains(
                      StandardCharsets.UTF_8.decode(letter.getValue().duplicate()).toString());
              assertThat(letter.getSource()).isEqualTo("transactions");
              assertThat(letter.getOffset()).isGreaterThanOrEqualTo(1000);
              assertThat(letter.getDetail()).isNotBlank();
            });
    assertThat(run.counts)
        .containsEntry(JobMetric.FEATURE_IN.id(), 207L)
        .containsEntry(JobMetric.FEATURE_OUT.id(), 200L)
        .containsEntry(JobMetric.FEATURE_DEAD.id(), 7L);
  }

  @Test
  void everyOperatorHasAUidAndAName() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, true);
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    DataStream<Incoming> source =
        environment
            .fromData(TestEvents.events(pipeline, 1, 1), new IncomingTypeInfo())
            .uid("source");
    FeatureTopology.build(source, pipeline).features().print().uid("sink");
    assertThat(environment.getStreamGraph().getStreamNodes())
        .allSatisfy(
            node -> {
              assertThat(node.getTransformationUID()).as(node.getOperatorName()).isNotNull();
              assertThat(node.getOperatorName()).isNotBlank();
            })
        .extracting(StreamNode::getTransformationUID)
        .contains(
            FeatureTopology.ADMIT,
            FeatureTopology.ENTITY + "customer",
            FeatureTopology.ENTITY + "terminal",
            FeatureTopology.FINISH);
  }
}
