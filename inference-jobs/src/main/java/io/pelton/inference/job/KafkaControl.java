package io.pelton.inference.job;

import io.pelton.job.ControlTopic;
import io.pelton.job.KafkaSettings;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.rollout.RolloutPlan;
import io.pelton.schemas.RolloutStatus;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Plans of the pipeline's control topic; what becomes of them goes to its status topic. */
public record KafkaControl(KafkaSettings kafka, PipelineDefinition pipeline) implements Control {
  private static final long serialVersionUID = 1;
  private static final Logger LOG = LoggerFactory.getLogger(KafkaControl.class);
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  @Override
  public Optional<RolloutPlan> newest(String model) throws Exception {
    return new ControlTopic(kafka, pipeline).plan(model);
  }

  @Override
  public Following follow(
      String model, Consumer<RolloutPlan> plans, Consumer<RolloutStatus> statuses)
      throws Exception {
    ControlTopic.Follower follower = new ControlTopic(kafka, pipeline).follow(model);
    Thread thread =
        new Thread(() -> follow(model, follower, plans, statuses), "pelton-control-" + model);
    thread.setDaemon(true);
    thread.setContextClassLoader(KafkaControl.class.getClassLoader());
    thread.start();
    return new Following() {
      @Override
      public void tell(RolloutStatus status) {
        follower.tell(status);
      }

      @Override
      public void close() throws InterruptedException {
        follower.wakeUp();
        thread.join();
        follower.close();
      }
    };
  }

  private static void follow(
      String model,
      ControlTopic.Follower follower,
      Consumer<RolloutPlan> plans,
      Consumer<RolloutStatus> statuses) {
    try {
      while (true) {
        follower.poll(PATIENCE, statuses).ifPresent(plans);
      }
    } catch (WakeupException | RejectedExecutionException e) {
      LOG.debug("model {} is served no more", model);
    } catch (RuntimeException e) {
      LOG.error("commands for model {} are heard no more: start the job again", model, e);
    }
  }
}
