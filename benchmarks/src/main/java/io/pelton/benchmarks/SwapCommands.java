package io.pelton.benchmarks;

import io.pelton.job.ControlTopic;
import io.pelton.job.KafkaUnavailableException;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.rollout.Step;
import io.pelton.schemas.RolloutAudit;
import io.pelton.schemas.RolloutAuditKind;
import io.pelton.schemas.RolloutState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Gives commands of some kinds in turn by the control topic, one every so often, and waits for what
 * the job says of each.
 */
final class SwapCommands {
  /** What serves at the start. */
  static final int FIRST_VERSION = 1;

  /** What cannot serve. */
  static final int BAD_VERSION = 2;

  private static final int FIRST_NEW_VERSION = 3;

  /** Those of {@link ShadowModels}, instead. */
  private static final int SLOW_VERSION = 2;

  private static final int FAILING_VERSION = 3;
  private static final String SHADOW = "beside";
  private static final String BY = "benchmark";
  private static final Duration POLL = Duration.ofMillis(100);
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(60);

  private final ControlTopic topic;
  private final String model;
  private final List<Swap.Kind> round;

  SwapCommands(ControlTopic topic, String model, List<Swap.Kind> round) {
    this.topic = topic;
    this.model = model;
    this.round = round;
  }

  /** How many good versions there must be, after the bad one, for commands at such a pace. */
  static int mostNewVersions(int seconds, double pause) {
    return (int) (seconds / pause) / Swap.Kind.SWAPS.size() + 1;
  }

  /**
   * @param within how long from now; a pause is before the first command and after the last
   * @throws IllegalStateException when the job says nothing, or something else than it must
   */
  List<Swap> give(Duration within, Duration pause) throws Exception {
    long end = System.nanoTime() + within.minus(pause).toNanos();
    List<Swap> given = new ArrayList<>();
    RolloutPlan served = RolloutPlan.of(model, FIRST_VERSION);
    try (ControlTopic.Follower follower = topic.follow(model)) {
      for (int number = 0; ; number++) {
        Thread.sleep(pause.toMillis());
        if (System.nanoTime() > end) {
          return given;
        }
        Swap.Kind kind = round.get(number % round.size());
        // A refused one leaves no trace in the next, but its revision.
        RolloutPlan now =
            new RolloutPlan(model, number, served.salt(), served.steps(), served.previous());
        RolloutPlan next =
            switch (kind) {
              case DEPLOY -> now.deploy(FIRST_NEW_VERSION + number / round.size(), Step.ALWAYS);
              case REFUSED -> now.deploy(BAD_VERSION, Step.ALWAYS);
              case ROLLBACK -> now.rollback();
              case SLOW_SHADOW -> now.shadow(SHADOW, SLOW_VERSION, 1, Step.ALWAYS);
              case FAILING_SHADOW -> now.shadow(SHADOW, FAILING_VERSION, 1, Step.ALWAYS);
              case NO_SHADOW -> now.endShadow(SHADOW, Step.ALWAYS);
            };
        long asked;
        long answered;
        RolloutState state;
        try (ControlTopic.Writer writer = topic.writer()) {
          asked = System.nanoTime();
          write(writer, kind, now, next);
          state = await(follower, next.revision());
          answered = System.nanoTime();
        }
        boolean refused = state == RolloutState.REFUSED;
        if (refused != (kind == Swap.Kind.REFUSED)) {
          throw new IllegalStateException(
              "revision %d, a %s: %s".formatted(next.revision(), kind.words(), state));
        }
        served = refused ? served : next;
        given.add(new Swap(kind, served.last().variants().get(0).version(), asked, answered));
      }
    }
  }

  private void write(
      ControlTopic.Writer writer, Swap.Kind kind, RolloutPlan before, RolloutPlan after)
      throws KafkaUnavailableException {
    Instant at = Instant.now();
    writer.write(
        RolloutRecord.of(after, kind.words(), at, BY),
        RolloutAudit.newBuilder()
            .setModel(model)
            .setRevision(after.revision())
            .setAt(at)
            .setKind(RolloutAuditKind.COMMANDED)
            .setBy(BY)
            .setCommand(kind.words())
            .setBefore(before.words())
            .setAfter(after.words())
            .build());
  }

  private static RolloutState await(ControlTopic.Follower follower, long revision) {
    AtomicReference<@Nullable RolloutState> said = new AtomicReference<>();
    long deadline = System.nanoTime() + PATIENCE;
    while (System.nanoTime() < deadline) {
      follower.poll(
          POLL,
          status -> {
            if (status.getRevision() == revision) {
              said.set(status.getState());
            }
          });
      RolloutState state = said.get();
      if (state == RolloutState.SERVING || state == RolloutState.REFUSED) {
        return state;
      }
    }
    throw new IllegalStateException("the job says nothing of revision " + revision);
  }
}
