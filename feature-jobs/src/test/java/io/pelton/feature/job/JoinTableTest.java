package io.pelton.feature.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeaturePlan;
import io.pelton.feature.FeatureRow;
import io.pelton.job.Incoming;
import io.pelton.job.IncomingTypeInfo;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Times are milliseconds after {@link #START}; all events and rows are of terminal 7. */
class JoinTableTest {
  private static final long START = 1_600_000_000_000L;

  @TempDir Path directory;
  private PipelineDefinition pipeline;

  @BeforeEach
  void readPipeline() throws Exception {
    pipeline = TopicTables.pipeline(directory, "out-of-orderness: 10s");
  }

  private final class Harness
      extends KeyedTwoInputStreamOperatorTestHarness<String, Incoming, FeatureRow, Incoming> {
    private final PipelineDefinition pipeline;
    private final JoinTable operator;
    private final FeaturePlan plan;
    private int offset;

    Harness(PipelineDefinition pipeline, boolean onArrival, StateBackend backend) throws Exception {
      this(pipeline, new JoinTable(pipeline, "terminals", onArrival), backend);
    }

    private Harness(PipelineDefinition pipeline, JoinTable operator, StateBackend backend)
        throws Exception {
      super(operator, new JoinTable.EventKey(pipeline, "terminals"), row -> row.id, Types.STRING);
      this.pipeline = pipeline;
      this.operator = operator;
      plan = new FeaturePlan(pipeline);
      setStateBackend(backend);
      setup(new IncomingTypeInfo().createSerializer(new ExecutionConfig().getSerializerConfig()));
    }

    Harness(boolean onArrival) throws Exception {
      this(JoinTableTest.this.pipeline, onArrival, new HashMapStateBackend());
    }

    void event(int id, long time) throws Exception {
      event(id, time, 7, false);
    }

    void event(int id, long time, @Nullable Integer terminal, boolean history) throws Exception {
      Incoming event = TopicTables.event(pipeline, id, START + time, 1, terminal);
      event.row.history = history;
      processElement1(new StreamRecord<>(event, event.row.time));
    }

    void row(long time, int risk) throws Exception {
      FeatureRow row = TopicTables.terminal(pipeline, offset++, 7, START + time, "FR", risk).row;
      processElement2(new StreamRecord<>(row, row.time));
    }

    void deletion(long time) throws Exception {
      FeatureRow row = TopicTables.row(pipeline, 0, offset++, START + time, "7", null).row;
      processElement2(new StreamRecord<>(row, row.time));
    }

    void events(long watermark) throws Exception {
      processWatermark1(new Watermark(START + watermark));
    }

    void table(long watermark) throws Exception {
      processWatermark2(new Watermark(START + watermark));
    }

    void idle() throws Exception {
      processWatermarkStatus2(WatermarkStatus.IDLE);
    }

    void active() throws Exception {
      processWatermarkStatus2(WatermarkStatus.ACTIVE);
    }

    /** Ids with risk classes of events that went on, as {@code 1=3}; -1 where none is known. */
    List<String> joined() throws Exception {
      List<String> joined = new ArrayList<>();
      for (Incoming event : extractOutputValues()) {
        joined.add(event.row.id + "=" + (int) plan.complete(event.row).values[0]);
      }
      return joined;
    }

    List<Long> watermarks() {
      return getOutput().stream()
          .filter(Watermark.class::isInstance)
          .map(mark -> ((Watermark) mark).getTimestamp() - START)
          .toList();
    }

    /** Times of the rows that are kept. */
    List<Long> versions() throws Exception {
      operator.setCurrentKey("7");
      List<Long> times = new ArrayList<>();
      operator.versions().keys().forEach(time -> times.add(time - START));
      return times;
    }

    long late() {
      return (Long)
          getEnvironment()
              .getAccumulatorRegistry()
              .getUserMap()
              .get(JobMetric.FEATURE_TABLE_ROWS_LATE.id())
              .getLocalValue();
    }
  }

  @Test
  void anEventBehindTheWatermarkThatWentOnIsLate() throws Exception {
    for (boolean onArrival : List.of(false, true)) {
      long allowed = onArrival ? pipeline.allowedLateness() : 0;
      try (Harness harness = new Harness(onArrival)) {
        harness.open();
        harness.row(0, 3);
        harness.events(allowed + 10);
        harness.table(allowed + 10);
        harness.event(1, 10);
        harness.event(2, 11);
        harness.events(allowed + 20);
        harness.table(allowed + 20);
        assertThat(harness.joined()).containsExactly("2=3");
        assertThat(harness.getSideOutput(AdmitEvents.LATE))
            .singleElement()
            .satisfies(
                late -> {
                  assertThat(late.getValue().getEventId()).isEqualTo("1");
                  assertThat(late.getValue().getValue()).isNotNull();
                });
      }
    }
  }

  @Test
  void anEventTakesTheNewestRowOfItsTimeInWhateverOrderTheyCome() throws Exception {
    try (Harness harness = new Harness(false)) {
      harness.open();
      harness.event(1, 999);
      harness.event(2, 1_000);
      harness.row(3_000, 3);
      harness.event(3, 2_999);
      harness.row(1_000, 1);
      harness.event(4, 3_000);
      harness.row(2_000, 2);
      harness.event(5, 9_000);
      harness.table(5_000);
      assertThat(harness.joined()).isEmpty();
      harness.events(4_000);
      assertThat(harness.joined()).containsExactly("1=-1", "2=1", "3=2", "4=3");
      assertThat(harness.late()).isZero();
    }
  }

  @Test
  void eventsWaitForTheTableUntilItIsIdle() throws Exception {
    try (Harness harness = new Harness(false)) {
      harness.open();
      harness.event(1, 1_000);
      harness.events(6_000);
      assertThat(harness.joined()).as("the table was not read yet").isEmpty();
      assertThat(harness.watermarks()).isEmpty();
      harness.table(2_000);
      assertThat(harness.joined()).containsExactly("1=-1");
      harness.event(2, 3_000);
      assertThat(harness.watermarks()).containsExactly(2_000L);
      harness.row(2_500, 5);
      harness.idle();
      assertThat(harness.joined()).containsExactly("1=-1", "2=5");
      assertThat(harness.watermarks()).containsExactly(2_000L, 6_000L);
      harness.active();
      harness.table(90_000);
      assertThat(harness.watermarks()).as("only events move it").containsExactly(2_000L, 6_000L);
    }
  }

  @Test
  void idleEventsAreIdleBehindItAndTheTableDoesNotMoveTime() throws Exception {
    try (Harness harness = new Harness(false)) {
      harness.open();
      harness.table(1_000);
      harness.events(500);
      harness.processWatermarkStatus1(WatermarkStatus.IDLE);
      harness.table(50_000);
      assertThat(harness.watermarks()).containsExactly(500L);
      assertThat(harness.getOutput()).contains(WatermarkStatus.IDLE);
    }
  }

  @Test
  void whatTheTableHeldBackGoesOnThoughEventsAreIdleByThen() throws Exception {
    try (Harness harness = new Harness(false)) {
      harness.open();
      harness.event(1, 1_000);
      harness.events(2_000);
      harness.processWatermarkStatus1(WatermarkStatus.IDLE);
      harness.idle();
      List<Object> output = new ArrayList<>(harness.getOutput());
      assertThat(output.get(0)).isEqualTo(WatermarkStatus.IDLE);
      assertThat(output.subList(2, 5))
          .as("after the event")
          .containsExactly(
              WatermarkStatus.ACTIVE, new Watermark(START + 2_000), WatermarkStatus.IDLE);
    }
  }

  @Test
  void onArrivalEventsWaitOnlyUntilTheTableIsRead() throws Exception {
    try (Harness harness = new Harness(true)) {
      harness.open();
      harness.event(1, 1_000);
      harness.row(500, 4);
      harness.active();
      harness.events(5_000);
      assertThat(harness.joined()).isEmpty();
      harness.idle();
      assertThat(harness.joined()).containsExactly("1=4");
      harness.event(2, 400);
      harness.event(3, 2_000);
      assertThat(harness.joined()).containsExactly("1=4", "2=-1", "3=4");
    }
  }

  @Test
  void historyIsJoinedAsOfItsTimeOnceTheTableIsRead() throws Exception {
    try (Harness harness = new Harness(false)) {
      harness.open();
      harness.event(1, 1_000, 7, true);
      harness.row(500, 4);
      harness.row(1_500, 5);
      harness.idle();
      harness.event(2, 2_000, 7, true);
      assertThat(harness.joined()).containsExactly("1=4", "2=5");
    }
  }

  @Test
  void anEventWithoutAKeyPasses() throws Exception {
    Path schema = directory.resolve("transaction.avsc");
    Files.writeString(
        schema,
        Files.readString(schema)
            .replaceAll("(\"terminal_id\",\\s*\"type\":\\s*)\"(\\w+)\"", "$1[\"null\", \"$2\"]"));
    pipeline = PipelineFile.read(directory.resolve("pipeline.yaml"));
    try (Harness harness = new Harness(false)) {
      harness.open();
      harness.event(1, 1_000, null, false);
      assertThat(harness.extractOutputValues()).hasSize(1);
      assertThat(harness.numKeyedStateEntries()).isZero();
    }
  }

  @Test
  void afterADeletionNothingIsKnown() throws Exception {
    try (Harness harness = new Harness(false)) {
      harness.open();
      harness.row(1_000, 1);
      harness.deletion(2_000);
      harness.event(1, 1_999);
      harness.event(2, 2_000);
      harness.row(3_000, 3);
      harness.event(3, 3_000);
      harness.idle();
      harness.events(10_000);
      assertThat(harness.joined()).containsExactly("1=1", "2=-1", "3=3");
    }
  }

  @Test
  void ofTwoRowsOfOneTimeTheLastOfTheTopicCounts() throws Exception {
    try (Harness harness = new Harness(false)) {
      harness.open();
      FeatureRow first = TopicTables.terminal(pipeline, 1, 7, START, "FR", 1).row;
      FeatureRow second = TopicTables.terminal(pipeline, 2, 7, START, "FR", 2).row;
      harness.processElement2(new StreamRecord<>(second, second.time));
      harness.processElement2(new StreamRecord<>(first, first.time));
      harness.event(1, 0);
      harness.idle();
      harness.events(10);
      assertThat(harness.joined()).containsExactly("1=2");
    }
  }

  @Test
  void aRowThatEventsHadToDoWithoutIsLateAndCountsFromThenOn() throws Exception {
    try (Harness harness = new Harness(false)) {
      harness.open();
      harness.idle();
      harness.event(1, 1_000);
      harness.events(5_000);
      harness.row(1_001, 2);
      assertThat(harness.late()).as("no event had to do without").isZero();
      harness.row(1_000, 3);
      assertThat(harness.late()).isEqualTo(1);
      harness.event(2, 6_000);
      harness.events(6_000);
      assertThat(harness.joined()).containsExactly("1=-1", "2=2");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"heap", "rocksdb"})
  void keepsTheVersionsThatAnEventToComeMaySee(String backend) throws Exception {
    try (Harness harness = new Harness(pipeline, false, backend(backend))) {
      harness.open();
      for (int i = 0; i < 100; i++) {
        harness.row(i * 1_000, 1 + i % 9);
      }
      harness.idle();
      harness.events(50_000);
      assertThat(harness.versions()).hasSize(50).contains(50_000L, 99_000L);
      harness.event(1, 50_001);
      harness.event(2, 99_500);
      harness.events(200_000);
      harness.event(3, 300_000);
      harness.events(300_000);
      assertThat(harness.joined())
          .containsExactly("1=" + (1 + 50 % 9), "2=" + (1 + 99 % 9), "3=" + (1 + 99 % 9));
      assertThat(harness.versions()).containsExactly(99_000L);
    }
  }

  @Test
  void aLateEventThatIsIncludedSeesWhatHeldThen() throws Exception {
    // Windows reach back two minutes, so events that are older than that matter to nobody.
    pipeline = TopicTables.pipeline(directory, "out-of-orderness: 10s\nlate: include");
    try (Harness harness = new Harness(false)) {
      harness.open();
      for (int i = 0; i < 9; i++) {
        harness.row(i * 50_000, 1 + i);
      }
      harness.idle();
      harness.events(399_999);
      assertThat(harness.versions()).hasSize(4).contains(250_000L, 400_000L);
      Incoming late = TopicTables.event(pipeline, 1, START + 310_000, 1, 7);
      late.row.history = true;
      late.row.late = true;
      harness.processElement1(new StreamRecord<>(late, late.row.time));
      assertThat(harness.joined()).containsExactly("1=7");
    }
  }

  @Test
  void aDeletionAndThatEventsWereJoinedAreForgottenAfterADay() throws Exception {
    try (Harness harness = new Harness(false)) {
      harness.open();
      harness.idle();
      harness.row(0, 1);
      harness.event(1, 500);
      harness.deletion(1_000);
      harness.events(2_000);
      harness.row(900, 2);
      harness.event(2, 3_000);
      harness.events(4_000);
      assertThat(harness.joined()).as("no older row comes back").containsExactly("1=1", "2=-1");
      harness.events(3_000 + JoinTable.REMEMBERED);
      assertThat(harness.numKeyedStateEntries()).isZero();
      assertThat(harness.numEventTimeTimers()).isZero();
    }
  }

  private static StateBackend backend(String name) {
    return name.equals("heap") ? new HashMapStateBackend() : new EmbeddedRocksDBStateBackend();
  }

  @ParameterizedTest
  @ValueSource(strings = {"heap", "rocksdb"})
  void versionsAndWaitingEventsSurviveARestoreWithOtherFeatures(String backend) throws Exception {
    OperatorSubtaskState state;
    try (Harness harness = new Harness(pipeline, false, backend(backend))) {
      harness.open();
      harness.row(1_000, 3);
      harness.row(4_000, 4);
      harness.event(1, 2_000);
      harness.idle();
      harness.events(1_500);
      harness.event(2, 5_000);
      state = harness.snapshot(1, 1);
      assertThat(harness.joined()).isEmpty();
    }
    // Another feature reads another column, and the table's fields change places.
    Path schema = directory.resolve("terminal.avsc");
    Files.writeString(
        schema,
        """
        {"type": "record", "name": "Terminal", "fields": [
          {"name": "risk_class", "type": "int"}, {"name": "country", "type": "string"},
          {"name": "owner", "type": ["null", "string"], "default": null},
          {"name": "valid_from", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "terminal_id", "type": "long"}]}
        """);
    Path file = directory.resolve("pipeline.yaml");
    Files.writeString(
        file,
        Files.readString(file)
            .replace("features:\n", "features:\n    known: {value: terminals.terminal_id}\n"));
    PipelineDefinition changed = PipelineFile.read(file);
    FeaturePlan plan = new FeaturePlan(changed);
    try (Harness harness = new Harness(changed, false, backend(backend))) {
      harness.initializeState(state);
      harness.open();
      harness.events(10_000);
      assertThat(harness.extractOutputValues()).as("the table is read anew first").isEmpty();
      harness.idle();
      List<String> joined = new ArrayList<>();
      for (Incoming event : harness.extractOutputValues()) {
        double[] values = plan.complete(event.row).values;
        joined.add(event.row.id + "=" + (int) values[1] + " of " + (int) values[0]);
      }
      assertThat(joined).containsExactly("1=3 of 7", "2=4 of 7");
    }
  }

  @Test
  void rowsOfFilesCountWhereTheTopicHasNoNewer() throws Exception {
    Path file = directory.resolve("old.csv");
    Files.writeString(
        file,
        "terminal_id,valid_from,country,risk_class\n7,%d,FR,1\n7,%d,FR,6\n7,%d,,\n"
            .formatted(START, START + 1_000, START + 3_000));
    PipelineDefinition withFiles =
        TableFiles.pinned(
            pipeline.with(List.of(pipeline.tables().get(0).of(List.of(file.toString()), true))));
    try (Harness harness = new Harness(withFiles, false, new HashMapStateBackend())) {
      harness.open();
      harness.row(2_000, 2);
      harness.deletion(5_000);
      harness.event(1, 500);
      harness.event(2, 1_500);
      harness.event(3, 2_500);
      harness.event(4, 3_500);
      harness.event(5, 5_500);
      harness.idle();
      harness.events(10_000);
      assertThat(harness.joined()).containsExactly("1=1", "2=6", "3=2", "4=-1", "5=-1");
    }
  }
}
