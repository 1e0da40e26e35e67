package io.pelton.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class DelayedSplitTest {
  private static final DelayedSplit SPLIT =
      new DelayedSplit(Instant.parse("2018-07-01T00:00:00Z"), 2, 3, 2);

  private final List<String> ids = new ArrayList<>();
  private final List<String> cards = new ArrayList<>();
  private final List<Long> times = new ArrayList<>();
  private final List<Double> labels = new ArrayList<>();

  private void payment(String id, String time, String card, int fraud) {
    ids.add(id);
    times.add(Instant.parse(time).toEpochMilli());
    cards.add(card);
    labels.add((double) fraud);
  }

  private TrainingSet set(List<String> entities) {
    return new TrainingSet(
        List.of("amount"),
        ids,
        times.stream().mapToLong(Long::longValue).toArray(),
        entities,
        new double[ids.size()][1],
        labels.stream().mapToDouble(Double::doubleValue).toArray());
  }

  @Test
  void trainsWaitsAndTests() {
    payment("before", "2018-06-30T23:59:59Z", "a", 0);
    payment("train", "2018-07-01T00:00:00Z", "a", 0);
    payment("train too", "2018-07-02T23:59:59Z", "a", 0);
    payment("wait", "2018-07-03T00:00:00Z", "a", 0);
    payment("wait too", "2018-07-05T23:59:59Z", "a", 0);
    payment("test", "2018-07-06T00:00:00Z", "a", 0);
    payment("test too", "2018-07-07T23:59:59Z", "a", 0);
    payment("after", "2018-07-08T00:00:00Z", "a", 0);

    var sets = SPLIT.of(set(cards));

    assertThat(sets.train().ids()).containsExactly("train", "train too");
    assertThat(sets.test().ids()).containsExactly("test", "test too");
  }

  @Test
  void leavesOutWhoIsKnownOnTheDay() {
    payment("while training", "2018-07-02T10:00:00Z", "a", 1);
    payment("first day of waiting", "2018-07-03T10:00:00Z", "b", 1);
    payment("second day of waiting", "2018-07-04T10:00:00Z", "c", 1);
    payment("a 1", "2018-07-06T10:00:00Z", "a", 0);
    payment("b 1", "2018-07-06T10:00:00Z", "b", 0);
    payment("c 1", "2018-07-06T10:00:00Z", "c", 0);
    payment("b 2", "2018-07-07T10:00:00Z", "b", 0);
    payment("c 2", "2018-07-07T10:00:00Z", "c", 1);

    // On the second test day the first day of waiting is known, not the second.
    assertThat(SPLIT.of(set(cards)).test().ids()).containsExactly("b 1", "c 1", "c 2");
  }

  @Test
  void aFraudBeforeTrainingIsForgotten() {
    payment("long ago", "2018-06-01T10:00:00Z", "a", 1);
    payment("test", "2018-07-06T10:00:00Z", "a", 0);

    assertThat(SPLIT.of(set(cards)).test().ids()).containsExactly("test");
  }

  @Test
  void refusesWhatItCannotSplit() {
    assertThatThrownBy(() -> SPLIT.of(set(List.of())))
        .hasMessageContaining("the set has no entities");
    assertThatThrownBy(() -> new DelayedSplit(Instant.parse("2018-07-01T12:00:00Z"), 2, 3, 2))
        .hasMessageContaining("midnight UTC");
    assertThatThrownBy(() -> new DelayedSplit(Instant.parse("2018-07-01T00:00:00Z"), 2, -1, 2))
        .hasMessage("delayed split: delay days = -1: must be 0 or more");
  }
}
