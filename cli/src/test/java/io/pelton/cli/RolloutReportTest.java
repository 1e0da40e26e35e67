package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.job.StatusTopic;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RolloutReportTest {
  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

  @Test
  void aShadowThatIsStoppedIsInTheStatus() {
    assertThat(status("shadow next fraud@4 is stopped: 10 batches in a row failed"))
        .endsWith(
            "job one subtask 1 at 2026-03-01T12:00:00Z: shadow next fraud@4 is stopped: 10 batches in a row failed\n");
    assertThat(status("")).endsWith("champion @1\n");
  }

  private static String status(String detail) {
    RolloutStatus status =
        RolloutRecord.serving(
                RolloutStatus.newBuilder()
                    .setModel("fraud")
                    .setJob("one")
                    .setSubtask(0)
                    .setSubtasks(1)
                    .setAt(NOW)
                    .setRevision(0)
                    .setState(RolloutState.SERVING)
                    .setDetail(detail),
                RolloutPlan.of("fraud", 1))
            .build();
    StringWriter text = new StringWriter();
    new RolloutReport("fraud", new PrintWriter(text))
        .status(Optional.empty(), List.of(new StatusTopic.Word(status, null, NOW)), NOW);
    return text.toString();
  }
}
