package io.pelton.inference.job;

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

  /** Group with a shadow's name as its value, above the one of its version. */
  static final String SHADOW = "shadow";

  /** Rows that a shadow had no room for. */
  static final String DROPPED = "dropped";

  /** Rows that a shadow has not scored and written yet. */
  static final String WAITING = "waiting";

  /** Bytes that a version is held to take; without a version, that all take together. */
  static final String MEMORY = "memoryBytes";

  /** How long commands have not been heard; 0 when they are. */
  static final String UNHEARD = "controlUnheardMillis";

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
  private final Counter[] flushes = new Counter[FlushReason.values().length];

  private Serving served;

  /** Those of all versions that an operator has served; Flink does not take a name twice. */
  static final class OfVersions {
    private final MetricGroup operator;
    private final Map<Integer, InferenceMetrics> known = new HashMap<>();
    private final Map<String, OfShadow> shadows = new HashMap<>();

    OfVersions(MetricGroup operator) {
      this.operator = operator;
    }

    /** Of what all versions take. */
    void of(HeldMemory memory) {
      operator.addGroup(GROUP).gauge(MEMORY, memory::sum);
    }

    /** Those of a shadow's version, which tell of {@code shadow} from now on. */
    OfShadow of(String name, int version, Shadow shadow) {
      OfShadow metrics =
          shadows.computeIfAbsent(
              name + "@" + version, key -> new OfShadow(operator, name, version, shadow));
      metrics.shadow = shadow;
      return metrics;
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

  /** Those of one version as a shadow. Rows offered = rows + errors + dropped + waiting. */
  static final class OfShadow {
    final Counter rows;
    final Counter errors;
    final Counter dropped;
    private volatile Shadow shadow;

    private OfShadow(MetricGroup operator, String name, int version, Shadow first) {
      shadow = first;
      MetricGroup group =
          operator
              .addGroup(GROUP)
              .addGroup(SHADOW, name)
              .addGroup(MODEL_VERSION, Integer.toString(version));
      rows = group.counter(ROWS);
      errors = group.counter(ERRORS);
      dropped = group.counter(DROPPED);
      group.gauge(WAITING, (Gauge<Integer>) () -> shadow.waiting());
      group.gauge(MEMORY, (Gauge<Long>) () -> shadow.memory);
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
    for (FlushReason reason : FlushReason.values()) {
      String name = reason.name();
      flushes[reason.ordinal()] =
          group.counter(FLUSHES + name.charAt(0) + name.substring(1).toLowerCase(Locale.ROOT));
    }
    group.gauge(DEVICE, (Gauge<String>) () -> served.loaded.model().device());
    group.gauge(MEMORY, (Gauge<Long>) () -> served.memory);
    group.gauge(LOAD_TIME, (Gauge<Long>) () -> served.loadMillis);
  }

  void flushed(
      FlushReason reason,
      int count,
      BatchScorer.Outcome outcome,
      long queueMicros,
      long computeMicros) {
    errors.inc(outcome.errors());
    deadLetters.inc(outcome.died());
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
