package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.feature.FeatureRow;
import io.pelton.job.ScoredRowTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Step;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One subtask of two, whose other one is played by the test. */
final class EffectiveFromTest {
  private static final JobID JOB = new JobID();
  private static final RolloutPlan THREE = RolloutPlan.of("fake", 3);
  private static final RolloutPlan FOUR = THREE.deploy(4, 100);

  private static final List<RolloutStatus> TOLD = new CopyOnWriteArrayList<>();
  private static final BlockingQueue<Runnable> HEARD = new LinkedBlockingQueue<>();
  private static @Nullable RolloutPlan newest;
  private static Consumer<RolloutPlan> plans;
  private static Consumer<RolloutStatus> statuses;

  @TempDir Path directory;

  /** What is told comes back, as from a topic. */
  private record Topics() implements Control {
    @Override
    public Optional<RolloutPlan> newest(String model) {
      return Optional.ofNullable(newest);
    }

    @Override
    public Following follow(
        String model, Consumer<RolloutPlan> commands, Consumer<RolloutStatus> told) {
      plans = commands;
      statuses = told;
      TOLD.forEach(told);
      return new Following() {
        @Override
        public void tell(RolloutStatus status) {
          TOLD.add(status);
          statuses.accept(status);
        }

        @Override
        public void close() {}
      };
    }
  }

  @BeforeEach
  void forget() {
    FakeModels.reset();
    TOLD.clear();
    HEARD.clear();
    newest = null;
  }

  @Test
  void rowsOfTheChangeWaitForTheOtherSubtaskAndTheWatermarkBehindThem() throws Exception {
    try (var subtask = open(null)) {
      process(subtask, 98);
      command(subtask, FOUR);
      assertThat(states(1)).containsExactly(RolloutState.READY);
      process(subtask, 99, 100, 101, 50);
      subtask.processWatermark(new Watermark(95));
      assertThat(served(subtask)).containsExactly("98@3", "99@3", "50@3");
      assertThat(watermarks(subtask)).isEmpty();

      say(subtask, RolloutState.READY, 1, "");
      subtask.endInput();
      assertThat(served(subtask)).containsExactly("98@3", "99@3", "50@3", "100@4", "101@4");
      assertThat(watermarks(subtask)).containsExactly(95L);
      assertThat(states(1))
          .containsExactly(RolloutState.READY, RolloutState.SERVING, RolloutState.ENDED);
      process(subtask, 60);
    }
  }

  @Test
  void whereTheOtherHasScoredALaterEventBothRefuse() throws Exception {
    try (var subtask = open(null)) {
      command(subtask, FOUR);
      process(subtask, 99, 100);
      say(subtask, RolloutState.REFUSED, 1, "events up to 120 were scored already");
      subtask.endInput();
      assertThat(served(subtask)).containsExactly("99@3", "100@3");
      assertThat(states(1)).containsExactly(RolloutState.READY, RolloutState.REFUSED);
      assertThat(TOLD.get(TOLD.size() - 2).getDetail())
          .isEqualTo("subtask 2 of 2: events up to 120 were scored already");
    }
  }

  @Test
  void aSubtaskRefusesWhatLiesBehindIt() throws Exception {
    try (var subtask = open(null)) {
      process(subtask, 100);
      command(subtask, FOUR);
      assertThat(states(1)).containsExactly(RolloutState.REFUSED);
      assertThat(TOLD.get(TOLD.size() - 1).getDetail())
          .isEqualTo(
              "it begins at 1970-01-01T00:00:00.100Z, but events up to"
                  + " 1970-01-01T00:00:00.100Z were scored already; give a later time, or none");
      subtask.endInput();
      assertThat(served(subtask)).containsExactly("100@3");
      for (int i = 0; i < 10_000 && FakeModels.OPEN.get() > 1; i++) {
        Thread.sleep(1); // it is closed by another thread
      }
      assertThat(FakeModels.OPEN).hasValue(1);
    }
  }

  @Test
  void heldRowsAndTheNewestTimeSurviveARestoreAndThePromiseHolds() throws Exception {
    OperatorSubtaskState state;
    try (var subtask = open(null)) {
      process(subtask, 99);
      command(subtask, FOUR);
      process(subtask, 100, 101);
      subtask.prepareSnapshotPreBarrier(1);
      state = subtask.snapshot(1, 1);
    }
    newest = FOUR;
    try (var subtask = open(state)) {
      process(subtask, 90, 102);
      assertThat(served(subtask)).containsExactly("90@3");
      say(subtask, RolloutState.READY, 1, "");
      subtask.endInput();
      assertThat(served(subtask)).containsExactly("90@3", "100@4", "101@4", "102@4");
    }
    // The newest time of before the restore counts.
    newest = THREE.deploy(5, 99);
    TOLD.clear();
    try (var subtask = open(state)) {
      assertThat(states(1)).containsExactly(RolloutState.REFUSED);
    }
  }

  @Test
  void aCommandAtOnceEndsTheWaiting() throws Exception {
    try (var subtask = open(null)) {
      command(subtask, FOUR);
      process(subtask, 99, 100);
      command(subtask, FOUR.deploy(5, Step.ALWAYS));
      process(subtask, 101);
      subtask.endInput();
      assertThat(served(subtask)).containsExactly("99@3", "100@5", "101@5");
    }
  }

  @Test
  void aRefusedCommandAtOnceDoesNotTouchWhatIsUndecided() throws Exception {
    try (var subtask = open(null)) {
      command(subtask, FOUR);
      command(subtask, FOUR.deploy(FakeModels.BROKEN, Step.ALWAYS));
      process(subtask, 100);
      assertThat(states(2)).containsExactly(RolloutState.REFUSED);
      say(subtask, RolloutState.READY, 1, "");
      subtask.endInput();
      assertThat(served(subtask)).containsExactly("100@4");
    }
  }

  @Test
  void aSecondChangeWaitsForTheFirst() throws Exception {
    RolloutPlan five = FOUR.deploy(5, 200);
    try (var subtask = open(null)) {
      command(subtask, FOUR);
      command(subtask, five);
      process(subtask, 100, 200);
      say(subtask, RolloutState.READY, 1, "");
      say(subtask, RolloutState.READY, 2, "");
      while (states(2).isEmpty()) {
        subtask.getTaskMailbox().take(0).run();
      }
      process(subtask, 150, 201);
      subtask.endInput();
      // Of the rows that waited for the first change, 200 was scored before the second was heard.
      assertThat(states(2)).startsWith(RolloutState.REFUSED);
      assertThat(served(subtask)).containsExactly("100@4", "200@4", "150@4", "201@4");
    }
  }

  private static List<RolloutState> states(long revision) {
    return TOLD.stream()
        .filter(status -> status.getSubtask() == 0 && status.getRevision() == revision)
        .map(RolloutStatus::getState)
        .toList();
  }

  /** Gives a command and runs the task's mails until the subtask has said something of it. */
  private static void command(
      OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> subtask, RolloutPlan plan)
      throws Exception {
    newest = plan;
    plans.accept(plan);
    if (plan.timed() && states(plan.revision() - 1).equals(List.of(RolloutState.READY))) {
      return; // it waits
    }
    while (states(plan.revision()).isEmpty()) {
      subtask.getTaskMailbox().take(0).run();
    }
    runMails(subtask);
  }

  private static void say(
      OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> subtask,
      RolloutState state,
      long revision,
      String detail)
      throws Exception {
    RolloutStatus other =
        RolloutStatus.newBuilder()
            .setPlan(List.of())
            .setModel("fake")
            .setJob(JOB.toString())
            .setSubtask(1)
            .setSubtasks(2)
            .setServing("")
            .setServingRevision(0)
            .setRevision(revision)
            .setState(state)
            .setDetail(detail)
            .setAt(Instant.EPOCH)
            .build();
    TOLD.add(other);
    statuses.accept(other);
    runMails(subtask);
  }

  private static void runMails(OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> subtask)
      throws Exception {
    while (subtask.getTaskMailbox().hasMail()) {
      subtask.getTaskMailbox().take(0).run();
    }
  }

  private OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> open(
      @Nullable OperatorSubtaskState state) throws Exception {
    OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> harness =
        new OneInputStreamOperatorTestHarness<>(
            new BatchingInferenceOperator(
                pipeline(), 1, 10, THREE, new FakeModels(), new Topics(), false),
            new MockEnvironmentBuilder()
                .setJobID(JOB)
                .setMaxParallelism(2)
                .setParallelism(2)
                .setSubtaskIndex(0)
                .build());
    harness.setup(new ScoredRowTypeInfo().createSerializer(new SerializerConfigImpl()));
    if (state != null) {
      harness.initializeState(state);
    }
    harness.open();
    runMails(harness);
    return harness;
  }

  private PipelineDefinition pipeline() throws Exception {
    Files.writeString(
        directory.resolve("event.avsc"),
        """
        {"type": "record", "name": "Event", "fields": [
          {"name": "id", "type": "string"},
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "x", "type": "double"}]}
        """);
    return PipelineFile.read(
        Files.writeString(
            directory.resolve("pipeline.yaml"),
            """
            pipeline: fake
            events: {topic: e, schema: event.avsc, id: id, time: at}
            features: {a: {value: x}, b: {value: x}}
            model: {name: fake}
            """));
  }

  private static void process(
      OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> subtask, long... times)
      throws Exception {
    for (long time : times) {
      FeatureRow row =
          new FeatureRow(
              Long.toString(time), time, new String[0], new double[] {1, 2}, new Object[0]);
      subtask.processElement(new StreamRecord<>(row, time));
    }
  }

  private static List<String> served(
      OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> subtask) {
    return subtask.extractOutputValues().stream()
        .map(row -> row.id + "@" + row.served.version())
        .toList();
  }

  private static List<Long> watermarks(
      OneInputStreamOperatorTestHarness<FeatureRow, ScoredRow> subtask) {
    List<Long> marks = new ArrayList<>();
    for (Object element : subtask.getOutput()) {
      if (element instanceof Watermark mark) {
        marks.add(mark.getTimestamp());
      }
    }
    return marks;
  }
}
