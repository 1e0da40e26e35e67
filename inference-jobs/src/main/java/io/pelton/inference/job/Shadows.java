package io.pelton.inference.job;

import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.ShadowSample;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shadows of a subtask. What they predict is given out by the task's thread, a batch at a time
 * between its own rows. Rows that a shadow has no room for are dropped, but in a batch run, where
 * nothing is lost by waiting.
 */
final class Shadows {
  private static final Logger LOG = LoggerFactory.getLogger(Shadows.class);

  private static final long PAUSE_NANOS = 500_000;
  private static final long CLOSING_MILLIS = 5_000;

  /** The task that they belong to; all by its thread. */
  interface Task {
    void emit(ScoredRow row);

    /** A shadow scores no more, and why. */
    void stopped(String why);
  }

  private record Key(String name, int version) {
    static Key of(ShadowSample sample) {
      return new Key(sample.name(), sample.version());
    }
  }

  /** A shadow in its part. */
  private record Cast(
      Key key, ShadowSample sample, Shadow shadow, InferenceMetrics.OfShadow metrics) {}

  private final Loading loading;
  private final List<String> pipelineFeatures;
  private final PipelineDefinition.Model settings;
  private final boolean complete;
  private final Duration patience;
  private final MailboxExecutor taskThread;
  private final Task task;
  private final InferenceMetrics.OfVersions metrics;

  /** Loaded, and not ended. */
  private final Map<Key, Shadow> known = new ConcurrentHashMap<>();

  private final Queue<Shadow.Done> done = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean called = new AtomicBoolean();

  /** Of the plan that is served; one that was stopped is given rows to count them. */
  private Cast[] casts = new Cast[0];

  /**
   * @param complete rows wait rather than be dropped
   * @param patience how long a batch may take
   */
  Shadows(
      Loading loading,
      List<String> pipelineFeatures,
      PipelineDefinition.Model settings,
      boolean complete,
      Duration patience,
      MailboxExecutor taskThread,
      Task task,
      InferenceMetrics.OfVersions metrics) {
    this.loading = loading;
    this.pipelineFeatures = pipelineFeatures;
    this.settings = settings;
    this.complete = complete;
    this.patience = patience;
    this.taskThread = taskThread;
    this.task = task;
    this.metrics = metrics;
  }

  /** Those of a plan that are not loaded. */
  List<ShadowSample> missing(RolloutPlan plan) {
    return ShadowSample.of(plan).stream()
        .filter(sample -> !known.containsKey(Key.of(sample)))
        .toList();
  }

  /** Loads what is missing of a plan, by the loader's thread. */
  void load(RolloutPlan plan) throws IOException {
    for (ShadowSample sample : missing(plan)) {
      known.put(Key.of(sample), load(sample));
    }
  }

  /** Each has a version of its own: two threads must not score with one. */
  private Shadow load(ShadowSample sample) throws IOException {
    int maxBatchSize = Math.min(settings.maxBatchSize(), Shadow.MOST_ROWS);
    Models.Loaded loaded =
        loading.load(sample.version(), " as shadow " + sample.name(), maxBatchSize);
    try {
      return new Shadow(
          sample.name(),
          loaded,
          loading.bytes(sample.version()),
          pipelineFeatures,
          settings.shadow(),
          maxBatchSize,
          this::report);
    } catch (IOException | RuntimeException e) {
      loaded.close();
      throw e;
    }
  }

  /** Closes those that were loaded for plans that came to nothing, by the loader's thread. */
  void discard(Set<RolloutPlan> needed) {
    Set<Key> keys = new HashSet<>();
    needed.forEach(plan -> ShadowSample.of(plan).forEach(sample -> keys.add(Key.of(sample))));
    known.forEach(
        (key, shadow) -> {
          if (!shadow.started() && !keys.contains(key)) {
            known.remove(key);
            shadow.end();
          }
        });
  }

  /**
   * Those of a plan score from now on, others no more. By the task's thread.
   *
   * @return whether all of them are loaded
   */
  boolean serve(RolloutPlan plan) {
    List<Cast> next = new ArrayList<>();
    List<ShadowSample> samples = ShadowSample.of(plan);
    for (ShadowSample sample : samples) {
      Key key = Key.of(sample);
      Shadow shadow = known.get(key);
      if (shadow != null) {
        if (!shadow.started()) {
          if (complete) {
            shadow.hurry();
          }
          shadow.start("pelton-shadow-" + key.name() + "-" + shadow.reference);
        }
        next.add(new Cast(key, sample, shadow, metrics.of(key.name(), key.version(), shadow)));
      }
    }
    for (Cast cast : casts) {
      if (next.stream().noneMatch(other -> other.shadow == cast.shadow) && !cast.shadow.ended()) {
        end(cast);
      }
    }
    casts = next.toArray(Cast[]::new);
    return next.size() == samples.size();
  }

  /**
   * The same, by another thread than the task's.
   *
   * @param wanted whether the plan is still served, asked by the task's thread
   */
  void serveLater(RolloutPlan plan, BooleanSupplier wanted) {
    taskThread.execute(
        () -> {
          if (wanted.getAsBoolean()) {
            serve(plan);
          }
        },
        "serve the shadows of a plan");
  }

  /**
   * Ends all but those of a plan. By the task's thread.
   *
   * @return those that it ended
   */
  List<Shadow> endOthers(RolloutPlan plan) {
    List<Shadow> ended = new ArrayList<>();
    Set<Key> needed = new HashSet<>();
    ShadowSample.of(plan).forEach(sample -> needed.add(Key.of(sample)));
    for (Cast cast : casts) {
      if (!needed.contains(cast.key) && !cast.shadow.ended()) {
        end(cast);
        ended.add(cast.shadow);
      }
    }
    return ended;
  }

  /** Gives a row to those that it is for. By the task's thread. */
  void offer(String key, FeatureRow row) {
    for (Cast cast : casts) {
      if (cast.sample.takes(key, row.time)) {
        offer(cast, row);
      }
    }
  }

  private void offer(Cast cast, FeatureRow row) {
    while (!cast.shadow.ended()) {
      if (cast.shadow.offer(row)) {
        return;
      }
      if (stoppedForHanging(cast) || !complete) {
        break;
      }
      giveWay();
    }
    cast.metrics.dropped.increment();
  }

  /** Waits until all that was offered is scored, or given up. By the task's thread. */
  void drain() {
    for (Cast cast : casts) {
      cast.shadow.hurry();
      while (cast.shadow.waiting() > 0 && !stoppedForHanging(cast)) {
        giveWay();
      }
    }
  }

  private void giveWay() {
    if (!taskThread.tryYield()) {
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private boolean stoppedForHanging(Cast cast) {
    if (!cast.shadow.hangs(patience.toNanos())) {
      return false;
    }
    stop(cast, "a batch has taken more than " + patience.toSeconds() + " s");
    return true;
  }

  private void stop(Cast cast, String why) {
    end(cast);
    task.stopped(
        "shadow %s %s is stopped: %s; the next command to the model starts it again"
            .formatted(cast.key.name(), cast.shadow.reference, why));
  }

  private void end(Cast cast) {
    known.remove(cast.key, cast.shadow);
    cast.metrics.dropped.increment(cast.shadow.waiting());
    cast.shadow.got(cast.shadow.waiting());
    cast.metrics.ended(cast.shadow);
    cast.shadow.end();
  }

  /** By a shadow's thread. One call of the task's thread at a time is under way. */
  private void report(Shadow.Done batch) {
    done.add(batch);
    call();
  }

  private void call() {
    if (called.compareAndSet(false, true)) {
      try {
        taskThread.execute(this::take, "take what a shadow has scored");
      } catch (RejectedExecutionException e) {
        LOG.debug("what a shadow has scored is not wanted any more");
      }
    }
  }

  /** Takes one batch, then lets the task's own work go first. */
  private void take() {
    Shadow.Done batch = done.poll();
    called.set(false);
    if (batch != null) {
      Cast cast = cast(batch.shadow());
      if (cast != null) {
        take(cast, batch);
      }
    }
    if (!done.isEmpty()) {
      call();
    }
  }

  /** Null when it was ended: its rows are counted as dropped. */
  private @Nullable Cast cast(Shadow shadow) {
    for (Cast cast : casts) {
      if (cast.shadow == shadow && !shadow.ended()) {
        return cast;
      }
    }
    return null;
  }

  private void take(Cast cast, Shadow.Done batch) {
    batch.rows().forEach(task::emit);
    cast.metrics.rows.increment(batch.rows().size());
    cast.metrics.errors.increment(batch.failed());
    cast.shadow.got(batch.rows().size() + batch.failed());
    if (batch.end() != null) {
      stop(cast, batch.end());
    }
  }

  /** Waits for those that were ended, so long all in all; logs which are not closed then. */
  static void awaitClosed(Collection<Shadow> ended, long millis) {
    long until = System.nanoTime() + 1_000_000 * millis;
    for (Shadow shadow : ended) {
      if (!shadow.awaitClosed(until - System.nanoTime())) {
        LOG.warn(
            "shadow {} {} is still in a batch after {} ms; it gives its memory back when it returns",
            shadow.name,
            shadow.reference,
            millis);
      }
    }
  }

  /** Ends all of them; one that hangs closes its version itself when it comes back. */
  void close() {
    known.values().forEach(Shadow::end);
    awaitClosed(known.values(), CLOSING_MILLIS);
    known.clear();
  }
}
