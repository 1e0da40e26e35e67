package io.pelton.cli;

import io.pelton.job.StatusTopic;
import io.pelton.schemas.RolloutStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What became of a revision of a plan in the jobs that run.
 *
 * @param jobs those with a subtask that runs
 */
record Answers(long revision, List<OfJob> jobs) {
  /**
   * One job's.
   *
   * @param subtasks as many as should answer
   * @param answered subtasks that did
   * @param serving subtasks that serve the revision
   * @param reasons why subtasks refused it
   * @param overtaken revisions that came on top before this one was served
   */
  record OfJob(
      String job,
      int subtasks,
      int answered,
      int serving,
      Set<String> reasons,
      Set<Long> overtaken) {
    private boolean refused() {
      return !reasons.isEmpty();
    }

    private String words() {
      if (refused()) {
        return "refused: " + String.join("; ", reasons);
      }
      if (!overtaken.isEmpty()) {
        return "has gone on to revision " + Collections.max(overtaken);
      }
      String all = subtasks == 1 ? "its subtask" : "its " + subtasks + " subtasks";
      return serving == subtasks
          ? "serving, in " + all
          : "no answer from %d of %s".formatted(subtasks - serving, all);
    }
  }

  static Answers of(long revision, List<StatusTopic.Word> words, Instant now) {
    Map<String, List<StatusTopic.Word>> running = new LinkedHashMap<>();
    Map<String, Integer> ended = new LinkedHashMap<>();
    for (StatusTopic.Word word : words) {
      String job = word.status().getJob();
      if (word.alive(now)) {
        running.computeIfAbsent(job, one -> new ArrayList<>()).add(word);
      } else {
        ended.merge(job, 1, Integer::sum);
      }
    }
    List<OfJob> jobs = new ArrayList<>();
    running.forEach(
        (job, statuses) ->
            jobs.add(
                of(
                    revision,
                    job,
                    statuses,
                    statuses.get(0).status().getSubtasks() - ended.getOrDefault(job, 0))));
    return new Answers(revision, jobs);
  }

  private static OfJob of(long revision, String job, List<StatusTopic.Word> words, int subtasks) {
    int serving = 0;
    int answered = 0;
    Set<String> reasons = new LinkedHashSet<>();
    Set<Long> overtaken = new TreeSet<>();
    for (StatusTopic.Word word : words) {
      RolloutStatus status = word.status();
      RolloutStatus refusal = word.refusal();
      if (status.getServingRevision() == revision) {
        serving++;
      } else if (refusal != null && refusal.getRevision() == revision) {
        reasons.add(refusal.getDetail());
      } else if (Math.max(status.getRevision(), status.getServingRevision()) > revision) {
        overtaken.add(Math.max(status.getRevision(), status.getServingRevision()));
      } else {
        continue;
      }
      answered++;
    }
    return new OfJob(job, subtasks, answered, serving, reasons, overtaken);
  }

  /** Whether there is nothing to wait for: a job runs, and all subtasks have answered. */
  boolean complete() {
    return !jobs.isEmpty() && jobs.stream().allMatch(job -> job.answered() >= job.subtasks());
  }

  boolean refused() {
    return jobs.stream().anyMatch(OfJob::refused);
  }

  boolean served() {
    return !jobs.isEmpty() && jobs.stream().allMatch(job -> job.serving() >= job.subtasks());
  }

  /** A line a job. */
  List<String> words() {
    return jobs.stream().map(job -> "job " + job.job() + " " + job.words()).toList();
  }
}
