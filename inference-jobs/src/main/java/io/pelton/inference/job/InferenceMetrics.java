package io.pelton.inference.job;

import io.pelton.model.FallbackReason;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/** Every metric of inference, by name. Times are microseconds unless the name says otherwise. */
final class InferenceMetrics {
  /** Rows that came in; also an accumulator. Whenever a batch has been flushed, in = out + dead. */
  static final String IN = "inference.in";

  /** Rows that were scored; also an accumulator. */
  static final String OUT = "inference.out";

  /** Rows that could not be scored; also an accumulator. */
  static final String DEAD = "inference.dead";

  static final String GROUP = "inference";
  static final String ROWS = "rows";
  static final String BATCHES = "batches";
  static final String BATCH_SIZE = "batchSize";
  static final String QUEUE_TIME = "queueTimeMicros";
  static final String COMPUTE_TIME = "computeTimeMicros";
  static final String LOAD_TIME = "loadTimeMillis";
  static final String ERRORS = "errors";
  static final String DEAD_LETTERS = "deadLetters";
  static final String DEVICE = "device";

  /** Batches whose inference took too long. */
  static final String TIMEOUTS = "timeouts";

  /** Batches that took too long, or of which the version could score nothing. */
  static final String FAILED_BATCHES = "failedBatches";

  /** 0 closed, 1 half open, 2 open. */
  static final String BREAKER_STATE = "breakerState";

  /** What the model holds in native memory beside itself: the same after every batch. */
  static final String LIVE_TENSORS = "liveTensors";

  /**
   * Then the reason in camel case, {@code fallbacksByTimeout}: rows that were meant for the version
   * and scored by its fallback.
   */
  static final String FALLBACKS = "fallbacksBy";

  /** Rows that wait while the subtasks agree on a change at an event time; of all versions. */
  static final String HELD_ROWS = "heldRows";

  /** Group with a version's number as its value: all below are of one version. */
  static final String MODEL_VERSION = "version";

  /** Then the reason in lower case: {@code flushesBySize}. */
  static final String FLUSHES = "flushesBy";

  private static final int HISTOGRAM_WINDOW = 1_000;

  final Counter rows;
  final Counter batches;
  final Counter errors;
  final Counter deadLetters;
  final Histogram batchSize;
  final Histogram queueTime;
  final Histogram computeTime;
  final Counter timeouts;
  final Counter failedBatches;
  private final Counter[] fallbacks = new Counter[FallbackReason.values().length];
  private final Counter[] flushes = new Counter[FlushReason.values().length];

  private Serving served;

  /** Those of all versions that an operator has served; Flink does not take a name twice. */
  static final class OfVersions {
    private final MetricGroup operator;
    private final Map<Integer, InferenceMetrics> known = new HashMap<>();

    OfVersions(MetricGroup operator) {
      this.operator = operator;
    }

    /** Those of a version, which tell of {@code serving} from now on. */
    InferenceMetrics of(int version, Serving serving) {
      InferenceMetrics metrics = known.get(version);
      if (metrics == null) {
        metrics = new InferenceMetrics(operator, version, serving);
        known.put(version, metrics);
      }
      metrics.served = serving;
      return metrics;
    }
  }

  private InferenceMetrics(MetricGroup operator, int version, Serving serving) {
    served = serving;
    MetricGroup group = operator.addGroup(GROUP).addGroup(MODEL_VERSION, Integer.toString(version));
    rows = group.counter(ROWS);
    batches = group.counter(BATCHES);
    errors = group.counter(ERRORS);
    deadLetters = group.counter(DEAD_LETTERS);
    batchSize = histogram(group, BATCH_SIZE);
    queueTime = histogram(group, QUEUE_TIME);
    computeTime = histogram(group, COMPUTE_TIME);
    timeouts = group.counter(TIMEOUTS);
    failedBatches = group.counter(FAILED_BATCHES);
    for (FlushReason reason : FlushReason.values()) {
      flushes[reason.ordinal()] = group.counter(FLUSHES + camelCase(reason));
    }
    for (FallbackReason reason : FallbackReason.values()) {
      fallbacks[reason.ordinal()] = group.counter(FALLBACKS + camelCase(reason));
    }
    group.gauge(BREAKER_STATE, (Gauge<Integer>) () -> served.breakerState().ordinal());
    group.gauge(LIVE_TENSORS, (Gauge<Integer>) () -> served.loaded.model().liveTensors());
    group.gauge(DEVICE, (Gauge<String>) () -> served.loaded.model().device());
    group.gauge(LOAD_TIME, (Gauge<Long>) () -> served.loadMillis);
  }

  private static String camelCase(Enum<?> constant) {
    StringBuilder name = new StringBuilder();
    for (String word : constant.name().split("_")) {
      name.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
    }
    return name.toString();
  }

  void fallbacks(FallbackReason reason, int rows) {
    fallbacks[reason.ordinal()].inc(rows);
  }

  void flushed(
      FlushReason reason, int count, int died, int failures, long queueMicros, long computeMicros) {
    errors.inc(failures);
    deadLetters.inc(died);
    flushes[reason.ordinal()].inc();
    batches.inc();
    rows.inc(count);
    batchSize.update(count);
    queueTime.update(queueMicros);
    computeTime.update(computeMicros);
  }

  private static Histogram histogram(MetricGroup group, String name) {
    return group.histogram(name, new DescriptiveStatisticsHistogram(HISTOGRAM_WINDOW));
  }
}
