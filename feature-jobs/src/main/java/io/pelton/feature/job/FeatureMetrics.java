package io.pelton.feature.job;

/** Names of the feature job's metrics and accumulators. */
final class FeatureMetrics {
  /** Records read from the source. */
  static final String EVENTS_IN = "feature.in";

  /** Events later than the declared out-of-orderness. */
  static final String EVENTS_LATE = "feature.late";

  /** Records that became dead letters. */
  static final String EVENTS_DEAD = "feature.dead";

  /** Events that only filled the feature state. */
  static final String HISTORY = "feature.history";

  /** Rows with all their features. */
  static final String ROWS_OUT = "feature.out";

  /** Events already taken that should have come after one that came late; on arrival order only. */
  static final String OVERTAKEN = "feature.overtaken";

  /** Broken rules; in a group {@code rule} with the rule's name. */
  static final String BROKEN = "broken";

  /** Rows that wait for the watermark. */
  static final String WAITING = "waiting";

  /** Outcomes read from files. */
  static final String OUTCOMES_IN = "outcomes.in";

  /** Outcomes that became dead letters. */
  static final String OUTCOMES_DEAD = "outcomes.dead";

  /** Outcomes of events that are not in the training set. */
  static final String OUTCOMES_UNMATCHED = "outcomes.unmatched";

  /** Rows of a training set whose label is known. */
  static final String LABELLED = "training.labelled";

  /** Rows without a label though their time for outcomes has passed. */
  static final String UNLABELLED = "training.unlabelled";

  /** Rows that may still get an outcome. */
  static final String OPEN = "training.open";

  private FeatureMetrics() {}
}
