package io.pelton.job;

import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Option;

/** What everything that may create a pipeline's topics is told on its command line. */
public final class TopicOptions extends KafkaOptions {
  @Option(
      names = "--partitions",
      paramLabel = "N",
      description = "Partitions of topics that are created; default ${DEFAULT-VALUE}.")
  private int partitions = 4;

  @Option(names = "--no-create", description = "Fail when a topic is missing; do not create it.")
  private boolean noCreate;

  /**
   * Sees to it that topics are there: creates those that are missing, unless told not to.
   *
   * @throws KafkaUnavailableException when the brokers do not answer or refuse, or topics are
   *     missing and may not be created
   */
  public void ensure(PipelineDefinition pipeline, List<Topic> topics)
      throws IOException, KafkaUnavailableException {
    Topics.ensure(settings(), Topics.of(pipeline, topics, partitions), !noCreate, Topics.TIMEOUT);
  }
}
