package io.pelton.inference.job;

import io.pelton.job.ControlTopic;
import io.pelton.job.KafkaSettings;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.rollout.RolloutPlan;
import io.pelton.schemas.RolloutStatus;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;

/** Plans of the pipeline's control topic; what becomes of them goes to its status topic. */
public record KafkaControl(KafkaSettings kafka, PipelineDefinition pipeline) implements Control {
  private static final long serialVersionUID = 1;
  private static final Duration SHORTEST = Duration.ofSeconds(1);
  private static final Duration LONGEST = Duration.ofMinutes(1);

  @Override
  public Optional<RolloutPlan> newest(String model) throws Exception {
    return new ControlTopic(kafka, pipeline).plan(model);
  }

  @Override
  public Following follow(
      String model, Consumer<RolloutPlan> plans, Consumer<RolloutStatus> statuses)
      throws Exception {
    return new Listening(
            model,
            () -> new KafkaEar(new ControlTopic(kafka, pipeline).follow(model), statuses),
            plans,
            Clock.systemUTC(),
            SHORTEST,
            LONGEST)
        .start();
  }

  private static final class KafkaEar implements Listening.Ear {
    private final ControlTopic.Follower follower;
    private final Consumer<RolloutStatus> statuses;
    private double answers;

    KafkaEar(ControlTopic.Follower follower, Consumer<RolloutStatus> statuses) {
      this.follower = follower;
      this.statuses = statuses;
    }

    @Override
    public Optional<RolloutPlan> poll(Duration patience) {
      return follower.poll(patience, statuses);
    }

    @Override
    public boolean answered() {
      double before = answers;
      answers = follower.answers();
      return answers > before;
    }

    @Override
    public void wakeUp() {
      follower.wakeUp();
    }

    @Override
    public void tell(RolloutStatus status) {
      follower.tell(status);
    }

    @Override
    public void close() {
      follower.close();
    }
  }
}
