package io.pelton.cli;

import io.pelton.job.JobMetric;
import io.pelton.schemas.AlertState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What must hold when the demo has ended. */
final class DemoVerdict {
  private DemoVerdict() {}

  /**
   * What does not hold, one sentence each.
   *
   * @param counts accumulators of the champion's job
   * @param sent events sent to the topic
   * @param historyEvents events that filled the windows before
   * @param shift when behaviour changed; null when nothing is known of it
   */
  static List<String> broken(
      Map<String, Object> counts,
      long sent,
      long historyEvents,
      DemoTally champion,
      DemoTally challenger,
      @Nullable Instant shift) {
    List<String> broken = new ArrayList<>(Account.broken(counts));
    require(
        broken,
        Account.count(counts, JobMetric.FEATURE_IN) == sent + historyEvents,
        "%,d events were sent and %,d were history, but the job read %,d",
        sent,
        historyEvents,
        Account.count(counts, JobMetric.FEATURE_IN));
    require(
        broken,
        champion.predictions() + champion.late() + champion.deadLetters() == sent,
        "%,d events were sent, but there are %,d predictions, %,d late events and %,d dead letters",
        sent,
        champion.predictions(),
        champion.late(),
        champion.deadLetters());
    require(
        broken,
        champion.repeated() == 0,
        "%,d events have more than one prediction",
        champion.repeated());
    require(
        broken,
        champion.features() == champion.predictions() + champion.deadRows(),
        "there are %,d feature rows, but %,d predictions and %,d that could not be scored",
        champion.features(),
        champion.predictions(),
        champion.deadRows());
    require(
        broken,
        challenger.predictions() == champion.predictions(),
        "the challenger made %,d predictions, the champion %,d",
        challenger.predictions(),
        champion.predictions());
    require(broken, !champion.reports().isEmpty(), "there is no drift report");
    if (shift != null) {
      checkShift(champion, shift, broken);
    }
    return broken;
  }

  /** The shift must be seen in what it changed, and not before it came. */
  private static void checkShift(DemoTally tally, Instant shift, List<String> broken) {
    require(
        broken,
        tally.alerts().stream()
            .anyMatch(
                alert ->
                    alert.getFeature().equals("amount") && alert.getState() == AlertState.OPENED),
        "amounts rose on %s, but no alert says so",
        shift);
    require(
        broken,
        tally.alerts().stream().noneMatch(alert -> alert.getSince().isBefore(shift)),
        "an alert is older than the shift on %s",
        shift);
  }

  private static void require(
      List<String> broken, boolean holds, String problem, Object... values) {
    if (!holds) {
      broken.add(problem.formatted(values));
    }
  }
}
