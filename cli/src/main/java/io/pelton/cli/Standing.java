package io.pelton.cli;

import io.pelton.job.StatusTopic;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.schemas.ModelCommand;
import io.pelton.schemas.RolloutStatus;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a change of a model's plan starts from.
 *
 * @param refused what a job says against the newest plan, where that is not the one served; null
 *     where nothing is said
 */
record Standing(RolloutPlan plan, @Nullable RolloutStatus refused) {
  /**
   * The newest plan. Where jobs refused it and nobody took it back, what they serve, under its
   * number.
   *
   * @param newest in the control topic
   * @param words of subtasks that run, or where none does, of those that did
   */
  static Standing of(ModelCommand newest, List<StatusTopic.Word> words, Instant now) {
    boolean running = words.stream().anyMatch(word -> word.alive(now));
    RolloutPlan plan = RolloutRecord.plan(newest);
    long highest = Math.max(plan.revision(), highest(words));
    RolloutStatus serving = null;
    RolloutStatus refused = null;
    for (StatusTopic.Word word : words) {
      RolloutStatus refusal = word.refusal();
      if (word.alive(now) == running
          && refusal != null
          && refusal.getRevision() == newest.getRevision()
          && (serving == null
              || serving.getServingRevision() < word.status().getServingRevision())) {
        serving = word.status();
        refused = refusal;
      }
    }
    return serving == null
        ? new Standing(plan.withRevision(highest), null)
        : new Standing(RolloutRecord.served(serving, plan.salt()).withRevision(highest), refused);
  }

  /** A number that jobs have heard of is not given again, even when the control topic was lost. */
  static long highest(List<StatusTopic.Word> words) {
    return words.stream()
        .map(StatusTopic.Word::status)
        .mapToLong(status -> Math.max(status.getRevision(), status.getServingRevision()))
        .max()
        .orElse(0);
  }
}
