package io.pelton.inference.job;

import io.pelton.rollout.RolloutPlan;
import io.pelton.schemas.RolloutStatus;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears of plans in a thread of its own until it is closed: what fails is opened again, after a
 * while that grows, and how long nothing could be heard is known.
 */
final class Listening implements Control.Following {
  private static final Logger LOG = LoggerFactory.getLogger(Listening.class);
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  /** Brokers that have not answered for so long are away. */
  static final Duration AWAY = Duration.ofSeconds(10);

  /** An open look at the commands. */
  interface Ear extends AutoCloseable {
    /** The newest plan that comes within a while. */
    Optional<RolloutPlan> poll(Duration patience);

    /** Whether the brokers have answered since this was last asked. */
    boolean answered();

    /** Ends a {@link #poll} that waits, now or next, with an exception. */
    void wakeUp();

    /** Writes a status, at some time soon. */
    void tell(RolloutStatus status);

    @Override
    void close();
  }

  /** Opens one. */
  interface Ears {
    Ear open() throws Exception;
  }

  private final String model;
  private final Ears ears;
  private final Consumer<RolloutPlan> plans;
  private final Clock clock;
  private final Duration shortest;
  private final Duration longest;
  private final Thread thread;
  private final CountDownLatch closing = new CountDownLatch(1);

  /** Null while it cannot be opened. */
  private @Nullable Ear ear;

  /** What could not be told meanwhile. */
  private final Queue<RolloutStatus> untold = new ArrayDeque<>();

  private @Nullable RolloutStatus last;

  private volatile long lastHeard;
  private boolean away;

  /**
   * @param shortest how long it waits before it opens again what failed; twice as long each time
   * @throws Exception when it cannot be opened the first time
   */
  Listening(
      String model,
      Ears ears,
      Consumer<RolloutPlan> plans,
      Clock clock,
      Duration shortest,
      Duration longest)
      throws Exception {
    this.model = model;
    this.ears = ears;
    this.plans = plans;
    this.clock = clock;
    this.shortest = shortest;
    this.longest = longest;
    ear = ears.open();
    lastHeard = clock.millis();
    thread = new Thread(this::run, "pelton-control-" + model);
    thread.setDaemon(true);
    thread.setContextClassLoader(Listening.class.getClassLoader());
  }

  Listening start() {
    thread.start();
    return this;
  }

  private void run() {
    try {
      listen();
    } finally {
      shut(); // here, for the thread that closes may be interrupted
    }
  }

  private void listen() {
    Duration wait = shortest;
    while (!closed()) {
      try {
        Ear open = opened();
        while (!closed()) {
          Optional<RolloutPlan> plan = open.poll(PATIENCE);
          if (note(open.answered())) {
            wait = shortest;
          }
          plan.ifPresent(plans);
        }
      } catch (RejectedExecutionException e) {
        LOG.debug("model {} is served no more", model);
        return;
      } catch (Exception e) {
        if (closed()) {
          return;
        }
        LOG.warn(
            "commands for model {} cannot be heard: {}; tried again in {} ms",
            model,
            e,
            wait.toMillis());
        LOG.debug("where that came from", e);
        shut();
        if (waited(wait)) {
          return;
        }
        wait = wait.multipliedBy(2).compareTo(longest) < 0 ? wait.multipliedBy(2) : longest;
      }
    }
  }

  private boolean closed() {
    return closing.getCount() == 0;
  }

  /** Whether it is closed meanwhile. */
  private boolean waited(Duration wait) {
    try {
      return closing.await(wait.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      return true;
    }
  }

  private Ear opened() throws Exception {
    Ear known = current();
    if (known != null) {
      return known;
    }
    Ear open = ears.open();
    synchronized (this) {
      ear = open;
      if (untold.isEmpty() && last != null) {
        open.tell(last); // who says nothing is taken not to run
      }
      untold.forEach(open::tell);
      untold.clear();
    }
    return open;
  }

  private synchronized @Nullable Ear current() {
    return ear;
  }

  private void shut() {
    Ear broken;
    synchronized (this) {
      broken = ear;
      ear = null;
    }
    if (broken != null) {
      try {
        broken.close();
      } catch (RuntimeException e) {
        LOG.debug("what failed cannot be closed", e);
      }
    }
  }

  private boolean note(boolean answered) {
    if (answered) {
      lastHeard = clock.millis();
      if (away) {
        LOG.info("Commands for model {} are heard again", model);
      }
      away = false;
    } else if (!away && unheardMillis() > 0) {
      away = true;
      LOG.warn(
          "commands for model {} have not been heard since {}: the brokers do not answer",
          model,
          Instant.ofEpochMilli(lastHeard));
    }
    return answered;
  }

  @Override
  public synchronized void tell(RolloutStatus status) {
    last = status;
    if (ear == null) {
      untold.add(status);
    } else {
      ear.tell(status);
    }
  }

  @Override
  public long unheardMillis() {
    long since = clock.millis() - lastHeard;
    return since < AWAY.toMillis() ? 0 : since;
  }

  @Override
  public void close() throws InterruptedException {
    closing.countDown();
    Ear open = current();
    if (open != null) {
      open.wakeUp();
    }
    thread.join();
  }
}
