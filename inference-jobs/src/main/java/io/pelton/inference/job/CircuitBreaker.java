package io.pelton.inference.job;

import io.pelton.pipeline.Breaker;
import java.time.Instant;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leaves a version alone that has failed a number of batches in a row; after a while one batch may
 * try again. Of the task's thread, but for the state.
 */
final class CircuitBreaker {
  private static final Logger LOG = LoggerFactory.getLogger(CircuitBreaker.class);

  /** In the order of the numbers that the metric tells. */
  enum State {
    CLOSED,
    HALF_OPEN,
    OPEN
  }

  private final String version;
  private final @Nullable Breaker declared;
  private final LongSupplier clock;
  private volatile State state = State.CLOSED;
  private int inARow;
  private long openSince;
  private String last = "";

  /**
   * @param declared null for one that never opens
   * @param clock epoch milliseconds
   */
  CircuitBreaker(String version, @Nullable Breaker declared, LongSupplier clock) {
    this.version = version;
    this.declared = declared;
    this.clock = clock;
  }

  State state() {
    return state;
  }

  /** Why no batch may be given to the version now; null when one may. */
  @Nullable String refusal() {
    if (state != State.OPEN || declared == null) {
      return null;
    }
    long until = openSince + declared.resetAfter();
    if (clock.getAsLong() >= until) {
      state = State.HALF_OPEN;
      LOG.info("Breaker of {} is half open: the next batch tries", version);
      return null;
    }
    return "%s: breaker open since %s, after %d failed batches in a row; one tries again at %s; the last: %s"
        .formatted(
            version, Instant.ofEpochMilli(openSince), inARow, Instant.ofEpochMilli(until), last);
  }

  void succeeded() {
    if (inARow > 0) {
      LOG.info("{} scores again after {} failed batches", version, inARow);
      inARow = 0;
    }
    if (state != State.CLOSED) {
      state = State.CLOSED;
      LOG.info("Breaker of {} is closed", version);
    }
  }

  /**
   * @param why the whole batch failed
   */
  void failed(String why) {
    inARow++;
    last = why;
    if (inARow == 1) {
      LOG.warn("A batch failed: {}", why);
    }
    if (declared != null && (state == State.HALF_OPEN || inARow >= declared.failures())) {
      state = State.OPEN;
      openSince = clock.getAsLong();
      LOG.warn(
          "Breaker of {} is open for {} ms: {} batches in a row failed",
          version,
          declared.resetAfter(),
          inARow);
    }
  }
}
