package io.pelton.job;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Every metric of Pelton's jobs; there is no other. {@code docs/metrics.md} lists the same ones.
 *
 * <p>A segment of a name that is also the name of a tag is followed by the tag's value where names
 * are paths: {@code feature.rule.broken} of the rule {@code amount} is {@code
 * feature.rule.amount.broken}. Reporters with labels keep the name and take the tag as a label.
 */
public enum JobMetric {
  FEATURE_IN("feature.in", Kind.ACCOUNT, "records", "read from the source"),
  FEATURE_OUT("feature.out", Kind.ACCOUNT, "rows", "with all their features"),
  FEATURE_LATE(
      "feature.late", Kind.ACCOUNT, "events", "later than the declared `out-of-orderness`"),
  FEATURE_LATE_ROWS(
      "feature.late_rows",
      Kind.ACCOUNT,
      "events",
      "in time where they were read, but behind the watermark that went on without their subtask"
          + " of the source"),
  FEATURE_LATE_INCLUDED(
      "feature.late_included",
      Kind.ACCOUNT,
      "events",
      "of the late ones, those that entered a history, so that features of later events count"
          + " them"),
  FEATURE_DEAD(
      "feature.dead", Kind.ACCOUNT, "records", "that became dead letters when they were read"),
  FEATURE_DEAD_JOINED(
      "feature.dead_joined",
      Kind.ACCOUNT,
      "events",
      "that became dead letters once they were joined with tables of topics"),
  FEATURE_DEAD_ROWS(
      "feature.dead_rows",
      Kind.ACCOUNT,
      "rows",
      "that became dead letters because a windowed feature was out of its bounds"),
  FEATURE_DUPLICATES(
      "feature.duplicates",
      Kind.ACCOUNT,
      "events",
      "that became dead letters because one of their id had been taken"),
  FEATURE_LATE_DUPLICATES(
      "feature.late_duplicates",
      Kind.ACCOUNT,
      "events",
      "late ones that entered no history because one of their id had been taken"),
  FEATURE_HISTORY("feature.history", Kind.ACCOUNT, "events", "that only filled the feature state"),
  FEATURE_OVERTAKEN(
      "feature.overtaken",
      Kind.ACCOUNT,
      "events",
      "taken already that should have come after one that came late; on arrival order only"),
  FEATURE_DEFAULTED(
      "feature.defaulted", Kind.ACCOUNT, "values", "of events that a default took the place of"),
  FEATURE_DEFAULTED_JOINED(
      "feature.defaulted_joined",
      Kind.ACCOUNT,
      "values",
      "the same of events that were joined with tables of topics"),
  FEATURE_DEFAULTED_ROWS(
      "feature.defaulted_rows", Kind.ACCOUNT, "values", "the same of windowed features"),
  FEATURE_TIME_LIKE_SECONDS(
      "feature.time_like_seconds",
      Kind.ACCOUNT,
      "events",
      "early in 1970, whose time is plausible as epoch seconds but was read as milliseconds"),
  FEATURE_RULE_BROKEN(
      "feature.rule.broken",
      Kind.COUNTER,
      "dead letters",
      "by a rule, a constraint or a bound",
      "rule"),
  FEATURE_RULE_DEFAULTED(
      "feature.rule.defaulted",
      Kind.COUNTER,
      "values",
      "that broke a rule and that a default took the place of",
      "rule"),
  FEATURE_WAITING(
      "feature.waiting",
      Kind.GAUGE,
      "rows",
      "that wait for the watermark, or on arrival for history"),
  FEATURE_COLUMN_COMPLETE_FROM(
      "feature.column.complete_from",
      Kind.GAUGE,
      "epoch milliseconds",
      "event time from which a column is complete; of columns that are not from the start",
      "column"),
  FEATURE_TABLE_READ(
      "feature.table_read",
      Kind.GAUGE,
      "0 or 1",
      "1 when a table's topic was read to the end that it had at the start"),
  FEATURE_TABLE_ROWS_IN(
      "feature.table_rows_in", Kind.ACCOUNT, "records", "read of topics with reference tables"),
  FEATURE_TABLE_ROWS_DEAD(
      "feature.table_rows_dead", Kind.ACCOUNT, "records", "of these, dead letters"),
  FEATURE_TABLE_ROWS_LATE(
      "feature.table_rows_late",
      Kind.ACCOUNT,
      "records",
      "of these, those that came after events that had been joined without them"),
  FEATURE_OUTCOMES_IN(
      "feature.outcomes_in", Kind.ACCOUNT, "outcomes", "read for the features that aggregate them"),
  FEATURE_OUTCOMES_USED(
      "feature.outcomes_used",
      Kind.ACCOUNT,
      "outcomes",
      "of these, those that entered the histories of their event's entities"),
  FEATURE_OUTCOMES_UNMATCHED(
      "feature.outcomes_unmatched",
      Kind.ACCOUNT,
      "outcomes",
      "of these, those without an event whose time for outcomes they fall into"),
  FEATURE_OUTCOMES_REPEATED(
      "feature.outcomes_repeated",
      Kind.ACCOUNT,
      "outcomes",
      "of these, those of events that had an earlier outcome"),
  FEATURE_OUTCOMES_LATE(
      "feature.outcomes_late",
      Kind.ACCOUNT,
      "outcomes",
      "of these, those later than the declared `out-of-orderness`"),
  FEATURE_OUTCOMES_DEAD(
      "feature.outcomes_dead", Kind.ACCOUNT, "outcomes", "of these, dead letters"),

  INFERENCE_IN("inference.in", Kind.ACCOUNT, "rows", "whose batch was scored, or that died"),
  INFERENCE_OUT("inference.out", Kind.ACCOUNT, "rows", "scored"),
  INFERENCE_DEAD("inference.dead", Kind.ACCOUNT, "rows", "that became dead letters"),
  INFERENCE_HELD_ROWS(
      "inference.held_rows",
      Kind.GAUGE,
      "rows",
      "that wait while the subtasks agree on a change at an event time"),
  INFERENCE_HELD_MEMORY(
      "inference.memory_bytes",
      Kind.GAUGE,
      "bytes",
      "that all loaded versions are held to take, shadows too"),
  INFERENCE_UNHEARD(
      "inference.control_unheard_millis",
      Kind.GAUGE,
      "milliseconds",
      "since rollout commands were heard; 0 while they are"),
  SHADOW_ROWS(
      "inference.shadow.version.rows",
      Kind.COUNTER,
      "rows",
      "that the shadow scored",
      "shadow",
      "version"),
  SHADOW_ERRORS(
      "inference.shadow.version.errors",
      Kind.COUNTER,
      "rows",
      "that the shadow could not score",
      "shadow",
      "version"),
  SHADOW_DROPPED(
      "inference.shadow.version.dropped",
      Kind.COUNTER,
      "rows",
      "that the shadow had no room for",
      "shadow",
      "version"),
  SHADOW_WAITING(
      "inference.shadow.version.waiting",
      Kind.GAUGE,
      "rows",
      "that the shadow has not scored and written yet",
      "shadow",
      "version"),
  SHADOW_MEMORY(
      "inference.shadow.version.memory_bytes",
      Kind.GAUGE,
      "bytes",
      "that the shadow's own copy of the version is held to take",
      "shadow",
      "version"),
  INFERENCE_ROWS("inference.version.rows", Kind.COUNTER, "rows", "in scored batches", "version"),
  INFERENCE_BATCHES("inference.version.batches", Kind.COUNTER, "batches", "scored", "version"),
  INFERENCE_BATCH_SIZE(
      "inference.version.batch_size", Kind.SUMMARY, "rows", "of a batch", "version"),
  INFERENCE_QUEUE(
      "inference.version.queue_micros",
      Kind.TIMER,
      "microseconds",
      "from the arrival of a batch's first row to when it is scored",
      "version"),
  INFERENCE_COMPUTE(
      "inference.version.compute_micros",
      Kind.TIMER,
      "microseconds",
      "in the engine, with copies in and out; all attempts of a batch that fails",
      "version"),
  INFERENCE_TOTAL(
      "inference.version.total_micros",
      Kind.TIMER,
      "microseconds",
      "from the arrival of a batch's first row, which waits longest, to when its last prediction"
          + " is handed on",
      "version"),
  INFERENCE_FLUSHES(
      "inference.version.reason.flushes",
      Kind.COUNTER,
      "batches",
      "by what they were scored for: `size`, `delay`, `watermark`, `rollout`, `checkpoint`, `end`",
      "version",
      "reason"),
  INFERENCE_ERRORS(
      "inference.version.errors",
      Kind.COUNTER,
      "failures",
      "of the engine, for a batch or a part of it",
      "version"),
  INFERENCE_DEAD_LETTERS(
      "inference.version.dead_letters",
      Kind.COUNTER,
      "rows",
      "that the version could not score",
      "version"),
  INFERENCE_TIMEOUTS(
      "inference.version.timeouts",
      Kind.COUNTER,
      "batches",
      "that took longer than `model.timeout`",
      "version"),
  INFERENCE_FAILED_BATCHES(
      "inference.version.failed_batches",
      Kind.COUNTER,
      "batches",
      "that took too long, or of which the version could score nothing",
      "version"),
  INFERENCE_FALLBACKS(
      "inference.version.reason.fallbacks",
      Kind.COUNTER,
      "rows",
      "that were meant for the version and got its fallback's outputs, by why: `timeout`,"
          + " `breaker-open`, `failed`",
      "version",
      "reason"),
  INFERENCE_BREAKER(
      "inference.version.breaker_state",
      Kind.GAUGE,
      "0, 1 or 2",
      "0 closed, 1 half open, 2 open, also while a call that was given up has not ended",
      "version"),
  INFERENCE_LIVE_TENSORS(
      "inference.version.live_tensors",
      Kind.GAUGE,
      "tensors",
      "that hang on the model's memory; the same after every batch, or batches leak",
      "version"),
  INFERENCE_LOAD(
      "inference.version.load_millis",
      Kind.GAUGE,
      "milliseconds",
      "that loading took: copy, digests, golden rows and warm-up",
      "version"),
  INFERENCE_MEMORY(
      "inference.version.memory_bytes",
      Kind.GAUGE,
      "bytes",
      "that the version is held to take: as it states, or estimated from its artifact",
      "version"),
  INFERENCE_DEVICE(
      "inference.version.requested.actual.device",
      Kind.GAUGE,
      "0 or 1",
      "1 for the device that the pipeline asked for and the one that the version runs on",
      "version",
      "requested",
      "actual"),

  DRIFT_IN("drift.in", Kind.ACCOUNT, "rows", "that came in"),
  DRIFT_COUNTED("drift.counted", Kind.ACCOUNT, "rows", "counted in a window"),
  DRIFT_LATE("drift.late", Kind.ACCOUNT, "rows", "whose window was closed already"),
  DRIFT_DEAD("drift.dead", Kind.ACCOUNT, "rows", "of versions without a baseline"),
  DRIFT_DECLARED(
      "drift.declared", Kind.ACCOUNT, "rows", "with declared outputs, which are of no version"),
  DRIFT_WINDOWS_REPORTED(
      "drift.windows_reported",
      Kind.COUNTER,
      "windows",
      "reported, all features of a version together"),
  DRIFT_FEATURES_DRIFTED(
      "drift.features_drifted", Kind.COUNTER, "features", "whose window drifted"),
  DRIFT_ALERTS_OPENED("drift.alerts_opened", Kind.COUNTER, "alerts", "opened"),
  DRIFT_ALERTS_UPDATED("drift.alerts_updated", Kind.COUNTER, "alerts", "that became critical"),
  DRIFT_ALERTS_RESOLVED("drift.alerts_resolved", Kind.COUNTER, "alerts", "resolved"),
  DRIFT_WINDOWS_WITHOUT_REFERENCE(
      "drift.windows_without_reference",
      Kind.COUNTER,
      "windows",
      "of a feature that had too few rows before them to be compared with"),
  DRIFT_WINDOWS_HANDED_ON_EARLY(
      "drift.windows_handed_on_early",
      Kind.COUNTER,
      "windows",
      "handed on before they closed, to bound memory"),
  DRIFT_FEATURE_ROWS(
      "drift.version.variant.segment.feature.window.rows",
      Kind.GAUGE,
      "rows",
      "in the newest window",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_DRIFTED(
      "drift.version.variant.segment.feature.window.drifted",
      Kind.GAUGE,
      "0 or 1",
      "1 when the newest window drifted",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_PSI(
      "drift.version.variant.segment.feature.window.psi",
      Kind.GAUGE,
      "index",
      "population stability index, raw",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_PSI_ADJUSTED(
      "drift.version.variant.segment.feature.window.psi_adjusted",
      Kind.GAUGE,
      "index",
      "less its expectation under no drift",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_KS(
      "drift.version.variant.segment.feature.window.ks",
      Kind.GAUGE,
      "distance",
      "of Kolmogorov and Smirnov; of categories not a number",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_CRAMERS_V(
      "drift.version.variant.segment.feature.window.cramers_v",
      Kind.GAUGE,
      "effect",
      "of categories; of numbers not a number",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_JENSEN_SHANNON(
      "drift.version.variant.segment.feature.window.jensen_shannon",
      Kind.GAUGE,
      "distance",
      "base 2",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_WASSERSTEIN(
      "drift.version.variant.segment.feature.window.wasserstein",
      Kind.GAUGE,
      "standard deviations",
      "of the reference",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_P_VALUE(
      "drift.version.variant.segment.feature.window.p_value",
      Kind.GAUGE,
      "probability",
      "of such a difference without drift",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_Q_VALUE(
      "drift.version.variant.segment.feature.window.q_value",
      Kind.GAUGE,
      "probability",
      "the same, adjusted over all that was looked at",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_DESIGN_EFFECT(
      "drift.version.variant.segment.feature.window.design_effect",
      Kind.GAUGE,
      "factor",
      "by which rows say less than independent ones",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_MISSING_SHARE(
      "drift.version.variant.segment.feature.window.missing_share",
      Kind.GAUGE,
      "share",
      "of rows without a value",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_OUT_OF_RANGE_SHARE(
      "drift.version.variant.segment.feature.window.out_of_range_share",
      Kind.GAUGE,
      "share",
      "of rows outside of the reference's range",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),
  DRIFT_FEATURE_UNSEEN_SHARE(
      "drift.version.variant.segment.feature.window.unseen_share",
      Kind.GAUGE,
      "share",
      "of rows with a category that the reference lacks",
      "version",
      "variant",
      "segment",
      "feature",
      "window"),

  PERFORMANCE_IN("performance.in", Kind.ACCOUNT, "predictions", "that came in"),
  PERFORMANCE_COUNTED("performance.counted", Kind.ACCOUNT, "predictions", "counted in a window"),
  PERFORMANCE_REPEATED(
      "performance.repeated",
      Kind.ACCOUNT,
      "predictions",
      "of events of which another prediction was counted"),
  PERFORMANCE_LATE(
      "performance.late",
      Kind.ACCOUNT,
      "predictions",
      "that came when their window's time for outcomes was over"),
  PERFORMANCE_DECLARED(
      "performance.declared",
      Kind.ACCOUNT,
      "predictions",
      "with declared outputs, which are of no version"),
  PERFORMANCE_UNSCORED(
      "performance.unscored",
      Kind.ACCOUNT,
      "predictions",
      "whose first output is missing or infinite"),
  PERFORMANCE_OUTCOMES_IN(
      "performance.outcomes_in", Kind.ACCOUNT, "outcomes", "read to be joined with predictions"),
  PERFORMANCE_OUTCOMES_JOINED(
      "performance.outcomes_joined",
      Kind.ACCOUNT,
      "outcomes",
      "of these, those that tell what became of a prediction"),
  PERFORMANCE_OUTCOMES_UNMATCHED(
      "performance.outcomes_unmatched",
      Kind.ACCOUNT,
      "outcomes",
      "of these, those without a prediction whose time for outcomes they fall into"),
  PERFORMANCE_OUTCOMES_REPEATED(
      "performance.outcomes_repeated",
      Kind.ACCOUNT,
      "outcomes",
      "of these, those of predictions that had an earlier outcome"),
  PERFORMANCE_REPORTS("performance.reports", Kind.COUNTER, "reports", "of windows, revisions too"),
  PERFORMANCE_VALUE(
      "performance.version.variant.segment.metric.value",
      Kind.GAUGE,
      "of the metric",
      "from outcomes, of the newest window that has it",
      "version",
      "variant",
      "segment",
      "metric"),
  PERFORMANCE_LOW(
      "performance.version.variant.segment.metric.low",
      Kind.GAUGE,
      "of the metric",
      "lower end of the value's confidence interval",
      "version",
      "variant",
      "segment",
      "metric"),
  PERFORMANCE_HIGH(
      "performance.version.variant.segment.metric.high",
      Kind.GAUGE,
      "of the metric",
      "upper end of the value's confidence interval",
      "version",
      "variant",
      "segment",
      "metric"),
  PERFORMANCE_ESTIMATED(
      "performance.version.variant.segment.metric.estimated",
      Kind.GAUGE,
      "of the metric",
      "expected without outcomes, of the newest window",
      "version",
      "variant",
      "segment",
      "metric"),

  OUTCOMES_IN("outcomes.in", Kind.ACCOUNT, "outcomes", "read for a training set"),
  OUTCOMES_DEAD("outcomes.dead", Kind.ACCOUNT, "outcomes", "of these, dead letters"),
  OUTCOMES_UNMATCHED(
      "outcomes.unmatched",
      Kind.ACCOUNT,
      "outcomes",
      "of these, those of events that are not in the training set"),
  TRAINING_LABELLED("training.labelled", Kind.ACCOUNT, "rows", "whose label is known"),
  TRAINING_UNLABELLED(
      "training.unlabelled",
      Kind.ACCOUNT,
      "rows",
      "without a label though their time for outcomes has passed"),
  TRAINING_OPEN("training.open", Kind.ACCOUNT, "rows", "that may still get an outcome");

  /** What a metric is to its reader. */
  public enum Kind {
    /** A counter that is part of the checkpoint and an accumulator of the job: a {@link Ledger}. */
    ACCOUNT,
    COUNTER,
    GAUGE,
    /** A distribution of sizes. */
    SUMMARY,
    /** A distribution of times. */
    TIMER
  }

  private static final Map<String, JobMetric> BY_ID =
      Stream.of(values()).collect(Collectors.toMap(JobMetric::id, Function.identity()));

  private final String id;
  private final Kind kind;
  private final String unit;
  private final String description;
  private final List<String> tags;

  JobMetric(String id, Kind kind, String unit, String description, String... tags) {
    this.id = id;
    this.kind = kind;
    this.unit = unit;
    this.description = description;
    this.tags = List.of(tags);
  }

  /** The metric of a name; null when there is none. */
  public static @Nullable JobMetric of(String id) {
    return BY_ID.get(id);
  }

  /** Its name, and that of the accumulator of an {@link Kind#ACCOUNT}. */
  public String id() {
    return id;
  }

  public Kind kind() {
    return kind;
  }

  /** What it counts or measures in. */
  public String unit() {
    return unit;
  }

  /** Reads on after the unit: rows <i>that became dead letters</i>. */
  public String description() {
    return description;
  }

  /** Names of its tags, each of them a segment of the name. */
  public List<String> tags() {
    return tags;
  }
}
