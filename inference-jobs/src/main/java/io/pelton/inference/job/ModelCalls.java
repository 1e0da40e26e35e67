package io.pelton.inference.job;

import io.pelton.inference.job.BatchScorer.Outcome;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.util.ExceptionUtils;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls of one model, one at a time: on the caller's thread, or on one of its own where they may be
 * given up or the caller has other work meanwhile. What runs in an engine cannot be broken off: a
 * call that is given up keeps the model, and the batch, until it ends by itself.
 */
final class ModelCalls implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ModelCalls.class);
  private static final long CLOSING_SECONDS = 10;

  /**
   * A call under way.
   *
   * @param end when the model is free again
   * @param answer the same, or earlier, when it takes too long
   */
  record Call(
      RowBatch batch,
      long startNanos,
      CompletableFuture<Outcome> end,
      CompletableFuture<Outcome> answer) {}

  private final String version;
  private final Models.Loaded loaded;
  private final BatchScorer scorer;
  private final @Nullable Long timeout;
  private final @Nullable ExecutorService thread;
  private volatile @Nullable Call abandoned;
  private long abandonedAt;

  /**
   * @param timeout milliseconds; null for as long as it takes
   * @param overlap whether the caller has other work meanwhile
   */
  ModelCalls(Models.Loaded loaded, BatchScorer scorer, @Nullable Long timeout, boolean overlap) {
    version = loaded.served().model() + "@" + loaded.served().version();
    this.loaded = loaded;
    this.scorer = scorer;
    this.timeout = timeout;
    thread = timeout != null || overlap ? thread(version) : null;
  }

  private static ExecutorService thread(String version) {
    return Executors.newSingleThreadExecutor(
        task -> {
          Thread thread = new Thread(task, "pelton-inference-" + version);
          thread.setDaemon(true);
          thread.setContextClassLoader(ModelCalls.class.getClassLoader());
          return thread;
        });
  }

  /** Why no call can be made now; null when one can. */
  @Nullable String busy() {
    Call call = abandoned;
    if (call == null) {
      return null;
    }
    if (!call.end.isDone()) {
      return "%s: breaker open since %s, for a call that took longer than %d ms has not ended"
          .formatted(version, Instant.ofEpochMilli(abandonedAt), timeout);
    }
    LOG.info("The call of {} that was given up has ended", version);
    abandoned = null;
    return null;
  }

  /** Whether a call that was given up has not ended. By any thread. */
  boolean stuck() {
    Call call = abandoned;
    return call != null && !call.end.isDone();
  }

  /** Not while another call is under way. */
  Call begin(RowBatch batch) {
    long start = System.nanoTime();
    CompletableFuture<Outcome> end =
        thread == null
            ? CompletableFuture.completedFuture(scorer.score(batch))
            : CompletableFuture.supplyAsync(() -> scorer.score(batch), thread);
    return new Call(
        batch,
        start,
        end,
        timeout == null ? end : end.copy().orTimeout(timeout, TimeUnit.MILLISECONDS));
  }

  /**
   * Waits for a call.
   *
   * @param now epoch milliseconds
   * @return null when it took too long: the batch must not be used for another
   */
  @Nullable Outcome await(Call call, long now) {
    try {
      return call.answer.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while " + version + " scores a batch", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TimeoutException) {
        abandonedAt = now;
        abandoned = call;
        return null;
      }
      ExceptionUtils.rethrow(e.getCause());
      throw new IllegalStateException(e);
    }
  }

  /** Closes the model, or has it closed when the call that was given up ends. */
  @Override
  public void close() {
    if (thread == null) {
      loaded.close();
      return;
    }
    thread.execute(loaded::close);
    thread.shutdown();
    try {
      if (stuck() || !thread.awaitTermination(CLOSING_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("{} is closed when its call has ended; until then it keeps its memory", version);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
