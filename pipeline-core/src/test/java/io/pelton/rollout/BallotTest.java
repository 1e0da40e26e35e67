package io.pelton.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class BallotTest {
  private final Ballot ballot = new Ballot("job");

  private void say(RolloutState state, long revision, int subtask, int subtasks) {
    ballot.add(status("job", state, revision, subtask, subtasks));
  }

  private static RolloutStatus status(
      String job, RolloutState state, long revision, int subtask, int subtasks) {
    return RolloutStatus.newBuilder()
        .setModel("fraud")
        .setJob(job)
        .setSubtask(subtask)
        .setSubtasks(subtasks)
        .setAt(Instant.EPOCH)
        .setRevision(revision)
        .setState(state)
        .setServing("champion @1")
        .setServingRevision(1)
        .setDetail(state == RolloutState.REFUSED ? "is corrupt" : "")
        .build();
  }

  @Test
  void aRevisionIsTakenWhenAllSubtasksAreReady() {
    say(RolloutState.READY, 2, 0, 2);
    ballot.add(status("another job", RolloutState.READY, 2, 1, 2));
    say(RolloutState.READY, 3, 1, 2);
    assertThat(ballot.outcome(2)).isEqualTo(Ballot.Outcome.OPEN);

    say(RolloutState.READY, 2, 1, 2);
    assertThat(ballot.outcome(2)).isEqualTo(Ballot.Outcome.TAKEN);
    assertThat(ballot.outcome(3)).isEqualTo(Ballot.Outcome.OPEN);
  }

  @Test
  void oneThatRefusesRefusesForAll() {
    say(RolloutState.READY, 2, 0, 2);
    say(RolloutState.REFUSED, 2, 1, 2);
    say(RolloutState.READY, 2, 1, 2);
    assertThat(ballot.outcome(2)).isEqualTo(Ballot.Outcome.REFUSED);
    assertThat(ballot.reason(2)).isEqualTo("subtask 2 of 2: is corrupt");
  }

  @Test
  void theFirstWordCountsAndWhatIsDecidedStays() {
    say(RolloutState.READY, 2, 0, 2);
    say(RolloutState.REFUSED, 2, 0, 2);
    say(RolloutState.READY, 2, 1, 2);
    say(RolloutState.REFUSED, 2, 1, 2);
    assertThat(ballot.outcome(2)).isEqualTo(Ballot.Outcome.TAKEN);
  }

  @Test
  void aSubtaskThatHasEndedIsReadyUntilItIsHeardOfAgain() {
    say(RolloutState.ENDED, 1, 0, 2);
    say(RolloutState.READY, 2, 1, 2);
    assertThat(ballot.outcome(2)).isEqualTo(Ballot.Outcome.TAKEN);

    say(RolloutState.SERVING, 2, 0, 2);
    say(RolloutState.READY, 3, 1, 2);
    assertThat(ballot.outcome(3)).isEqualTo(Ballot.Outcome.OPEN);
    say(RolloutState.ENDED, 2, 0, 2);
    assertThat(ballot.outcome(3)).isEqualTo(Ballot.Outcome.TAKEN);
  }

  @Test
  void afterAChangeOfParallelismAllSayItAnew() {
    say(RolloutState.READY, 2, 0, 2);
    say(RolloutState.READY, 2, 1, 3);
    say(RolloutState.READY, 2, 2, 3);
    assertThat(ballot.outcome(2)).isEqualTo(Ballot.Outcome.OPEN);
    say(RolloutState.READY, 2, 0, 3);
    assertThat(ballot.outcome(2)).isEqualTo(Ballot.Outcome.TAKEN);
  }

  @Test
  void earlierRevisionsCanBeForgotten() {
    say(RolloutState.READY, 2, 0, 1);
    say(RolloutState.READY, 3, 0, 1);
    ballot.forget(3);
    assertThat(ballot.outcome(2)).isEqualTo(Ballot.Outcome.OPEN);
    assertThat(ballot.outcome(3)).isEqualTo(Ballot.Outcome.TAKEN);
  }
}
