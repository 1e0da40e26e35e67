package io.pelton.inference.job;

import io.pelton.feature.FeatureRow;
import io.pelton.model.FallbackReason;
import io.pelton.model.ScoredRow;
import io.pelton.model.ServedVersion;
import io.pelton.pipeline.ShadowBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A version that scores rows beside what serves, in a thread of its own, as far as its budget goes.
 * Neither waits for the other: rows go in and results come out by the task's thread, and whatever
 * scoring does stays in here.
 */
final class Shadow implements BatchScorer.Results {
  private static final Logger LOG = LoggerFactory.getLogger(Shadow.class);

  /** So many batches in a row of which nothing was scored are the end. */
  static final int FAILURES = 10;

  /** Most rows that come to the task's thread at once. */
  static final int MOST_ROWS = 64;

  /** A batch that takes longer is made smaller: what serves may wait for its core. */
  private static final long BATCH_NANOS = 5_000_000;

  private static final long IDLE_NANOS = 2_000_000;

  /**
   * What came of a batch.
   *
   * @param failed rows that were not scored
   * @param end why there will be no more; null when there will
   */
  record Done(Shadow shadow, List<ScoredRow> rows, int failed, @Nullable String end) {}

  final String name;
  final String reference;
  final long memory;
  private final Models.Loaded loaded;
  private final ShadowBudget budget;
  private final Consumer<Done> done;
  private final ServedVersion as;
  private final RowBatch batch;
  private final int maxBatchSize;
  private final BatchScorer scorer;
  private final Queue<FeatureRow> queue = new ConcurrentLinkedQueue<>();
  private final CountDownLatch closed = new CountDownLatch(1);
  private @Nullable Thread thread;
  private List<ScoredRow> scored = new ArrayList<>();
  private String reason = "";
  private int failures;

  /** Rows of a batch now. */
  private int atOnce = 1;

  private volatile boolean ended;
  private volatile boolean ending;
  private volatile boolean hurried;

  /** 0 when no batch is being scored. */
  private volatile long busySince;

  /** Rows that are in here. Of the task's thread; metrics read it. */
  private volatile int waiting;

  /**
   * @param name its own, which predictions have as their variant
   * @param memory bytes that it takes
   * @param done hears of each batch, from the shadow's thread
   * @throws IllegalArgumentException when the model takes a feature that the pipeline does not have
   */
  Shadow(
      String name,
      Models.Loaded loaded,
      long memory,
      List<String> pipelineFeatures,
      ShadowBudget budget,
      int maxBatchSize,
      Consumer<Done> done) {
    this.name = name;
    this.loaded = loaded;
    this.memory = memory;
    this.budget = budget;
    this.done = done;
    as = loaded.served().as(name);
    reference = as.model() + "@" + as.version();
    this.maxBatchSize = maxBatchSize;
    batch = new RowBatch(pipelineFeatures, as.features(), maxBatchSize);
    scorer = new BatchScorer(loaded.model(), maxBatchSize, false);
  }

  /** Scores from now on. */
  void start(String threadName) {
    Thread scoring = new Thread(this::run, threadName);
    scoring.setDaemon(true);
    scoring.setPriority(Thread.MIN_PRIORITY);
    scoring.setContextClassLoader(Shadow.class.getClassLoader());
    thread = scoring;
    scoring.start();
  }

  boolean started() {
    return thread != null;
  }

  /** Whether it takes no more rows. */
  boolean ended() {
    return ended;
  }

  /** Takes a row, unless as many wait as may, or it has ended. Of the task's thread. */
  boolean offer(FeatureRow row) {
    if (ended || waiting >= budget.maxWaitingRows()) {
      return false;
    }
    waiting++;
    queue.add(row);
    return true;
  }

  /** The task's thread has got what came of some rows. */
  void got(int rows) {
    waiting -= rows;
  }

  int waiting() {
    return waiting;
  }

  /** Whether one batch has taken longer than that. */
  boolean hangs(long nanos) {
    long since = busySince;
    return since != 0 && System.nanoTime() - since > nanos;
  }

  /** From now on what it may take of a core does not matter. */
  void hurry() {
    hurried = true;
    LockSupport.unpark(thread); // of none, it does nothing
  }

  /** Ends when the batch that is being scored is; rows that wait are forgotten. */
  void end() {
    ended = true;
    ending = true;
    if (thread == null) {
      close();
    } else {
      LockSupport.unpark(thread);
    }
  }

  /** Whether its version is closed within that time, after {@link #end}. */
  boolean awaitClosed(long nanos) {
    try {
      return closed.await(nanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void run() {
    try {
      while (!ending) {
        fill();
        if (batch.size() > 0) {
          score();
        } else {
          LockSupport.parkNanos(IDLE_NANOS);
        }
      }
    } finally {
      close();
    }
  }

  private void fill() {
    int size = hurried ? maxBatchSize : atOnce;
    FeatureRow row = null;
    while (batch.size() < size && (row = queue.poll()) != null) {
      batch.add(row, as);
    }
  }

  private void score() {
    int size = batch.size();
    long start = System.nanoTime();
    busySince = start | 1;
    scored = new ArrayList<>(size);
    try {
      scorer.score(batch);
      scorer.handOn(batch, this);
    } catch (Throwable e) { // whatever it is, it must not reach what serves
      reason = e.toString();
      LOG.debug("shadow {} {} failed", name, reference, e);
    }
    busySince = 0;
    batch.clear();
    failures = scored.isEmpty() ? failures + 1 : 0;
    ending |= failures == FAILURES;
    done.accept(
        new Done(
            this,
            scored,
            size - scored.size(),
            failures == FAILURES
                ? "%d batches in a row failed, the last one: %s".formatted(FAILURES, reason)
                : null));
    long taken = System.nanoTime() - start;
    fit(size, taken);
    rest(taken);
  }

  private void fit(int size, long nanos) {
    if (nanos > BATCH_NANOS) {
      atOnce = Math.max(1, size / 2);
    } else if (nanos < BATCH_NANOS / 2 && size == atOnce) {
      atOnce = Math.min(maxBatchSize, 2 * size);
    }
  }

  /** Leaves the core to others after it was used for a time. */
  private void rest(long nanos) {
    long until = System.nanoTime() + (long) (nanos / budget.maxShare()) - nanos;
    long left = until - System.nanoTime();
    while (left > 0 && !ending && !hurried) {
      LockSupport.parkNanos(left);
      left = until - System.nanoTime();
    }
  }

  private void close() {
    try {
      loaded.close();
    } catch (RuntimeException | Error e) {
      LOG.error("shadow {} {} cannot be closed", name, reference, e);
    } finally {
      closed.countDown();
    }
  }

  @Override
  public void scored(ScoredRow row) {
    scored.add(row);
  }

  @Override
  public void died(RowBatch of, int index, @Nullable FallbackReason never, String why) {
    reason = why;
  }
}
