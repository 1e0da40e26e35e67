package io.pelton.cli;

import io.pelton.job.StatusTopic;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.schemas.ModelCommand;
import io.pelton.schemas.RolloutAudit;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is planned, what runs, and what was done, as tables. */
final class RolloutReport {
  private final String model;
  private final PrintWriter out;

  RolloutReport(String model, PrintWriter out) {
    this.model = model;
    this.out = out;
  }

  /** The newest plan, and what each subtask that runs serves. */
  void status(Optional<ModelCommand> newest, List<StatusTopic.Word> words, Instant now) {
    if (newest.isEmpty()) {
      out.printf("%s: no command yet; jobs serve the champion%n", model);
    } else {
      RolloutPlan plan = RolloutRecord.plan(newest.get());
      out.printf(
          "%s revision %d, %s by %s: %s%n",
          model,
          plan.revision(),
          seconds(newest.get().getIssuedAt()),
          newest.get().getIssuedBy(),
          plan.words());
      if (plan.previous() != null) {
        out.printf("a rollback returns to: %s%n", plan.previous().words());
      }
    }
    List<StatusTopic.Word> running = words.stream().filter(word -> word.alive(now)).toList();
    out.println();
    if (running.isEmpty()) {
      out.printf(
          "no job that serves %s and follows commands runs: none said so within %d s%n",
          model, StatusTopic.SILENCE.toSeconds());
    } else {
      running(running);
    }
    gone(words.stream().filter(word -> !word.alive(now)).toList(), running, now);
    out.flush();
  }

  private void running(List<StatusTopic.Word> running) {
    List<String[]> table = new ArrayList<>();
    table.add(new String[] {"JOB", "SUBTASK", "REVISION", "SINCE", "SERVES"});
    for (StatusTopic.Word word : running) {
      RolloutStatus status = word.status();
      table.add(
          new String[] {
            status.getJob(),
            "%d of %d".formatted(status.getSubtask() + 1, status.getSubtasks()),
            String.valueOf(status.getServingRevision()),
            status.getRevision() == status.getServingRevision() ? seconds(status.getAt()) : "",
            status.getServing()
          });
    }
    TextTable.print(out, table);
    for (StatusTopic.Word word : running) {
      RolloutStatus status = word.refusal();
      if (status != null) {
        out.printf(
            "job %s subtask %d refused revision %d at %s: %s%n",
            status.getJob(),
            status.getSubtask() + 1,
            status.getRevision(),
            seconds(status.getAt()),
            status.getDetail());
      }
      RolloutStatus now = word.status();
      if (now.getState() == RolloutState.SERVING && !now.getDetail().isEmpty()) {
        out.printf(
            "job %s subtask %d at %s: %s%n",
            now.getJob(), now.getSubtask() + 1, seconds(now.getAt()), now.getDetail());
      }
    }
  }

  private void gone(List<StatusTopic.Word> gone, List<StatusTopic.Word> running, Instant now) {
    Map<String, StatusTopic.Word> last = new LinkedHashMap<>();
    gone.forEach(
        word ->
            last.merge(
                word.status().getJob(), word, (a, b) -> a.heard().isAfter(b.heard()) ? a : b));
    running.forEach(word -> last.remove(word.status().getJob()));
    if (!last.isEmpty()) {
      out.println();
    }
    last.forEach(
        (job, word) ->
            out.printf(
                "job %s %s %s ago; it served revision %d: %s%n",
                job,
                word.status().getEnded() ? "ended" : "was heard of last",
                ago(Duration.between(word.heard(), now)),
                word.status().getServingRevision(),
                word.status().getServing()));
  }

  /** What was commanded, and what became of it, oldest first. */
  void history(List<RolloutAudit> records) {
    if (records.isEmpty()) {
      out.printf("%s: no command yet%n", model);
      out.flush();
      return;
    }
    List<String[]> table = new ArrayList<>();
    table.add(new String[] {"AT", "REVISION", "WHAT", "BY", ""});
    for (RolloutAudit record : records) {
      table.add(
          new String[] {
            seconds(record.getAt()),
            String.valueOf(record.getRevision()),
            switch (record.getKind()) {
              case COMMANDED -> "commanded";
              case SERVED -> "served";
              case REFUSED -> "refused";
              case UNANSWERED -> "unanswered";
              case ALIAS_MOVED -> "alias moved";
            },
            by(record),
            switch (record.getKind()) {
              case COMMANDED ->
                  "%s: %s → %s"
                      .formatted(record.getCommand(), record.getBefore(), record.getAfter());
              case SERVED -> record.getAfter();
              case REFUSED -> record.getDetail() + "; " + record.getAfter() + " stays";
              case UNANSWERED -> record.getDetail();
              case ALIAS_MOVED -> record.getBefore() + " → " + record.getAfter();
            }
          });
    }
    TextTable.print(out, table);
    out.flush();
  }

  private static String by(RolloutAudit record) {
    if (record.getJob() != null && record.getSubtask() != null) {
      return "job %s subtask %d".formatted(record.getJob(), record.getSubtask() + 1);
    }
    return record.getBy() == null ? "" : record.getBy();
  }

  private static String seconds(Instant instant) {
    return instant.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private static String ago(Duration duration) {
    if (duration.toHours() >= 48) {
      return duration.toDays() + " days";
    }
    if (duration.toMinutes() >= 120) {
      return duration.toHours() + " hours";
    }
    return duration.toSeconds() >= 120
        ? duration.toMinutes() + " minutes"
        : duration.toSeconds() + " s";
  }
}
