package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Step;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of commands when brokers fail. */
@Timeout(30)
final class ListeningTest {
  private static final RolloutPlan ONE = RolloutPlan.of("fraud", 1).deploy(2, Step.ALWAYS);
  private static final RolloutPlan TWO = ONE.deploy(3, Step.ALWAYS);

  /** What happens next to whoever listens: a plan, silence, or a failure. */
  private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();

  private final BlockingQueue<RolloutPlan> heard = new LinkedBlockingQueue<>();
  private final BlockingQueue<Boolean> polled = new LinkedBlockingQueue<>();
  private final List<RolloutStatus> told = new CopyOnWriteArrayList<>();
  private final AtomicInteger opened = new AtomicInteger();
  private final AtomicInteger closed = new AtomicInteger();
  private final AtomicInteger refusals = new AtomicInteger();
  private final AtomicLong now = new AtomicLong(1_000_000);
  private final Clock clock =
      new Clock() {
        @Override
        public ZoneOffset getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          return this;
        }

        @Override
        public Instant instant() {
          return Instant.ofEpochMilli(now.get());
        }
      };

  private Listening listening;

  private static final Object AWAY = new Object();
  private static final Object WOKEN = new Object();

  private final class FakeEar implements Listening.Ear {
    private boolean answered;

    @Override
    public Optional<RolloutPlan> poll(Duration patience) {
      Object event;
      try {
        event = events.take();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      answered = event instanceof RolloutPlan;
      if (event == WOKEN || event instanceof String) {
        throw new IllegalStateException(String.valueOf(event));
      }
      return event instanceof RolloutPlan plan ? Optional.of(plan) : Optional.empty();
    }

    @Override
    public boolean answered() {
      return answered;
    }

    @Override
    public void wakeUp() {
      events.add(WOKEN);
    }

    @Override
    public void tell(RolloutStatus status) {
      told.add(status);
    }

    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }

  private Listening.Ear open() throws IOException {
    if (refusals.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      polled.add(false);
      throw new IOException("no broker");
    }
    opened.incrementAndGet();
    return new FakeEar();
  }

  private void listen() throws Exception {
    listening =
        new Listening(
                "fraud", this::open, heard::add, clock, Duration.ofMillis(1), Duration.ofMillis(4))
            .start();
  }

  private RolloutPlan next() throws InterruptedException {
    return heard.poll(20, TimeUnit.SECONDS);
  }

  @AfterEach
  void close() throws Exception {
    if (listening != null) {
      listening.close();
      assertThat(closed).hasValue(opened.get());
    }
  }

  @Test
  void hearsAgainAfterEveryFailure() throws Exception {
    listen();
    events.add(ONE);
    assertThat(next()).isEqualTo(ONE);
    refusals.set(5); // and then the brokers do not even let it look
    events.add("not allowed");
    events.add(TWO);
    assertThat(next()).isEqualTo(TWO);
    assertThat(opened).hasValue(2);
    assertThat(polled).hasSize(5);
  }

  @Test
  void saysHowLongNothingWasHeard() throws Exception {
    listen();
    events.add(ONE);
    next();
    assertThat(listening.unheardMillis()).isZero();
    now.addAndGet(Listening.AWAY.toMillis() - 1);
    assertThat(listening.unheardMillis()).isZero();
    now.addAndGet(60_000);
    events.add(AWAY);
    assertThat(listening.unheardMillis()).isEqualTo(Listening.AWAY.toMillis() - 1 + 60_000);
    events.add(TWO);
    next();
    assertThat(listening.unheardMillis()).isZero();
  }

  @Test
  void tellsWhatCouldNotBeToldWhenItHearsAgain() throws Exception {
    listen();
    refusals.set(Integer.MAX_VALUE);
    events.add("gone");
    polled.poll(20, TimeUnit.SECONDS); // from here on there is nobody to tell
    RolloutStatus status = status();
    listening.tell(status);
    assertThat(told).isEmpty();
    refusals.set(0);
    events.add(ONE);
    next();
    assertThat(told).containsExactly(status);
  }

  @Test
  void tellsAgainWhatItServesWhenItHearsAgain() throws Exception {
    listen();
    RolloutStatus status = status();
    listening.tell(status);
    events.add("gone");
    events.add(ONE);
    next();
    assertThat(told).containsExactly(status, status);
  }

  @Test
  void closesWhatItHeardByOfATaskThatIsInterrupted() throws Exception {
    listen();
    Thread.currentThread().interrupt(); // as Flink does to a task that it cancels
    try {
      listening.close();
      assertThat(Thread.interrupted()).isTrue();
    } catch (InterruptedException e) {
      assertThat(e).hasNoCause(); // it need not wait for the end of the other thread
    }
    while (closed.get() < opened.get()) {
      Thread.sleep(1);
    }
  }

  @Test
  void failsWhenItCannotBeginToListen() {
    refusals.set(1);
    assertThatThrownBy(this::listen).hasMessage("no broker");
  }

  private static RolloutStatus status() {
    return RolloutStatus.newBuilder()
        .setModel("fraud")
        .setJob("job")
        .setSubtask(0)
        .setSubtasks(1)
        .setAt(Instant.EPOCH)
        .setRevision(1)
        .setState(RolloutState.SERVING)
        .setServing("champion @2")
        .setServingRevision(1)
        .setDetail("")
        .setPlan(List.of())
        .build();
  }
}
