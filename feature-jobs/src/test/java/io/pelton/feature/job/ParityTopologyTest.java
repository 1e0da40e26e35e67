package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureLog;
import io.pelton.job.FeatureRowSerializer;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobEnvironment;
import io.pelton.job.LoggedFeatures;
import io.pelton.parity.ParityReport;
import io.pelton.parity.ParityTally;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class ParityTopologyTest {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(4)
              .build());

  @TempDir Path directory;

  /** Serves events as a streaming job does, in the order given, and logs what it served. */
  private String serve(PipelineDefinition pipeline, List<Incoming> arrival, int parallelism)
      throws Exception {
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    environment.setParallelism(parallelism);
    DataStream<Incoming> source =
        environment
            .fromData(arrival, new IncomingTypeInfo())
            .assignTimestampsAndWatermarks(eager(EventWatermarks.strategy(pipeline)));
    String log = directory.resolve("log").toString();
    FeatureLog.write(FeatureTopology.build(source, pipeline).features(), pipeline, log);
    environment.execute("serve");
    return log;
  }

  /**
   * With a watermark after each event, whatever the clock says: what waits for the first is one.
   */
  private static WatermarkStrategy<Incoming> eager(WatermarkStrategy<Incoming> strategy) {
    return WatermarkStrategy.<Incoming>forGenerator(
            context -> {
              WatermarkGenerator<Incoming> marks = strategy.createWatermarkGenerator(context);
              return new WatermarkGenerator<>() {
                @Override
                public void onEvent(Incoming event, long timestamp, WatermarkOutput output) {
                  marks.onEvent(event, timestamp, output);
                  marks.onPeriodicEmit(output);
                }

                @Override
                public void onPeriodicEmit(WatermarkOutput output) {
                  marks.onPeriodicEmit(output);
                }
              };
            })
        .withTimestampAssigner((event, timestamp) -> event.row.time);
  }

  private static DataStream<FeatureRow> replay(
      StreamExecutionEnvironment environment, PipelineDefinition pipeline, List<Incoming> events) {
    return FeatureTopology.build(
            environment
                .fromData(events, new IncomingTypeInfo())
                .uid("events")
                .assignTimestampsAndWatermarks(EventWatermarks.strategy(pipeline))
                .uid("times"),
            pipeline)
        .features();
  }

  private static ParityTally compare(
      PipelineDefinition pipeline, String log, List<Incoming> events, int parallelism)
      throws Exception {
    return compare(pipeline, log, events, LoggedFeatures.open(log).first(), parallelism);
  }

  private static ParityTally compare(
      PipelineDefinition pipeline, String log, List<Incoming> events, long from, int parallelism)
      throws Exception {
    LoggedFeatures logged = LoggedFeatures.open(log);
    ParityTopology.Range range = new ParityTopology.Range(logged.first(), from, logged.last() + 1);
    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    environment.setParallelism(parallelism);
    ParityTopology.build(
        logged.read(environment, pipeline, range.seenFrom(pipeline), range.from(), range.to() - 1),
        replay(environment, pipeline, events),
        pipeline,
        range);
    return environment.execute("parity").getAccumulatorResult(ParityTopology.TALLY);
  }

  private static String text(ParityTally tally) {
    return new ParityReport("test", 0, 1, 0, tally).text();
  }

  @Test
  void disorderWithinTheBoundLeavesNoDifference() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, true);
    List<Incoming> events = TestEvents.events(pipeline, 2_000, 1);
    String log = serve(pipeline, TestEvents.shuffled(events, 2), 3);
    for (int parallelism : new int[] {1, 3}) {
      ParityTally tally = compare(pipeline, log, events, parallelism);
      assertThat(tally.agrees(0)).as(text(tally)).isTrue();
      assertThat(tally.rows()).isEqualTo(2_000);
      assertThat(tally.touchedRows()).isZero();
      assertThat(tally.columns())
          .filteredOn(column -> column.name().equals("by_terminal_10m"))
          .allMatch(column -> column.untouched().compared() == 2_000)
          .hasSize(1);
    }
  }

  @Test
  void onArrivalWhatLateEventsTouchedIsApartAndTheRestAgrees() throws Exception {
    // Of one entity: a second one would see the skew between the job's subtasks, too.
    TestEvents.pipeline(directory, false);
    Path file = directory.resolve("pipeline.yaml");
    PipelineDefinition pipeline =
        PipelineFile.read(
            Files.writeString(
                file, Files.readString(file).replaceAll("(?m)^  (most|risk):.*\\n", "")));
    List<Incoming> events = TestEvents.events(pipeline, 2_000, 1);
    // Most come in order, one in fifty seconds later.
    Random random = new Random(4);
    record Arrival(Incoming event, long at) {}
    List<Incoming> arrival =
        events.stream()
            .map(
                event ->
                    new Arrival(
                        event,
                        event.row.time + (random.nextInt(50) == 0 ? random.nextLong(40_000) : 0)))
            .sorted(Comparator.comparingLong(Arrival::at))
            .map(Arrival::event)
            .toList();
    ParityTally tally = compare(pipeline, serve(pipeline, arrival, 1), events, 2);
    assertThat(tally.agrees(0)).as(text(tally)).isTrue();
    assertThat(tally.rows()).isEqualTo(2_000);
    assertThat(tally.touchedRows()).isBetween(1L, 500L);
    assertThat(tally.columns()).anyMatch(column -> column.touched().mismatches() > 0);
    assertThat(tally.columns().get(0).touched().compared()).as("no window").isZero();
    assertThat(tally.columns())
        .filteredOn(column -> column.name().equals("by_terminal_10m"))
        .allMatch(column -> column.touched().mismatches() > 0)
        .hasSize(1);
  }

  @Test
  void anEventThatWasNeverServedTouchesTheWindowsThatCoverIt() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, true);
    List<Incoming> events = TestEvents.events(pipeline, 1_000, 1);
    List<Incoming> served = new ArrayList<>(events);
    served.remove(500);
    ParityTally tally = compare(pipeline, serve(pipeline, served, 2), events, 2);
    assertThat(tally.replayOnly()).isEqualTo(1);
    assertThat(tally.agrees(0)).isFalse();
    assertThat(tally.agrees(1)).as(text(tally)).isTrue();
    assertThat(tally.touchedRows()).isBetween(1L, 200L);
    assertThat(tally.columns()).anyMatch(column -> column.touched().mismatches() > 0);
  }

  @Test
  void aValueChangedByHandIsFoundAndNamed() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, true);
    List<Incoming> events = TestEvents.events(pipeline, 500, 1);
    StreamExecutionEnvironment batch = JobEnvironment.batch(new Configuration());
    List<FeatureRow> rows = new ArrayList<>();
    try (CloseableIterator<FeatureRow> all = replay(batch, pipeline, events).executeAndCollect()) {
      all.forEachRemaining(row -> rows.add(FeatureRowSerializer.INSTANCE.copy(row)));
    }
    int feature = pipeline.featureNames().indexOf("mean_10m");
    FeatureRow changed = rows.get(123);
    changed.values[feature] = Math.nextUp(changed.values[feature]);
    FeatureRow mapped = rows.get(321);
    Map<String, Double> buckets = new TreeMap<>(mapped.maps[0]);
    String bucket = buckets.keySet().iterator().next();
    buckets.put(bucket, Math.nextUp(buckets.get(bucket)));
    mapped.maps[0] = buckets;
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    String log = directory.resolve("log").toString();
    FeatureLog.write(environment.fromData(rows, new FeatureRowTypeInfo()), pipeline, log);
    environment.execute("log");

    ParityTally tally = compare(pipeline, log, events, 2);
    assertThat(tally.mismatches()).isEqualTo(2);
    assertThat(tally.columns().get(feature).untouched().examples())
        .extracting(ParityTally.Example::id)
        .containsExactly(changed.id);
    assertThat(text(tally))
        .contains("event " + changed.id)
        .contains("mean_10m was served as")
        .contains(
            "event %s of %s: by_terminal_10m['%s'] was served as"
                .formatted(mapped.id, Instant.ofEpochMilli(mapped.time), bucket));
  }

  @Test
  void everyOperatorHasAUidAndAName() throws Exception {
    PipelineDefinition pipeline = TestEvents.pipeline(directory, true);
    List<Incoming> events = TestEvents.events(pipeline, 10, 1);
    LoggedFeatures logged = LoggedFeatures.open(serve(pipeline, events, 1));
    StreamExecutionEnvironment environment = JobEnvironment.batch(new Configuration());
    ParityTopology.build(
        logged.read(environment, pipeline, logged.first(), logged.first(), logged.last()),
        replay(environment, pipeline, events),
        pipeline,
        new ParityTopology.Range(0, 0, Long.MAX_VALUE));
    assertThat(environment.getStreamGraph().getStreamNodes())
        .allSatisfy(
            node -> {
              assertThat(node.getTransformationUID()).as(node.getOperatorName()).isNotNull();
              assertThat(node.getOperatorName()).isNotBlank();
            })
        .extracting(StreamNode::getTransformationUID)
        .contains(
            ParityTopology.PAIR,
            ParityTopology.ORDER,
            ParityTopology.TOUCHED + "customer",
            ParityTopology.TOUCHED + "terminal",
            ParityTopology.COMPARE);
  }
}
