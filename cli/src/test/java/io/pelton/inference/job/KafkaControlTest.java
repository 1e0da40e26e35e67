package io.pelton.inference.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.pelton.cli.embedded.EmbeddedKafka;
import io.pelton.job.ControlTopic;
import io.pelton.job.KafkaSettings;
import io.pelton.job.StatusTopic;
import io.pelton.job.Topics;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.pipeline.Topic;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.RolloutRecord;
import io.pelton.rollout.Step;
import io.pelton.schemas.RolloutAudit;
import io.pelton.schemas.RolloutAuditKind;
import io.pelton.schemas.RolloutState;
import io.pelton.schemas.RolloutStatus;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands of a real broker. */
@Timeout(240)
class KafkaControlTest {
  @TempDir Path directory;

  @Test
  void commandsAreHeardAgainWhenTheBrokerIsBack() throws Exception {
    PipelineDefinition pipeline =
        PipelineFile.read(Path.of("../examples/card-fraud/pipeline.yaml"));
    BlockingQueue<RolloutPlan> heard = new LinkedBlockingQueue<>();
    EmbeddedKafka broker = EmbeddedKafka.start(directory);
    int port = broker.port();
    KafkaSettings kafka = KafkaSettings.of(broker.bootstrapServers());
    Topics.ensure(
        kafka,
        Topics.of(pipeline, List.of(Topic.CONTROL, Topic.STATUS, Topic.AUDIT, Topic.SCHEMAS), 1),
        true,
        Topics.TIMEOUT);
    RolloutPlan one = RolloutPlan.of("card-fraud", 1).deploy(2, Step.ALWAYS);
    RolloutPlan two = one.deploy(3, Step.ALWAYS);
    ControlTopic topic = new ControlTopic(kafka, pipeline);
    write(topic, one);
    try (Control.Following following =
        new KafkaControl(kafka, pipeline).follow("card-fraud", heard::add, status -> {})) {
      assertThat(heard.poll(60, TimeUnit.SECONDS)).isEqualTo(one);
      assertThat(following.unheardMillis()).isZero();

      broker.close();
      while (following.unheardMillis() == 0) {
        Thread.sleep(1);
      }
      assertThat(following.unheardMillis()).isGreaterThanOrEqualTo(10_000);

      broker = EmbeddedKafka.start(directory, port);
      write(topic, two);
      RolloutPlan next = heard.poll(60, TimeUnit.SECONDS);
      assertThat(next).isEqualTo(two);
      assertThat(following.unheardMillis()).isZero();
    } finally {
      broker.close();
    }
  }

  @Test
  void whatIsRepeatedOfAPlanWithATimeIsNoNews() throws Exception {
    PipelineDefinition pipeline =
        PipelineFile.read(Path.of("../examples/card-fraud/pipeline.yaml"));
    try (EmbeddedKafka broker = EmbeddedKafka.start(directory)) {
      KafkaSettings kafka = KafkaSettings.of(broker.bootstrapServers());
      Topics.ensure(
          kafka,
          Topics.of(pipeline, List.of(Topic.CONTROL, Topic.STATUS, Topic.AUDIT, Topic.SCHEMAS), 1),
          true,
          Topics.TIMEOUT);
      RolloutPlan one = RolloutPlan.of("card-fraud", 1).deploy(2, 1_000);
      RolloutPlan two = one.deploy(3, Step.ALWAYS);
      BlockingQueue<Long> heard = new LinkedBlockingQueue<>();
      try (Control.Following following =
              new KafkaControl(kafka, pipeline)
                  .follow("card-fraud", plan -> {}, status -> heard.add(status.getRevision()));
          StatusTopic statuses = new StatusTopic(kafka, pipeline, "card-fraud")) {
        following.tell(serving(one));
        Instant said = awaitWordAfter(Instant.EPOCH, statuses);
        awaitWordAfter(said, statuses);

        assertThat(statuses.words()).allMatch(word -> !word.status().getEnded());
        following.tell(serving(two));
        assertThat(heard.poll(60, TimeUnit.SECONDS)).isEqualTo(one.revision());
        assertThat(heard.poll(60, TimeUnit.SECONDS)).isEqualTo(two.revision());
        assertThat(heard).isEmpty();
      }
    }
  }

  private static Instant awaitWordAfter(Instant before, StatusTopic statuses) throws Exception {
    while (statuses.words().stream().noneMatch(word -> word.heard().isAfter(before))) {
      statuses.poll(Duration.ofMillis(100));
    }
    return statuses.words().get(0).heard();
  }

  private static RolloutStatus serving(RolloutPlan plan) {
    return RolloutRecord.serving(
            RolloutStatus.newBuilder()
                .setModel(plan.model())
                .setJob("job")
                .setSubtask(0)
                .setSubtasks(1)
                .setAt(Instant.EPOCH)
                .setRevision(plan.revision())
                .setState(RolloutState.SERVING)
                .setDetail(""),
            plan)
        .build();
  }

  private static void write(ControlTopic topic, RolloutPlan plan) throws Exception {
    try (ControlTopic.Writer writer = topic.writer()) {
      writer.write(
          RolloutRecord.of(plan, "", Instant.EPOCH, "test"),
          RolloutAudit.newBuilder()
              .setModel(plan.model())
              .setRevision(plan.revision())
              .setAt(Instant.EPOCH)
              .setKind(RolloutAuditKind.COMMANDED)
              .build());
    }
  }
}
