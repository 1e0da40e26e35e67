package io.pelton.feature.job;

/** Names of the feature job's metrics and accumulators. */
final class FeatureMetrics {
  /** Records read from the source. */
  static final String EVENTS_IN = "feature.in";

  /** Events later than the declared out-of-orderness. */
  static final String EVENTS_LATE = "feature.late";

  /**
   * Events that were in time where they were read, but behind the watermark that went on without
   * their subtask of the source.
   */
  static final String ROWS_LATE = "feature.late_rows";

  /** Events early in 1970, whose time is plausible as epoch seconds but was read as millis. */
  static final String LIKE_SECONDS = "feature.time_like_seconds";

  /** Late events that entered a history, so that features of later events count them. */
  static final String LATE_INCLUDED = "feature.late_included";

  /** Records that became dead letters. */
  static final String EVENTS_DEAD = "feature.dead";

  /** Events that became dead letters because one of their id had been taken. */
  static final String DUPLICATES = "feature.duplicates";

  /** Late events that entered no history because one of their id had been taken. */
  static final String LATE_DUPLICATES = "feature.late_duplicates";

  /** Events that only filled the feature state. */
  static final String HISTORY = "feature.history";

  /** Rows with all their features. */
  static final String ROWS_OUT = "feature.out";

  /** Events already taken that should have come after one that came late; on arrival order only. */
  static final String OVERTAKEN = "feature.overtaken";

  /** Rows that became dead letters because a windowed feature was out of its bounds. */
  static final String ROWS_DEAD = "feature.dead_rows";

  /** Values of events and features that a default took the place of. */
  static final String DEFAULTED = "feature.defaulted";

  /** The same of rows whose windows are computed. */
  static final String ROWS_DEFAULTED = "feature.defaulted_rows";

  /** Group of the two counters that each rule, constraint and bound has, with its name. */
  static final String RULE = "rule";

  /** Events and rows that became dead letters by a rule. */
  static final String RULE_BROKEN = "broken";

  /** Values that broke a rule and that a default took the place of. */
  static final String RULE_DEFAULTED = "defaulted";

  /** Rows that wait for the watermark, or on arrival for history. */
  static final String WAITING = "waiting";

  /** Group with a feature's column as its name. */
  static final String FEATURE = "feature";

  /**
   * Event time from which a column is complete, epoch milliseconds, where it is not from the start.
   */
  static final String COMPLETE_FROM = "complete_from";

  /** Records read of topics with reference tables. */
  static final String TABLE_ROWS_IN = "feature.table_rows_in";

  /** Of these, those that became dead letters. */
  static final String TABLE_ROWS_DEAD = "feature.table_rows_dead";

  /** Of these, those that came after events that had been joined without them. */
  static final String TABLE_ROWS_LATE = "feature.table_rows_late";

  /** Whether a table's topic was read to the end that it had at the start: 1, else 0. */
  static final String TABLE_READ = "table_read";

  /** Events that became dead letters once they were joined with tables of topics. */
  static final String JOINED_DEAD = "feature.dead_joined";

  /** Values of such events that a default took the place of. */
  static final String JOINED_DEFAULTED = "feature.defaulted_joined";

  /** Outcomes read from files. */
  static final String OUTCOMES_IN = "outcomes.in";

  /** Outcomes that became dead letters. */
  static final String OUTCOMES_DEAD = "outcomes.dead";

  /** Outcomes of events that are not in the training set. */
  static final String OUTCOMES_UNMATCHED = "outcomes.unmatched";

  /** Outcomes read for the features that aggregate them. */
  static final String FEATURE_OUTCOMES_IN = "feature.outcomes_in";

  /** Of these, those that entered the histories of their event's entities. */
  static final String FEATURE_OUTCOMES_USED = "feature.outcomes_used";

  /** Of these, those without an event whose time for outcomes they fall into. */
  static final String FEATURE_OUTCOMES_UNMATCHED = "feature.outcomes_unmatched";

  /** Of these, those of events that had an earlier outcome. */
  static final String FEATURE_OUTCOMES_REPEATED = "feature.outcomes_repeated";

  /** Of these, those later than the declared out-of-orderness. */
  static final String FEATURE_OUTCOMES_LATE = "feature.outcomes_late";

  /** Of these, those that became dead letters. */
  static final String FEATURE_OUTCOMES_DEAD = "feature.outcomes_dead";

  /** Rows of a training set whose label is known. */
  static final String LABELLED = "training.labelled";

  /** Rows without a label though their time for outcomes has passed. */
  static final String UNLABELLED = "training.unlabelled";

  /** Rows that may still get an outcome. */
  static final String OPEN = "training.open";

  private FeatureMetrics() {}
}
