package io.pelton.training;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;

/**
 * Training and test periods as they are in production, where outcomes come late: train, wait for
 * the outcomes, test. Left out of the test are entities already known to be compromised: those with
 * a positive while training and, for each test day, those whose positive has become known by then.
 * After Le Borgne et al., Fraud Detection Handbook (2022), chapter 5.
 *
 * @param trainFrom first training day, midnight UTC
 * @param delayDays days from the end of training to the first test day; outcomes are known this
 *     late
 */
public record DelayedSplit(Instant trainFrom, int trainDays, int delayDays, int testDays) {

  /** The two sets of a split. */
  public record Sets(TrainingSet train, TrainingSet test) {}

  /**
   * @throws IllegalArgumentException if a number of days is out of range or training does not start
   *     at a midnight
   */
  public DelayedSplit {
    require(
        trainFrom.equals(trainFrom.truncatedTo(ChronoUnit.DAYS)),
        "train from",
        trainFrom,
        "midnight UTC");
    require(trainDays >= 1, "train days", trainDays, "1 or more");
    require(delayDays >= 0, "delay days", delayDays, "0 or more");
    require(testDays >= 1, "test days", testDays, "1 or more");
  }

  private static void require(boolean holds, String name, Object value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          "delayed split: %s = %s: must be %s".formatted(name, value, rule));
    }
  }

  public Instant trainTo() {
    return trainFrom.plus(Duration.ofDays(trainDays));
  }

  public Instant testFrom() {
    return trainTo().plus(Duration.ofDays(delayDays));
  }

  public Instant testTo() {
    return testFrom().plus(Duration.ofDays(testDays));
  }

  /**
   * Splits a set.
   *
   * @param set rows with entities, from the first training day to the last test day, those between
   *     included: they tell who is known to be compromised
   */
  public Sets of(TrainingSet set) {
    if (set.entities().isEmpty()) {
      throw new IllegalArgumentException(
          "delayed split: the set has no entities; read them from a label file's column");
    }
    Map<String, Long> firstPositive = firstPositives(set);
    long delay = Duration.ofDays(delayDays).toMillis();
    long day = Duration.ofDays(1).toMillis();
    TrainingSet test =
        set.where(
            row -> {
              if (!isIn(set.times()[row], testFrom(), testTo())) {
                return false;
              }
              Long positive = firstPositive.get(set.entities().get(row));
              long startOfDay = set.times()[row] - Math.floorMod(set.times()[row], day);
              boolean known =
                  positive != null
                      && (positive < trainTo().toEpochMilli() || positive < startOfDay - delay);
              return !known;
            });
    return new Sets(set.between(trainFrom, trainTo()), test);
  }

  /** When each entity had its first positive, training included. */
  private Map<String, Long> firstPositives(TrainingSet set) {
    var first = new HashMap<String, Long>();
    for (int row = 0; row < set.size(); row++) {
      if (set.labels()[row] == 1 && isIn(set.times()[row], trainFrom, testTo())) {
        first.merge(set.entities().get(row), set.times()[row], Math::min);
      }
    }
    return first;
  }

  private static boolean isIn(long time, Instant from, Instant to) {
    return time >= from.toEpochMilli() && time < to.toEpochMilli();
  }
}
