package io.pelton.cli;

import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.feature.EntityPlan;
import io.pelton.feature.FeaturePlan;
import io.pelton.feature.job.EntityOperator;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineSummary;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.flink.runtime.checkpoint.Checkpoints;
import org.apache.flink.runtime.checkpoint.OperatorState;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.runtime.state.IncrementalKeyedStateHandle;
import org.apache.flink.runtime.state.KeyGroupsStateHandle;
import org.apache.flink.runtime.state.KeyedStateHandle;
import org.apache.flink.runtime.state.SavepointKeyedStateHandle;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamGraphHasherV2;
import org.jspecify.annotations.Nullable;

/**
 * What a job has to know of a checkpoint before it goes on from it. Flink finds out too, but names
 * the first operator without a use by its hash only, and starts a job on the wrong state backend
 * again and again.
 *
 * @param leftover the names of operators that the job does not have, and that hold state
 * @param backend the only state backend that reads the state of the job's operators; null where any
 *     does, as a canonical savepoint's
 */
record SavedState(List<String> leftover, EmbeddedFlink.@Nullable State backend) {
  /**
   * @param checkpoint a directory with a {@code _metadata} file
   * @throws IOException when that cannot be read
   */
  static SavedState of(Path checkpoint, StreamGraph graph) throws IOException {
    Set<OperatorID> operators =
        new StreamGraphHasherV2()
            .traverseStreamGraphAndGenerateHashes(graph).values().stream()
                .map(OperatorID::new)
                .collect(Collectors.toSet());
    Collection<OperatorState> states = states(checkpoint);
    List<String> leftover =
        states.stream()
            .filter(state -> !operators.contains(state.getOperatorID()) && holds(state))
            .map(state -> state.getOperatorName().orElse(state.getOperatorID().toString()))
            .sorted()
            .toList();
    for (OperatorState state : states) {
      if (operators.contains(state.getOperatorID())) {
        for (OperatorSubtaskState subtask : state.getStates()) {
          for (KeyedStateHandle handle : subtask.getManagedKeyedState()) {
            EmbeddedFlink.State backend = backend(handle);
            if (backend != null) {
              return new SavedState(leftover, backend); // a job has one backend
            }
          }
        }
      }
    }
    return new SavedState(leftover, null);
  }

  /**
   * Of entities whose histories are among the leftover: what they kept there, and what they keep by
   * a pipeline file, one clause each.
   */
  List<String> changes(PipelineDefinition pipeline) {
    Map<String, List<Long>> kept = new LinkedHashMap<>();
    for (String name : leftover) {
      EntityOperator.named(name)
          .ifPresent(
              operator ->
                  kept.computeIfAbsent(operator.entity(), unused -> new ArrayList<>())
                      .add(operator.tile()));
    }
    List<EntityPlan> plans = new FeaturePlan(pipeline).entities();
    List<String> changes = new ArrayList<>();
    kept.forEach(
        (entity, tiles) -> {
          List<Long> now =
              plans.stream()
                  .filter(plan -> plan.entity().equals(entity))
                  .map(EntityPlan::tile)
                  .toList();
          changes.add(
              "entity %s kept %s there, and now %s"
                  .formatted(
                      entity,
                      described(tiles),
                      now.isEmpty()
                          ? "has no windowed feature"
                          : "keeps " + described(now) + resolution(pipeline, entity)));
        });
    return changes;
  }

  private static String described(List<Long> tiles) {
    return tiles.contains(0L)
        ? "every event"
        : "tiles of "
            + tiles.stream()
                .sorted()
                .map(PipelineSummary::duration)
                .collect(Collectors.joining(" and "));
  }

  private static String resolution(PipelineDefinition pipeline, String entity) {
    long resolution =
        pipeline.entities().stream()
            .filter(declared -> declared.name().equals(entity))
            .mapToLong(PipelineDefinition.Entity::resolution)
            .sum();
    return resolution == 0
        ? ", without a resolution"
        : ", with resolution: " + PipelineSummary.duration(resolution);
  }

  private static EmbeddedFlink.@Nullable State backend(KeyedStateHandle handle) {
    if (handle instanceof SavepointKeyedStateHandle) {
      return null;
    }
    if (handle instanceof IncrementalKeyedStateHandle) {
      return EmbeddedFlink.State.ROCKSDB;
    }
    return handle instanceof KeyGroupsStateHandle ? EmbeddedFlink.State.HEAP : null;
  }

  private static Collection<OperatorState> states(Path checkpoint) throws IOException {
    try (DataInputStream in =
        new DataInputStream(
            new BufferedInputStream(Files.newInputStream(checkpoint.resolve("_metadata"))))) {
      return Checkpoints.loadCheckpointMetadata(
              in, SavedState.class.getClassLoader(), checkpoint.toUri().toString())
          .getOperatorStates();
    }
  }

  private static boolean holds(OperatorState state) {
    return state.getCoordinatorState() != null
        || state.getStates().stream().anyMatch(OperatorSubtaskState::hasState);
  }
}
