package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.cli.embedded.EmbeddedFlink.State;
import io.pelton.pipeline.PipelineFile;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SavedStateTest {
  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource(State.class)
  void aCheckpointIsOfItsBackendAndACanonicalSavepointOfNone(State backend) throws Exception {
    try (EmbeddedFlink flink = EmbeddedFlink.start(1, directory, backend, new Configuration())) {
      JobClient job = counting(flink, "count").executeAsync("count");
      awaitState(job);

      Path checkpoint =
          path(flink.cluster().triggerCheckpoint(job.getJobID()).get(30, TimeUnit.SECONDS));
      StreamGraph same = counting(flink, "count").getStreamGraph(false);
      assertThat(SavedState.of(checkpoint, same).backend()).isEqualTo(backend);
      assertThat(SavedState.of(checkpoint, same).leftover()).isEmpty();

      SavedState other =
          SavedState.of(checkpoint, counting(flink, "recount").getStreamGraph(false));
      assertThat(other.leftover()).containsExactly("count");
      assertThat(other.backend()).as("of the state that is used").isNull();

      Path savepoint =
          path(
              job.stopWithSavepoint(false, null, SavepointFormatType.CANONICAL)
                  .get(30, TimeUnit.SECONDS));
      assertThat(SavedState.of(savepoint, same).backend()).isNull();
      assertThat(SavedState.of(savepoint, same).leftover()).isEmpty();
    }
  }

  @Test
  void namesTheEntitiesWhoseTilesChangedWithWhatTheyKept() throws Exception {
    Path example = Path.of("../examples/card-fraud");
    Files.copy(example.resolve("transaction.avsc"), directory.resolve("transaction.avsc"));
    Path file = directory.resolve("pipeline.yaml");
    Files.writeString(
        file,
        """
        pipeline: p
        events: {topic: e, schema: transaction.avsc, id: transaction_id, time: event_time}
        entities:
          customer: customer_id
          terminal: {key: terminal_id, resolution: 5m}
          shop: terminal_id
        features:
          spent: {entity: customer, aggregate: sum(amount), windows: [1d]}
          taken: {entity: terminal, aggregate: sum(amount), windows: [1d, 30d]}
        """);
    SavedState saved =
        new SavedState(
            List.of(
                "deduplicate events",
                "features of customer tiles of 240000ms",
                "features of customer tiles of 60000ms",
                "features of shop",
                "features of terminal"),
            null);
    assertThat(saved.changes(PipelineFile.read(file)))
        .containsExactly(
            "entity customer kept tiles of 1m and 4m there, and now keeps every event, without a"
                + " resolution",
            "entity shop kept every event there, and now has no windowed feature",
            "entity terminal kept every event there, and now keeps tiles of 5m and 80m, with"
                + " resolution: 5m");
    assertThat(
            new SavedState(List.of("feature log: Committer"), null)
                .changes(PipelineFile.read(file)))
        .isEmpty();
  }

  private static Path path(String uri) {
    return Path.of(URI.create(uri));
  }

  private static StreamExecutionEnvironment counting(EmbeddedFlink flink, String uid) {
    StreamExecutionEnvironment environment = flink.environment(new Configuration());
    environment.enableCheckpointing(Duration.ofHours(1).toMillis());
    environment
        .fromSequence(1, Long.MAX_VALUE)
        .uid("numbers")
        .keyBy(number -> number % 7)
        .map(new Counting())
        .uid(uid)
        .name(uid)
        .sinkTo(new DiscardingSink<>())
        .uid("discard");
    return environment;
  }

  private static void awaitState(JobClient job) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (System.nanoTime() < deadline
        && !(job.getAccumulators().get().get("seen") instanceof Long seen && seen > 0)) {
      Thread.onSpinWait();
    }
  }

  /** Counts what passes, in state. */
  public static final class Counting extends RichMapFunction<Long, Long> {
    private static final ValueStateDescriptor<Long> COUNT =
        new ValueStateDescriptor<>("count", Types.LONG);

    private final LongCounter seen = new LongCounter();

    @Override
    public void open(OpenContext context) {
      getRuntimeContext().addAccumulator("seen", seen);
    }

    @Override
    public Long map(Long number) throws Exception {
      ValueState<Long> state = getRuntimeContext().getState(COUNT);
      Long before = state.value();
      long count = before == null ? 1 : before + 1;
      state.update(count);
      seen.add(1);
      return count;
    }
  }
}
