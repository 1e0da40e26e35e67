package io.pelton.inference.job;

import io.pelton.pipeline.MemoryBudget;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Router;
import io.pelton.rollout.ShadowSample;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.flink.util.IOUtils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The versions of a model that a subtask has loaded. All that costs time, loading and closing, is
 * done by a thread of its own once the first plan is served.
 */
final class Versions implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Versions.class);

  /** How long shadows may take to end before a version takes their memory. */
  private static final long SHADOW_MILLIS = 10_000;

  private final Loading loading;
  private final Function<Models.Loaded, Serving> servings;
  private final Shadows shadows;
  private final Drain drain;
  private final InferenceMetrics.OfVersions metrics;
  private final ExecutorService loader =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "pelton-model-loader");
            thread.setDaemon(true);
            thread.setContextClassLoader(Versions.class.getClassLoader());
            return thread;
          });

  /** All that are open to serve. Of the loader's thread, once there is one. */
  private final SortedMap<Integer, Serving> open = new TreeMap<>();

  /** Plans that are to be loaded, or are and not served yet. */
  private final Set<RolloutPlan> pending = ConcurrentHashMap.newKeySet();

  private volatile @Nullable RolloutPlan served;

  /** Of the plan that is served. Of the task's thread. */
  private SortedMap<Integer, Serving> serving = new TreeMap<>();

  /**
   * @param servings makes a loaded version ready for rows
   */
  Versions(
      Loading loading,
      Function<Models.Loaded, Serving> servings,
      Shadows shadows,
      Drain drain,
      InferenceMetrics.OfVersions metrics) {
    this.loading = loading;
    this.servings = servings;
    this.shadows = shadows;
    this.drain = drain;
    this.metrics = metrics;
    metrics.of(loading.memory());
  }

  /**
   * Loads those of a plan that are not open yet.
   *
   * @throws IOException when one of them must not serve; those loaded before it stay open
   */
  SortedMap<Integer, Serving> load(RolloutPlan plan) throws IOException {
    Set<RolloutPlan> needed = needed();
    needed.add(plan);
    shadows.discard(needed);
    if (!fits(plan)) {
      closeAllBut(needed); // what is kept warm gives way
    }
    SortedMap<Integer, Serving> ready = loadServing(plan);
    shadows.load(plan);
    return ready;
  }

  private SortedMap<Integer, Serving> loadServing(RolloutPlan plan) throws IOException {
    SortedMap<Integer, Serving> ready = new TreeMap<>();
    Integer fallback = loading.fallback();
    Serving rescue = fallback == null ? null : open(fallback, null);
    if (rescue != null) {
      ready.put(fallback, rescue);
    }
    for (int version : plan.serving()) {
      ready.put(version, open(version, rescue));
    }
    return ready;
  }

  private Serving open(int version, @Nullable Serving rescue) throws IOException {
    Serving known = open.get(version);
    if (known == null) {
      long start = System.nanoTime();
      Models.Loaded loaded = loading.load(version, "", loading.maxBatchSize());
      try {
        known = servings.apply(loaded);
      } catch (RuntimeException e) {
        loaded.close();
        throw e;
      }
      try {
        known.memory = loading.bytes(version);
        if (rescue != null) {
          known.fallBackTo(rescue);
        }
      } catch (IOException | RuntimeException e) {
        known.close();
        throw e;
      }
      known.loadMillis = (System.nanoTime() - start) / 1_000_000;
      open.put(version, known);
    }
    return known;
  }

  private @Nullable Serving rescue() {
    Integer fallback = loading.fallback();
    return fallback == null ? null : open.get(fallback);
  }

  /** The versions that score rows under a plan, first or as the fallback. */
  private SortedSet<Integer> scoring(RolloutPlan plan) {
    SortedSet<Integer> versions = new TreeSet<>(plan.serving());
    Integer fallback = loading.fallback();
    if (fallback != null) {
      versions.add(fallback);
    }
    return versions;
  }

  /** Whether all that is missing of a plan fits beside what is open. */
  private boolean fits(RolloutPlan plan) throws IOException {
    if (loading.memory().budget().bytes() == 0) {
      return true;
    }
    long bytes = 0;
    for (int version : scoring(plan)) {
      bytes += open.containsKey(version) ? 0 : loading.bytes(version);
    }
    for (ShadowSample shadow : shadows.missing(plan)) {
      bytes += loading.bytes(shadow.version());
    }
    return loading.memory().fits(bytes);
  }

  /**
   * Loads what a plan needs, off the task's thread.
   *
   * @param ready hears of all its versions, from the loader's thread
   * @param failed hears why the plan cannot be served
   * @param restored hears of the versions of the plan that is served when they were closed for one
   *     that failed, and are loaded again
   */
  void loadInBackground(
      RolloutPlan plan,
      PipelineDefinition pipeline,
      BiConsumer<Router, SortedMap<Integer, Serving>> ready,
      Consumer<Throwable> failed,
      Consumer<SortedMap<Integer, Serving>> restored) {
    loader.execute(
        () -> {
          try {
            Router router = new Router(plan, pipeline);
            ready.accept(router, loadOrDrain(plan, restored));
          } catch (CancellationException | RejectedExecutionException e) {
            LOG.debug("the task ends before revision {} is loaded", plan.revision());
          } catch (IOException | RuntimeException | LinkageError e) {
            failed.accept(e);
          }
        });
  }

  private SortedMap<Integer, Serving> loadOrDrain(
      RolloutPlan plan, Consumer<SortedMap<Integer, Serving>> restored) throws IOException {
    try {
      return load(plan);
    } catch (OverBudgetException e) {
      if (loading.memory().budget().switching() == MemoryBudget.Switching.LOAD_THEN_SWITCH
          || plan.timed() // needs both for a while
          || undecided(plan)
          || !fitsAlone(plan)) {
        throw e;
      }
    }
    List<Shadow> ended = new ArrayList<>();
    drain.begin(() -> ended.addAll(shadows.endOthers(plan)));
    RolloutPlan before = Objects.requireNonNull(served);
    LOG.info(
        "Rows wait while revision {} of model {} is closed and revision {} is loaded",
        before.revision(),
        plan.model(),
        plan.revision());
    try {
      closeAllBut(Set.of(plan));
      Shadows.awaitClosed(ended, SHADOW_MILLIS);
      SortedMap<Integer, Serving> ready = loadServing(plan);
      shadows.load(plan);
      return ready;
    } catch (IOException | RuntimeException | LinkageError e) {
      restored.accept(restore(before, e));
      throw e;
    }
  }

  /** Whether one before it may still be served. */
  private boolean undecided(RolloutPlan plan) {
    return pending.stream().anyMatch(other -> other.revision() < plan.revision());
  }

  private boolean fitsAlone(RolloutPlan plan) throws IOException {
    long bytes = 0;
    for (int version : scoring(plan)) {
      bytes += loading.bytes(version);
    }
    for (ShadowSample shadow : ShadowSample.of(plan)) {
      bytes += loading.bytes(shadow.version());
    }
    return bytes <= loading.memory().budget().bytes();
  }

  /** Loads what served again; without it, the task cannot go on. */
  private SortedMap<Integer, Serving> restore(RolloutPlan before, Throwable failure)
      throws IOException {
    try {
      closeAllBut(Set.of(before));
      shadows.discard(Set.of(before));
      return loadServing(before);
    } catch (IOException | RuntimeException | LinkageError e) {
      e.addSuppressed(failure);
      drain.fail(
          "model %s was closed for a version that does not load, and does not load again itself"
              .formatted(before.model()),
          e);
      throw new CancellationException("the task fails");
    }
  }

  /** Serves a plan from now on, and keeps open what a rollback of it needs. */
  void serve(RolloutPlan plan, SortedMap<Integer, Serving> now) {
    now.forEach((version, one) -> one.measured = metrics.of(version, one));
    serving = now;
    served = plan; // first: who looks for what is needed sees it here or there
    pending.remove(plan);
    drain.end();
    if (!shadows.serve(plan)) {
      loader.execute(() -> loadShadows(plan));
    }
    tidy();
  }

  /** Those of them that ended between being found loaded and being served. */
  private void loadShadows(RolloutPlan plan) {
    if (plan.equals(served)) {
      try {
        shadows.load(plan);
        shadows.serveLater(plan, () -> plan.equals(served));
      } catch (IOException | RuntimeException | LinkageError e) {
        LOG.warn("a shadow of model {} does not score: it cannot be loaded", plan.model(), e);
      }
    }
  }

  /** From now on a plan may be served: what is loaded of it stays open. */
  void expect(RolloutPlan plan) {
    pending.add(plan);
  }

  /** A plan is not served, unless it is already. */
  void forget(RolloutPlan plan) {
    pending.remove(plan);
    tidy();
  }

  private Set<RolloutPlan> needed() {
    Set<RolloutPlan> needed = new HashSet<>(pending);
    RolloutPlan now = served;
    if (now != null) {
      needed.add(now);
    }
    return needed;
  }

  /** Closes what no plan needs, and loads what a rollback does, off the task's thread. */
  private void tidy() {
    loader.execute(
        () -> {
          Set<RolloutPlan> needed = needed();
          RolloutPlan now = served;
          if (now == null) {
            return; // the first is not served yet
          }
          shadows.discard(needed);
          closeAllBut(needed, now.warm());
          for (int version : now.warm()) {
            try {
              open(version, rescue());
            } catch (OverBudgetException e) {
              LOG.info("A rollback has to load its version first: {}", e.getMessage());
            } catch (IOException | RuntimeException | LinkageError e) {
              LOG.warn(
                  "version {} of model {} cannot be kept warm: a rollback would be refused",
                  version,
                  now.model(),
                  e);
            }
          }
        });
  }

  private void closeAllBut(Set<RolloutPlan> plans) {
    closeAllBut(plans, Set.of());
  }

  private void closeAllBut(Set<RolloutPlan> plans, Set<Integer> more) {
    Set<Integer> needed = new HashSet<>(more);
    plans.forEach(plan -> needed.addAll(scoring(plan)));
    for (int version : List.copyOf(open.keySet())) {
      if (!needed.contains(version)) {
        Objects.requireNonNull(open.remove(version)).close();
      }
    }
  }

  Collection<Serving> serving() {
    return serving.values();
  }

  /** Closes all, by the loader's thread: Flink may interrupt the task's at any time. */
  @Override
  public void close() {
    drain.close();
    // After what is being loaded, which cannot be broken off: the engine would keep what it began.
    CompletableFuture<Void> closing = CompletableFuture.runAsync(this::closeAll, loader);
    loader.shutdown();
    closing.join();
  }

  private void closeAll() {
    try {
      shadows.close();
      IOUtils.closeAll(open.values());
    } catch (Exception e) {
      throw new CompletionException(e);
    } finally {
      open.clear();
    }
  }
}
