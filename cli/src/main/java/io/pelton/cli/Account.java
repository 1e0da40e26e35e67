package io.pelton.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Checks that every record that came in is in exactly one output, from a job's accumulators. */
final class Account {
  static final String EVENTS_IN = "feature.in";
  static final String DEFAULTED = "feature.defaulted";
  static final String ROWS_DEFAULTED = "feature.defaulted_rows";
  static final String LIKE_SECONDS = "feature.time_like_seconds";
  static final String OUTCOMES_IN = "feature.outcomes_in";
  static final String OUTCOMES_USED = "feature.outcomes_used";
  static final String OUTCOMES_REPEATED = "feature.outcomes_repeated";
  static final String OUTCOMES_UNMATCHED = "feature.outcomes_unmatched";
  static final String OUTCOMES_LATE = "feature.outcomes_late";
  static final String OUTCOMES_DEAD = "feature.outcomes_dead";

  private Account() {}

  /** A counter's value; 0 for one that the job does not have. */
  static long count(Map<String, Object> counts, String name) {
    Object value = counts.get(name);
    return value instanceof Long number ? number : 0;
  }

  /**
   * What does not add up, one sentence each.
   *
   * @param counts a finished job's accumulators
   */
  static List<String> broken(Map<String, Object> counts) {
    List<String> broken = new ArrayList<>();
    balance(
        counts,
        broken,
        EVENTS_IN,
        "feature.out",
        "feature.late",
        "feature.late_rows",
        "feature.dead",
        "feature.dead_joined",
        "feature.duplicates",
        "feature.dead_rows",
        "feature.history");
    if (counts.containsKey(OUTCOMES_IN)) {
      balance(
          counts,
          broken,
          OUTCOMES_IN,
          OUTCOMES_USED,
          OUTCOMES_REPEATED,
          OUTCOMES_UNMATCHED,
          OUTCOMES_LATE,
          OUTCOMES_DEAD);
    }
    if (counts.containsKey("inference.in")) {
      balance(counts, broken, "inference.in", "inference.out", "inference.dead");
      if (counts.containsKey("feature.out")) {
        balance(counts, broken, "feature.out", "inference.in");
      }
    }
    if (counts.containsKey("drift.in")) {
      balance(
          counts,
          broken,
          "drift.in",
          "drift.counted",
          "drift.late",
          "drift.dead",
          "drift.declared");
      if (counts.containsKey("inference.out")) {
        balance(counts, broken, "inference.out", "drift.in");
      }
    }
    return broken;
  }

  /**
   * @throws IllegalStateException that names what does not add up
   */
  static void check(Map<String, Object> counts) {
    List<String> broken = broken(counts);
    if (!broken.isEmpty()) {
      throw new IllegalStateException("records are unaccounted for: " + String.join("; ", broken));
    }
  }

  private static void balance(
      Map<String, Object> counts, List<String> broken, String whole, String... parts) {
    long sum = 0;
    List<String> terms = new ArrayList<>();
    for (String part : parts) {
      sum += count(counts, part);
      terms.add(part + " " + count(counts, part));
    }
    if (sum != count(counts, whole)) {
      broken.add(whole + " " + count(counts, whole) + " is not " + String.join(" + ", terms));
    }
  }
}
