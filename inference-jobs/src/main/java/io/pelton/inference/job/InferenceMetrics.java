package io.pelton.inference.job;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Timer;
import io.pelton.job.FlinkMeters;
import io.pelton.job.JobMetric;
import io.pelton.model.FallbackReason;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.apache.flink.metrics.MetricGroup;
import org.jspecify.annotations.Nullable;

/** What is told of one version that an operator serves. */
final class InferenceMetrics {
  final Counter errors;
  final Counter deadLetters;
  final Counter timeouts;
  final Counter failedBatches;
  private final Counter rows;
  private final Counter batches;
  private final DistributionSummary batchSize;
  private final Timer queue;
  private final Timer compute;
  private final Timer total;
  private final Counter[] fallbacks = new Counter[FallbackReason.values().length];
  private final Counter[] flushes = new Counter[FlushReason.values().length];

  private final OfVersions all;
  private final FlinkMeters meters;
  private final int number;
  private final String version;
  private final Set<String> devices = new HashSet<>();

  /** What is told of; null when the version is closed, which must not be held any longer. */
  private volatile @Nullable Serving served;

  /** Those of all versions that an operator has open; Flink does not take a name twice. */
  static final class OfVersions {
    private final FlinkMeters meters;
    private final Map<Integer, InferenceMetrics> known = new ConcurrentHashMap<>();
    private final Map<String, OfShadow> shadows = new HashMap<>();

    OfVersions(MetricGroup operator) {
      meters = new FlinkMeters(operator);
    }

    /** Of what all versions take. */
    void of(HeldMemory memory) {
      meters.gauge(JobMetric.INFERENCE_HELD_MEMORY, memory::sum);
    }

    /** Those of a shadow's version, which tell of {@code shadow} from now on. */
    OfShadow of(String name, int version, Shadow shadow) {
      OfShadow metrics =
          shadows.computeIfAbsent(
              name + "@" + version,
              key -> new OfShadow(meters, name, Integer.toString(version), shadow));
      metrics.shadow = shadow;
      return metrics;
    }

    /** Those of a version, which tell of {@code serving} from now on. */
    InferenceMetrics of(int version, Serving serving) {
      InferenceMetrics metrics =
          known.computeIfAbsent(version, number -> new InferenceMetrics(this, number, serving));
      metrics.serve(serving);
      return metrics;
    }
  }

  /** Those of one version as a shadow. Rows offered = rows + errors + dropped + waiting. */
  static final class OfShadow {
    final Counter rows;
    final Counter errors;
    final Counter dropped;
    private volatile @Nullable Shadow shadow;

    private OfShadow(FlinkMeters meters, String name, String version, Shadow first) {
      shadow = first;
      rows = meters.counter(JobMetric.SHADOW_ROWS, name, version);
      errors = meters.counter(JobMetric.SHADOW_ERRORS, name, version);
      dropped = meters.counter(JobMetric.SHADOW_DROPPED, name, version);
      meters.gauge(JobMetric.SHADOW_WAITING, () -> of(Shadow::waiting), name, version);
      meters.gauge(JobMetric.SHADOW_MEMORY, () -> of(now -> now.memory), name, version);
    }

    private Number of(Function<Shadow, Number> value) {
      Shadow now = shadow;
      return now == null ? 0 : value.apply(now);
    }

    /** Tells of it no more. */
    void ended(Shadow other) {
      if (shadow == other) {
        shadow = null;
      }
    }
  }

  private InferenceMetrics(OfVersions all, int number, Serving serving) {
    this.all = all;
    this.number = number;
    meters = all.meters;
    version = Integer.toString(number);
    served = serving;
    rows = meters.counter(JobMetric.INFERENCE_ROWS, version);
    batches = meters.counter(JobMetric.INFERENCE_BATCHES, version);
    errors = meters.counter(JobMetric.INFERENCE_ERRORS, version);
    deadLetters = meters.counter(JobMetric.INFERENCE_DEAD_LETTERS, version);
    timeouts = meters.counter(JobMetric.INFERENCE_TIMEOUTS, version);
    failedBatches = meters.counter(JobMetric.INFERENCE_FAILED_BATCHES, version);
    batchSize = meters.summary(JobMetric.INFERENCE_BATCH_SIZE, version);
    queue = meters.timer(JobMetric.INFERENCE_QUEUE, version);
    compute = meters.timer(JobMetric.INFERENCE_COMPUTE, version);
    total = meters.timer(JobMetric.INFERENCE_TOTAL, version);
    for (FlushReason reason : FlushReason.values()) {
      flushes[reason.ordinal()] =
          meters.counter(
              JobMetric.INFERENCE_FLUSHES, version, reason.name().toLowerCase(Locale.ROOT));
    }
    for (FallbackReason reason : FallbackReason.values()) {
      fallbacks[reason.ordinal()] =
          meters.counter(JobMetric.INFERENCE_FALLBACKS, version, reason.label());
    }
    gauge(JobMetric.INFERENCE_BREAKER, now -> now.breakerState().ordinal());
    gauge(JobMetric.INFERENCE_LIVE_TENSORS, now -> now.loaded.model().liveTensors());
    gauge(JobMetric.INFERENCE_LOAD, now -> now.loadMillis);
    gauge(JobMetric.INFERENCE_MEMORY, now -> now.memory);
  }

  private void gauge(JobMetric metric, Function<Serving, Number> value) {
    meters.gauge(metric, () -> of(value), version);
  }

  private Number of(Function<Serving, Number> value) {
    Serving now = served;
    return now == null ? 0 : value.apply(now);
  }

  /**
   * Tells of it no more, from the loader's thread: it is being closed. Else each version that was
   * ever deployed would stay among the metrics, and its distributions in memory.
   */
  void closed(Serving other) {
    if (served == other) {
      served = null;
      all.known.remove(number);
      meters.removeGroup(JobMetric.INFERENCE_ROWS, version);
    }
  }

  /** A version that is loaded again may run on another device: then that of before tells 0. */
  private void serve(Serving serving) {
    served = serving;
    String requested = serving.loaded.requestedDevice();
    String actual = serving.loaded.model().device();
    if (devices.add(actual)) {
      meters.gauge(
          JobMetric.INFERENCE_DEVICE,
          () -> of(now -> now.loaded.model().device().equals(actual) ? 1 : 0),
          version,
          requested,
          actual);
    }
  }

  /** Rows that were meant for the version and scored by its fallback. */
  void fallbacks(FallbackReason reason, int rescued) {
    fallbacks[reason.ordinal()].increment(rescued);
  }

  /**
   * A batch was handed on just now.
   *
   * @param batch with its rows still
   * @param start of its scoring, of {@link System#nanoTime}
   */
  void flushed(
      FlushReason reason, RowBatch batch, int died, int failures, long start, long computeNanos) {
    errors.increment(failures);
    deadLetters.increment(died);
    flushes[reason.ordinal()].increment();
    batches.increment();
    rows.increment(batch.size());
    batchSize.record(batch.size());
    queue.record(start - batch.firstArrivalNanos(), TimeUnit.NANOSECONDS);
    compute.record(computeNanos, TimeUnit.NANOSECONDS);
    total.record(System.nanoTime() - batch.firstArrivalNanos(), TimeUnit.NANOSECONDS);
  }
}
