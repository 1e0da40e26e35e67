package io.pelton.cli;

import io.pelton.job.JobMetric;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Checks that every record that came in is in exactly one output, from a job's accumulators. */
final class Account {

  private Account() {}

  /** A counter's value; 0 for one that the job does not have. */
  static long count(Map<String, Object> counts, String name) {
    Object value = counts.get(name);
    return value instanceof Long number ? number : 0;
  }

  static long count(Map<String, Object> counts, JobMetric account) {
    return count(counts, account.id());
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
        JobMetric.FEATURE_IN,
        JobMetric.FEATURE_OUT,
        JobMetric.FEATURE_LATE,
        JobMetric.FEATURE_LATE_ROWS,
        JobMetric.FEATURE_DEAD,
        JobMetric.FEATURE_DEAD_JOINED,
        JobMetric.FEATURE_DUPLICATES,
        JobMetric.FEATURE_DEAD_ROWS,
        JobMetric.FEATURE_HISTORY);
    if (counts.containsKey(JobMetric.FEATURE_OUTCOMES_IN.id())) {
      balance(
          counts,
          broken,
          JobMetric.FEATURE_OUTCOMES_IN,
          JobMetric.FEATURE_OUTCOMES_USED,
          JobMetric.FEATURE_OUTCOMES_REPEATED,
          JobMetric.FEATURE_OUTCOMES_UNMATCHED,
          JobMetric.FEATURE_OUTCOMES_LATE,
          JobMetric.FEATURE_OUTCOMES_DEAD);
    }
    if (counts.containsKey(JobMetric.INFERENCE_IN.id())) {
      balance(
          counts,
          broken,
          JobMetric.INFERENCE_IN,
          JobMetric.INFERENCE_OUT,
          JobMetric.INFERENCE_DEAD);
      if (counts.containsKey(JobMetric.FEATURE_OUT.id())) {
        balance(counts, broken, JobMetric.FEATURE_OUT, JobMetric.INFERENCE_IN);
      }
    }
    if (counts.containsKey(JobMetric.DRIFT_IN.id())) {
      balance(
          counts,
          broken,
          JobMetric.DRIFT_IN,
          JobMetric.DRIFT_COUNTED,
          JobMetric.DRIFT_LATE,
          JobMetric.DRIFT_DEAD,
          JobMetric.DRIFT_DECLARED);
      if (counts.containsKey(JobMetric.INFERENCE_OUT.id())) {
        balance(counts, broken, JobMetric.INFERENCE_OUT, JobMetric.DRIFT_IN);
      }
    }
    if (counts.containsKey(JobMetric.PERFORMANCE_IN.id())) {
      balance(
          counts,
          broken,
          JobMetric.PERFORMANCE_IN,
          JobMetric.PERFORMANCE_COUNTED,
          JobMetric.PERFORMANCE_REPEATED,
          JobMetric.PERFORMANCE_LATE,
          JobMetric.PERFORMANCE_DECLARED,
          JobMetric.PERFORMANCE_UNSCORED);
      balance(
          counts,
          broken,
          JobMetric.PERFORMANCE_OUTCOMES_IN,
          JobMetric.PERFORMANCE_OUTCOMES_JOINED,
          JobMetric.PERFORMANCE_OUTCOMES_UNMATCHED,
          JobMetric.PERFORMANCE_OUTCOMES_REPEATED);
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
      Map<String, Object> counts, List<String> broken, JobMetric whole, JobMetric... parts) {
    long sum = 0;
    List<String> terms = new ArrayList<>();
    for (JobMetric part : parts) {
      sum += count(counts, part);
      terms.add(part.id() + " " + count(counts, part));
    }
    if (sum != count(counts, whole)) {
      broken.add(whole.id() + " " + count(counts, whole) + " is not " + String.join(" + ", terms));
    }
  }
}
