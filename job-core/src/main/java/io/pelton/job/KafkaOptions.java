package io.pelton.job;

import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What everything that reads or writes a pipeline's topics is told on its command line. */
public class KafkaOptions {
  @Option(
      names = "--pipeline",
      required = true,
      paramLabel = "FILE",
      description = "The pipeline file.")
  private Path pipelineFile = Path.of("");

  @Option(
      names = "--brokers",
      required = true,
      paramLabel = "HOST:PORT,…",
      description = "Kafka's bootstrap servers.")
  private String brokers = "";

  @Option(
      names = "--kafka-config",
      paramLabel = "FILE",
      description = "Properties for Kafka's clients, such as TLS and SASL settings.")
  private @Nullable Path kafkaConfig;

  /** Where the pipeline file lies. */
  public Path pipelineFile() {
    return pipelineFile;
  }

  /**
   * Reads the pipeline file.
   *
   * @throws InvalidPipelineException with all that is wrong with it
   */
  public PipelineDefinition pipeline() throws InvalidPipelineException {
    return PipelineFile.read(pipelineFile);
  }

  /**
   * @throws IOException when the file with Kafka's settings cannot be read
   */
  public KafkaSettings settings() throws IOException {
    return kafkaConfig == null
        ? KafkaSettings.of(brokers)
        : KafkaSettings.read(brokers, kafkaConfig);
  }
}
