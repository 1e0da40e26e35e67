package io.pelton.rollout;

import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Whether the plans of one model that begin at an event time take effect in a job: one does when
 * all subtasks have said that they are ready for it, and not at all when one refuses it. All who
 * read the same statuses in the same order come to the same, so nobody has to decide.
 *
 * <p>The first word of a subtask on a revision counts. One that has ended is ready for all. After a
 * change of parallelism the subtasks are others, and say so anew.
 */
public final class Ballot {
  /** What has become of a revision. */
  public enum Outcome {
    OPEN,
    TAKEN,
    REFUSED
  }

  private record Subtask(int index, int of) {}

  private static final class Revision {
    final Set<Subtask> ready = new HashSet<>();
    Outcome outcome = Outcome.OPEN;
    String reason = "";
  }

  private final String job;
  private final Set<Subtask> ended = new HashSet<>();
  private final Map<Long, Revision> revisions = new HashMap<>();

  /**
   * @param job Flink's id of the job, whose statuses count
   */
  public Ballot(String job) {
    this.job = job;
  }

  /** Takes the next status. */
  public void add(RolloutStatus status) {
    if (!status.getJob().equals(job)) {
      return;
    }
    Subtask subtask = new Subtask(status.getSubtask(), status.getSubtasks());
    if (status.getState() == RolloutState.ENDED) {
      ended.add(subtask);
      revisions.values().forEach(revision -> count(revision, subtask.of()));
      return;
    }
    ended.remove(subtask);
    Revision revision = revisions.computeIfAbsent(status.getRevision(), number -> new Revision());
    if (revision.outcome != Outcome.OPEN) {
      return;
    }
    if (status.getState() == RolloutState.READY) {
      revision.ready.add(subtask);
      count(revision, subtask.of());
    } else if (status.getState() == RolloutState.REFUSED && !revision.ready.contains(subtask)) {
      revision.outcome = Outcome.REFUSED;
      revision.reason =
          "subtask %d of %d: %s"
              .formatted(status.getSubtask() + 1, status.getSubtasks(), status.getDetail());
    }
  }

  private void count(Revision revision, int subtasks) {
    if (revision.outcome != Outcome.OPEN || revision.ready.isEmpty()) {
      return;
    }
    for (int i = 0; i < subtasks; i++) {
      Subtask subtask = new Subtask(i, subtasks);
      if (!revision.ready.contains(subtask) && !ended.contains(subtask)) {
        return;
      }
    }
    revision.outcome = Outcome.TAKEN;
  }

  public Outcome outcome(long revision) {
    Revision known = revisions.get(revision);
    return known == null ? Outcome.OPEN : known.outcome;
  }

  /** Who refused a revision and why; empty when nobody did. */
  public String reason(long revision) {
    Revision known = revisions.get(revision);
    return known == null ? "" : known.reason;
  }

  /** Forgets revisions before one. */
  public void forget(long before) {
    revisions.keySet().removeIf(revision -> revision < before);
  }
}
