package io.pelton.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.schemas.AlertState;
import io.pelton.schemas.DriftAlert;
import io.pelton.schemas.DriftReport;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DemoVerdictTest {
  private static final Instant SHIFT = Instant.parse("2026-01-15T00:00:00Z");
  private static final Map<String, Object> COUNTS =
      Map.of(
          "feature.in",
          15L,
          "feature.out",
          4L,
          "feature.late",
          0L,
          "feature.dead",
          1L,
          "feature.history",
          10L);
  private static final List<DriftAlert> ALERTS =
      List.of(alert("amount", SHIFT.plusSeconds(60)), alert("score", SHIFT.plusSeconds(60)));

  private static DriftAlert alert(String feature, Instant since) {
    DriftAlert alert = new DriftAlert();
    alert.setFeature(feature);
    alert.setState(AlertState.OPENED);
    alert.setSince(since);
    return alert;
  }

  private static DemoTally tally(int predictions, long repeated, List<DriftAlert> alerts) {
    Map<String, Double> scores = new HashMap<>();
    for (int i = 0; i < predictions; i++) {
      scores.put("event-" + i, 0.5);
    }
    return new DemoTally(
        predictions + repeated,
        scores,
        repeated,
        0,
        1,
        0,
        List.of(),
        List.of(new DriftReport()),
        alerts);
  }

  private static List<String> broken(long sent, DemoTally champion, DemoTally challenger) {
    return DemoVerdict.broken(COUNTS, sent, 10, champion, challenger, SHIFT);
  }

  private static final DemoTally GOOD = tally(4, 0, ALERTS);

  @Test
  void saysNothingWhenAllAddsUp() {
    assertThat(broken(5, GOOD, GOOD)).isEmpty();
  }

  @Test
  void missesAnEventThatTheJobNeverRead() {
    assertThat(broken(6, GOOD, GOOD))
        .containsExactly(
            "6 events were sent and 10 were history, but the job read 15",
            "6 events were sent, but there are 4 predictions, 0 late events and 1 dead letters");
  }

  @Test
  void missesAPredictionThatIsNotOnTheTopic() {
    assertThat(broken(5, tally(3, 0, ALERTS), GOOD))
        .contains("the challenger made 4 predictions, the champion 3")
        .anyMatch(problem -> problem.startsWith("5 events were sent, but there are 3 predictions"));
  }

  @Test
  void namesDoubledPredictionsThoughTheirNumberFits() {
    assertThat(broken(5, tally(3, 1, ALERTS), GOOD))
        .containsExactly("1 events have more than one prediction");
  }

  @Test
  void wantsTheShiftSeenInTheAmountsAndNotBefore() {
    assertThat(broken(5, tally(4, 0, ALERTS.subList(1, 2)), GOOD))
        .containsExactly("amounts rose on 2026-01-15T00:00:00Z, but no alert says so");
    DriftAlert early = alert("amount", SHIFT.minusSeconds(1));
    assertThat(broken(5, tally(4, 0, List.of(early)), GOOD))
        .containsExactly("an alert is older than the shift on 2026-01-15T00:00:00Z");
  }

  @Test
  void namesCountersThatDoNotAddUp() {
    Map<String, Object> counts = new HashMap<>(COUNTS);
    counts.put("feature.late", 1L);
    assertThat(DemoVerdict.broken(counts, 5, 10, GOOD, GOOD, SHIFT))
        .anyMatch(problem -> problem.startsWith("feature.in 15 is not"));
  }
}
