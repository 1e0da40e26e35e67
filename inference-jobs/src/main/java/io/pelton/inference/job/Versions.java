package io.pelton.inference.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Router;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
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

  private final Models models;
  private final Path temporary;
  private final List<Integer> gpus;
  private final Function<Models.Loaded, Serving> servings;
  private final InferenceMetrics.OfVersions metrics;
  private final ExecutorService loader =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "pelton-model-loader");
            thread.setDaemon(true);
            thread.setContextClassLoader(Versions.class.getClassLoader());
            return thread;
          });

  /** All that are open. Of the loader's thread, once there is one. */
  private final SortedMap<Integer, Serving> open = new TreeMap<>();

  /** Of the plan that is served. Of the task's thread. */
  private SortedMap<Integer, Serving> serving = new TreeMap<>();

  /**
   * @param temporary directory of the TaskManager for files
   * @param gpus indexes of the GPUs that Flink gives this TaskManager
   * @param servings makes a loaded version ready for rows
   */
  Versions(
      Models models,
      Path temporary,
      List<Integer> gpus,
      Function<Models.Loaded, Serving> servings,
      InferenceMetrics.OfVersions metrics) {
    this.models = models;
    this.temporary = temporary;
    this.gpus = gpus;
    this.servings = servings;
    this.metrics = metrics;
  }

  /**
   * Loads those that are not open yet, and the fallback.
   *
   * @throws IOException when one of them must not serve; those loaded before it stay open
   */
  SortedMap<Integer, Serving> load(SortedSet<Integer> versions) throws IOException {
    SortedMap<Integer, Serving> ready = new TreeMap<>();
    Integer fallback = models.fallback();
    Serving rescue = fallback == null ? null : opened(fallback, null);
    if (rescue != null) {
      ready.put(fallback, rescue);
    }
    for (int version : versions) {
      ready.put(version, opened(version, rescue));
    }
    return ready;
  }

  private Serving opened(int version, @Nullable Serving rescue) throws IOException {
    Serving known = open.get(version);
    if (known != null) {
      return known;
    }
    long start = System.nanoTime();
    Models.Loaded loaded = models.load(version, temporary, gpus);
    Serving serving;
    try {
      serving = servings.apply(loaded);
    } catch (RuntimeException e) {
      loaded.close();
      throw e;
    }
    try {
      if (rescue != null) {
        serving.fallBackTo(rescue);
      }
    } catch (RuntimeException e) {
      serving.close();
      throw e;
    }
    serving.loadMillis = (System.nanoTime() - start) / 1_000_000;
    open.put(version, serving);
    return serving;
  }

  /**
   * Loads what a plan needs, off the task's thread.
   *
   * @param ready hears of all its versions, from the loader's thread
   * @param failed hears why the plan cannot be served
   */
  void loadInBackground(
      RolloutPlan plan,
      PipelineDefinition pipeline,
      BiConsumer<Router, SortedMap<Integer, Serving>> ready,
      Consumer<Throwable> failed) {
    loader.execute(
        () -> {
          try {
            Router router = new Router(plan, pipeline);
            ready.accept(router, load(plan.versions()));
          } catch (IOException | RuntimeException | LinkageError e) {
            failed.accept(e);
          }
        });
  }

  /** Serves these from now on. */
  void serve(SortedMap<Integer, Serving> now) {
    now.forEach((version, one) -> one.measured = metrics.of(version, one));
    serving = now;
  }

  /**
   * Closes what is needed by neither the plan that is served, nor a rollback of it, nor those that
   * are underway; off the task's thread.
   */
  void tidy(RolloutPlan served, Collection<RolloutPlan> underway) {
    Set<Integer> needed = new HashSet<>(served.versions());
    underway.forEach(plan -> needed.addAll(plan.versions()));
    Integer fallback = models.fallback();
    if (fallback != null) {
      needed.add(fallback);
    }
    loader.execute(
        () -> {
          for (int version : served.warm()) {
            try {
              load(new TreeSet<>(Set.of(version)));
            } catch (IOException | RuntimeException | LinkageError e) {
              LOG.warn(
                  "version {} of model {} cannot be kept warm: a rollback would be refused",
                  version,
                  served.model(),
                  e);
            }
            needed.add(version);
          }
          for (int version : List.copyOf(open.keySet())) {
            if (!needed.contains(version)) {
              Objects.requireNonNull(open.remove(version)).close();
            }
          }
        });
  }

  Collection<Serving> serving() {
    return serving.values();
  }

  @Override
  public void close() throws Exception {
    loader.shutdown();
    // A load cannot be broken off: the engine would keep what it has begun.
    while (!loader.awaitTermination(1, TimeUnit.MINUTES)) {
      Thread.onSpinWait();
    }
    IOUtils.closeAll(open.values());
    open.clear();
  }
}
