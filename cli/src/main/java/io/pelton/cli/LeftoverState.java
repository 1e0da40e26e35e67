package io.pelton.cli;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.flink.runtime.checkpoint.Checkpoints;
import org.apache.flink.runtime.checkpoint.OperatorState;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamGraphHasherV2;

/**
 * State in a checkpoint that a job has no operator for. Flink refuses it too, but names the first
 * such operator by its hash only, and an option of its own client.
 */
final class LeftoverState {
  private LeftoverState() {}

  /**
   * The names of operators whose state would be left over.
   *
   * @param checkpoint a directory with a {@code _metadata} file
   * @throws IOException when that cannot be read
   */
  static List<String> of(Path checkpoint, StreamGraph graph) throws IOException {
    Set<OperatorID> operators =
        new StreamGraphHasherV2()
            .traverseStreamGraphAndGenerateHashes(graph).values().stream()
                .map(OperatorID::new)
                .collect(Collectors.toSet());
    return states(checkpoint).stream()
        .filter(state -> !operators.contains(state.getOperatorID()) && holds(state))
        .map(
            state -> "\"" + state.getOperatorName().orElse(state.getOperatorID().toString()) + "\"")
        .sorted()
        .toList();
  }

  private static Collection<OperatorState> states(Path checkpoint) throws IOException {
    try (DataInputStream in =
        new DataInputStream(
            new BufferedInputStream(Files.newInputStream(checkpoint.resolve("_metadata"))))) {
      return Checkpoints.loadCheckpointMetadata(
              in, LeftoverState.class.getClassLoader(), checkpoint.toUri().toString())
          .getOperatorStates();
    }
  }

  private static boolean holds(OperatorState state) {
    return state.getCoordinatorState() != null
        || state.getStates().stream().anyMatch(OperatorSubtaskState::hasState);
  }
}
