package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.LateEvent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One of two subtasks of the source falls silent, and goes on when watermarks have passed it. */
class LateRowsTest {
  @RegisterExtension
  static final MiniClusterExtension CLUSTER =
      new MiniClusterExtension(
          new MiniClusterResourceConfiguration.Builder()
              .setNumberTaskManagers(1)
              .setNumberSlotsPerTaskManager(2)
              .build());

  private static final long ALLOWED = 60_000;

  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource({
    "out-of-orderness: 10s, side-output, false",
    "out-of-orderness: 10s, include, false",
    "out-of-orderness: 10s, side-output, true",
    "idle-after: 30s, side-output, false",
    "idle-after: 30s, include, true"
  })
  void whatASilentSubtaskReadsBehindTheOthersIsLate(String order, String late, boolean once)
      throws Exception {
    PipelineDefinition pipeline =
        TestEvents.pipeline(
            directory, order + "\nlate: " + late + (once ? "\ndeduplicate: {within: 1h}" : ""));
    List<Incoming> events = TestEvents.events(pipeline, 2_000, 11);
    long passed = events.get(events.size() - 2).row.time - TestEvents.BOUND - 1;
    List<Incoming> others = new ArrayList<>(events);
    others.removeIf(event -> event.row.time > passed - ALLOWED);
    String straggler = others.get(others.size() - 1).row.id;
    others.clear();
    others.addAll(events);
    others.removeIf(event -> event.row.id.equals(straggler));
    Map<String, double[]> expected = new TreeMap<>();
    StreamExecutionEnvironment batch = JobEnvironment.batch(new Configuration());
    try (CloseableIterator<FeatureRow> rows =
        FeatureTopology.build(
                batch
                    .fromData(others, new IncomingTypeInfo())
                    .assignTimestampsAndWatermarks(EventWatermarks.strategy(pipeline)),
                pipeline)
            .features()
            .executeAndCollect()) {
      rows.forEachRemaining(row -> expected.put(row.id, row.values));
    }

    seen.set(Long.MIN_VALUE);
    found = new CountDownLatch(1);
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    environment.setParallelism(2);
    FeatureOutputs outputs =
        FeatureTopology.build(source(environment, events, straggler, passed), pipeline);
    CloseableIterator<FeatureRow> features =
        outputs
            .features()
            .transform("see watermarks", new FeatureRowTypeInfo(), new SeeWatermarks())
            .collectAsync();
    CloseableIterator<LateEvent> lateEvents =
        outputs
            .late()
            .filter(
                event -> {
                  found.countDown();
                  return true;
                })
            .collectAsync();
    JobClient client = environment.executeAsync("late rows");
    Map<String, double[]> actual = new TreeMap<>();
    features.forEachRemaining(row -> actual.put(row.id, row.values));
    Map<String, Object> counts = client.getJobExecutionResult().get().getAllAccumulatorResults();

    assertThat(lateEvents)
        .toIterable()
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.getEventId()).isEqualTo(straggler);
              // Where events go whole to the first exchange, their bytes are there.
              assertThat(event.getValue() != null).isEqualTo(once);
            });
    assertThat(counts)
        .containsEntry(JobMetric.FEATURE_IN.id(), 2_000L)
        .containsEntry(JobMetric.FEATURE_LATE.id(), 0L)
        .containsEntry(JobMetric.FEATURE_LATE_ROWS.id(), 1L)
        .containsEntry(JobMetric.FEATURE_LATE_INCLUDED.id(), late.equals("include") ? 1L : 0L)
        .containsEntry(JobMetric.FEATURE_OUT.id(), 1_999L);
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    // What still waited may count the straggler with late: include.
    events.stream()
        .filter(event -> event.row.time > passed)
        .forEach(event -> expected.remove(event.row.id));
    if (order.startsWith("out")) {
      expected.forEach(
          (id, values) -> assertThat(actual.get(id)).as("event %s", id).containsExactly(values));
    }
  }

  /**
   * The first event and the straggler come on a subtask of their own, this once the others' events
   * but the last are through, and the last when it was found late.
   */
  private static DataStream<Incoming> source(
      StreamExecutionEnvironment environment,
      List<Incoming> events,
      String straggler,
      long passed) {
    String before = events.get(0).row.id;
    String last = events.get(events.size() - 1).row.id;
    return environment
        .fromData(events, new IncomingTypeInfo())
        .partitionCustom(
            (id, subtasks) -> id.equals(before) || id.equals(straggler) ? 1 : 0,
            event -> event.row.id)
        .map(
            event -> {
              while (event.row.id.equals(straggler) && seen.get() < passed) {
                Thread.sleep(1); // a cancelled task is woken by it
              }
              if (event.row.id.equals(last)) {
                found.await();
              }
              return event;
            })
        .returns(new IncomingTypeInfo())
        .assignTimestampsAndWatermarks(
            WatermarkStrategy.<Incoming>forGenerator(context -> new SilentAfter(before))
                .withTimestampAssigner((event, timestamp) -> event.row.time));
  }

  private static final class SilentAfter implements WatermarkGenerator<Incoming> {
    private final String last;

    SilentAfter(String last) {
      this.last = last;
    }

    @Override
    public void onEvent(Incoming event, long timestamp, WatermarkOutput output) {
      output.emitWatermark(new Watermark(timestamp - TestEvents.BOUND - 1));
      if (event.row.id.equals(last)) {
        output.markIdle();
      }
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {}
  }

  /** The watermark that all features are out for. */
  private static final AtomicLong seen = new AtomicLong();

  private static volatile CountDownLatch found = new CountDownLatch(0);

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
      seen.accumulateAndGet(mark.getTimestamp(), Math::max);
    }
  }
}
