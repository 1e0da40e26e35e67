package io.pelton.it;

import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.feature.FeatureRow;
import io.pelton.feature.job.FeatureJob;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * A pipeline's feature job that is ended again and again, and goes on from its state with another
 * parallelism and backend: what {@code pelton run feature --state} does, in this process.
 */
final class FeatureLegs implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final CardPipeline pipeline;
  private final Path state;
  private final CommittedTopic<FeatureRow> features;
  private final String[] options;
  private EmbeddedFlink flink;
  private JobClient job;

  /**
   * @param more options of the job
   */
  FeatureLegs(KafkaSettings kafka, CardPipeline pipeline, Path state, String... more) {
    this.pipeline = pipeline;
    this.state = state;
    features = CommittedTopic.features(kafka, pipeline.definition());
    List<String> all =
        new ArrayList<>(
            List.of(
                "--pipeline",
                pipeline.file().toString(),
                "--brokers",
                kafka.brokers(),
                "--checkpoint-interval",
                "0.3"));
    all.addAll(List.of(more));
    options = all.toArray(String[]::new);
  }

  /** Begins, or goes on from the newest checkpoint or savepoint. */
  void start(EmbeddedFlink.State backend, int parallelism) throws Exception {
    flink = EmbeddedFlink.start(parallelism, state, backend, new Configuration());
    JobOptions parsed = JobOptions.parse("FeatureJob", options);
    Configuration settings = JobEnvironment.settings(parsed.configuration());
    Path newest = newest();
    if (newest != null) {
      settings.set(StateRecoveryOptions.SAVEPOINT_PATH, newest.toUri().toString());
    }
    StreamExecutionEnvironment environment = flink.environment(settings);
    environment.setParallelism(parallelism);
    job = environment.executeAsync(FeatureJob.define(environment, parsed));
  }

  /** The newest completed checkpoint or savepoint; null when there is none. */
  private Path newest() throws Exception {
    if (!Files.isDirectory(state)) {
      return null;
    }
    try (Stream<Path> files = Files.walk(state)) {
      return files
          .filter(path -> path.endsWith("_metadata"))
          .max(Comparator.comparingLong(path -> path.toFile().lastModified()))
          .map(Path::getParent)
          .orElse(null);
    }
  }

  /** Waits until a checkpoint has completed. */
  void awaitCheckpoint() {
    Await.until(
        "a checkpoint in " + state,
        PATIENCE,
        () -> {
          requireRunning();
          return newest() != null;
        });
  }

  /** Waits until so many feature rows were committed, by all legs together. */
  List<FeatureRow> awaitFeatures(int count) throws Exception {
    Await.until(
        count + " rows of " + pipeline.definition().name(),
        PATIENCE,
        () -> {
          requireRunning();
          return features.read().size() >= count;
        });
    return features.read();
  }

  private void requireRunning() throws Exception {
    if (job.getJobStatus().get().isTerminalState()) {
      job.getJobExecutionResult().get();
      throw new AssertionError("the job has ended");
    }
  }

  /** Stops at a savepoint that any backend can read. */
  void stop() throws Exception {
    job.stopWithSavepoint(false, null, SavepointFormatType.CANONICAL)
        .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    flink.close();
  }

  /** Ends it at once: what came since the last checkpoint is undone. */
  void kill() throws Exception {
    flink.close();
  }

  @Override
  public void close() throws Exception {
    features.close();
    flink.close();
  }
}
