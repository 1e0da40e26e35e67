package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.job.StatusTopic;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class AnswersTest {
  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

  @Test
  void aJobServesWhenAllItsSubtasksDo() {
    StatusTopic.Word first = serving("a", 0, 7);
    assertThat(answers(first, serving("a", 1, 6)).complete()).isFalse();
    assertThat(answers(first).complete()).as("one of two was never heard of").isFalse();
    assertThat(answers(first).words()).containsExactly("job a no answer from 1 of its 2 subtasks");

    Answers all = answers(first, serving("a", 1, 7));
    assertThat(all.complete()).isTrue();
    assertThat(all.served()).isTrue();
    assertThat(all.words()).containsExactly("job a serving, in its 2 subtasks");
  }

  @Test
  void ofNoJobThereIsNothingToServe() {
    assertThat(answers().complete()).isFalse();
    assertThat(answers().served()).isFalse();
  }

  @Test
  void jobsThatEndedOrFellSilentAreNotWaitedFor() {
    StatusTopic.Word silent = serving("b", 0, 6);
    StatusTopic.Word longAgo =
        new StatusTopic.Word(silent.status(), null, NOW.minus(StatusTopic.SILENCE));
    StatusTopic.Word ended = serving("c", 0, 6);
    ended.status().setEnded(true);

    Answers answers = answers(serving("a", 0, 7), serving("a", 1, 7), longAgo, ended);
    assertThat(answers.complete()).isTrue();
    assertThat(answers.jobs()).hasSize(1);
    assertThat(answers(serving("a", 0, 7), serving("a", 1, 7), silent).complete()).isFalse();
  }

  @Test
  void oneRefusalIsEnough() {
    Answers answers =
        answers(serving("a", 0, 7), serving("a", 1, 7), refused("b", 0), refused("b", 1));
    assertThat(answers.complete()).isTrue();
    assertThat(answers.refused()).isTrue();
    assertThat(answers.served()).isFalse();
    assertThat(answers.words())
        .containsExactly("job a serving, in its 2 subtasks", "job b refused: it is corrupt");
  }

  @Test
  void aNewerRevisionIsAnAnswerButNotServing() {
    Answers answers = answers(serving("a", 0, 8), serving("a", 1, 7));
    assertThat(answers.complete()).isTrue();
    assertThat(answers.served()).isFalse();
    assertThat(answers.words()).containsExactly("job a has gone on to revision 8");
  }

  private static Answers answers(StatusTopic.Word... words) {
    return Answers.of(7, List.of(words), NOW);
  }

  private static StatusTopic.Word serving(String job, int subtask, long revision) {
    return word(job, subtask, revision, revision, "");
  }

  private static StatusTopic.Word refused(String job, int subtask) {
    return word(job, subtask, 7, 6, "it is corrupt");
  }

  private static StatusTopic.Word word(
      String job, int subtask, long about, long serving, String refused) {
    RolloutStatus status =
        RolloutRecord.serving(
                RolloutStatus.newBuilder()
                    .setModel("fraud")
                    .setJob(job)
                    .setSubtask(subtask)
                    .setSubtasks(2)
                    .setAt(NOW)
                    .setRevision(about)
                    .setState(refused.isEmpty() ? RolloutState.SERVING : RolloutState.REFUSED)
                    .setDetail(refused),
                RolloutPlan.of("fraud", 1).withRevision(serving))
            .build();
    return new StatusTopic.Word(status, refused.isEmpty() ? null : status, NOW);
  }
}
