package io.pelton.job;

import io.pelton.pipeline.Delivery;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.Latency;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.pipeline.Table;
import io.pelton.pipeline.Topic;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a streaming job is told on its command line; the same for all of them. */
public final class JobOptions {
  @Mixin private TopicOptions kafka = new TopicOptions();

  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "The model registry; replaces the pipeline file's.")
  private @Nullable String registry;

  @Option(
      names = "--model",
      paramLabel = "NAME[@VERSION]",
      description = "The model to serve; else the champion of the pipeline's model.")
  private @Nullable String model;

  @Option(
      names = "--group",
      paramLabel = "GROUP",
      description = "Kafka consumer group; default <pipeline>-<job>.")
  private @Nullable String group;

  @Option(
      names = "--history",
      paramLabel = "FILES",
      description =
          "Event files that fill the feature state before the topic is read, so that wide windows"
              + " are right from the first event on; repeatable. Give them again when you resume.")
  private List<String> history = new ArrayList<>();

  @Option(
      names = "--outcomes",
      paramLabel = "FILES",
      description =
          "Outcome files of the events in --history, for features that aggregate outcomes;"
              + " repeatable. Give them again when you resume.")
  private List<String> outcomes = new ArrayList<>();

  @Mixin private TableOptions tables = new TableOptions();

  @Option(
      names = "--feature-log",
      paramLabel = "DIR",
      description =
          "Log every feature row to files here, by event date; replaces the pipeline file's"
              + " feature-log.")
  private @Nullable String featureLog;

  @Option(
      names = "--delivery",
      paramLabel = "GUARANTEE",
      description =
          "exactly-once (records show when a checkpoint completes) or at-least-once (they show at"
              + " once, again after a failure), or that of some topics:"
              + " predictions=at-least-once,…; replaces the pipeline file's delivery.")
  private @Nullable String delivery;

  @Option(
      names = "--latency",
      paramLabel = "PROFILE",
      description =
          "low, balanced or throughput: how long records may be gathered at each step; replaces"
              + " the pipeline file's latency.")
  private @Nullable String latency;

  @Option(
      names = "--checkpoint-interval",
      paramLabel = "SECONDS",
      description = "Seconds between checkpoints; default ${DEFAULT-VALUE}.")
  private double checkpointSeconds = 10;

  /**
   * Reads a job's arguments.
   *
   * @throws IllegalArgumentException that says what is wrong with them and what they may be
   */
  public static JobOptions parse(String job, String... arguments) {
    JobOptions options = new JobOptions();
    CommandLine line = new CommandLine(options).setCommandName(job);
    try {
      line.parseArgs(arguments);
    } catch (CommandLine.ParameterException e) {
      throw new IllegalArgumentException(e.getMessage() + "\n" + line.getUsageMessage(), e);
    }
    return options;
  }

  /**
   * Reads the pipeline file, with the delivery and latency that the options give in place of the
   * file's.
   *
   * @throws InvalidPipelineException with all that is wrong with it
   * @throws IllegalArgumentException when {@code --delivery} or {@code --latency} says what there
   *     is not
   */
  public PipelineDefinition pipeline() throws InvalidPipelineException {
    PipelineDefinition pipeline =
        PipelineFile.read(kafka.pipelineFile(), latency == null ? null : Latency.named(latency));
    return delivery == null ? pipeline : pipeline.with(Delivery.parse(delivery));
  }

  /**
   * @throws IOException when the file with Kafka's settings cannot be read
   */
  public KafkaSettings kafka() throws IOException {
    return kafka.settings();
  }

  /**
   * Where the registry lies: as given, or as the pipeline file says, relative to that file.
   *
   * @throws IllegalArgumentException when neither says
   */
  public String registry(PipelineDefinition pipeline) {
    return registry(registry, pipeline, kafka.pipelineFile());
  }

  /**
   * Where the registry lies: {@code given}, or as the pipeline file says, relative to that file.
   *
   * @throws IllegalArgumentException when neither says
   */
  public static String registry(
      @Nullable String given, PipelineDefinition pipeline, Path pipelineFile) {
    if (given != null) {
      return given;
    }
    if (pipeline.registry() == null) {
      throw new IllegalArgumentException(
          "there is no registry: name one under registry: in "
              + pipelineFile
              + ", or give --registry DIR");
    }
    return beside(pipelineFile, pipeline.registry());
  }

  /** A directory as a pipeline file names it, relative to that file. */
  private static String beside(Path pipelineFile, String directory) {
    return directory.contains("://")
        ? directory
        : pipelineFile.toAbsolutePath().resolveSibling(directory).normalize().toString();
  }

  /** Where feature rows are logged: as given, or as the pipeline file says; null for nowhere. */
  public @Nullable String featureLog(PipelineDefinition pipeline) {
    return featureLog(featureLog, pipeline, kafka.pipelineFile());
  }

  /** The same: {@code given}, or as the pipeline file says, relative to that file. */
  public static @Nullable String featureLog(
      @Nullable String given, PipelineDefinition pipeline, Path pipelineFile) {
    return given != null || pipeline.featureLog() == null
        ? given
        : beside(pipelineFile, pipeline.featureLog());
  }

  /** The model to serve, null for the champion of the pipeline's model. */
  public @Nullable String model() {
    return model;
  }

  /** Paths and globs of the event files that fill the feature state first. */
  public List<String> history() {
    return List.copyOf(history);
  }

  /**
   * Paths and globs of the outcome files that go with {@link #history}.
   *
   * @throws IllegalArgumentException when they are missing and features need them, or given and
   *     nothing reads them
   */
  public List<String> outcomes(PipelineDefinition pipeline) {
    List<String> features = pipeline.featuresOfOutcomes();
    if (!outcomes.isEmpty() && features.isEmpty()) {
      throw new IllegalArgumentException(
          "--outcomes "
              + outcomes.get(0)
              + ": no feature of the pipeline has source: outcomes; leave the option out");
    }
    if (outcomes.isEmpty() != history.isEmpty() && !features.isEmpty()) {
      throw new IllegalArgumentException(
          outcomes.isEmpty()
              ? "--history without --outcomes FILES: the outcomes of those events are missing, which"
                  + " %s aggregate; give them".formatted(String.join(", ", features))
              : "--outcomes "
                  + outcomes.get(0)
                  + ": they are of events in --history FILES, but there are none; give both");
    }
    return List.copyOf(outcomes);
  }

  /**
   * The pipeline with the rows of its tables from where {@code --table} says: files in place of a
   * table's own, and beside the topic of one of a topic.
   *
   * @throws IllegalArgumentException when the option names no table, or there is history but not
   *     the rows of that time
   */
  public PipelineDefinition withTables(PipelineDefinition pipeline) {
    PipelineDefinition given = tables.apply(pipeline, true);
    for (Table table : given.tables()) {
      if (!history.isEmpty() && table.streamed() && table.inputs().isEmpty()) {
        throw new IllegalArgumentException(
            "--history without --table %s=FILES: table %s is of topic %s, which holds the newest row of a key, not those of the time of that history; give files with them"
                .formatted(table.name(), table.name(), table.topic()));
      }
    }
    return given;
  }

  /** The consumer group of a job. */
  public String group(PipelineDefinition pipeline, String job) {
    return group != null ? group : pipeline.name() + "-" + job;
  }

  /**
   * Sees to the topics that a job reads and writes, and gives its sinks.
   *
   * @param job names the job in transactional ids
   * @throws KafkaUnavailableException when the brokers do not answer or refuse
   */
  public KafkaSinks sinks(PipelineDefinition pipeline, String job, List<Topic> topics)
      throws IOException, KafkaUnavailableException {
    kafka.ensure(pipeline, topics);
    KafkaSinks sinks = new KafkaSinks(kafka(), pipeline, job);
    sinks.publishSchemas();
    return sinks;
  }

  /**
   * @throws IllegalArgumentException when {@code --model} was given to a job that serves none
   */
  public void refuseModel() {
    if (model != null) {
      throw new IllegalArgumentException(
          "--model " + model + ": this job serves no model; leave the option out");
    }
  }

  /**
   * @throws IllegalArgumentException when {@code --history}, {@code --outcomes} or {@code --table}
   *     was given to a job without features
   */
  public void refuseHistory() {
    tables.refuse();
    if (!outcomes.isEmpty()) {
      throw new IllegalArgumentException(
          "--outcomes "
              + outcomes.get(0)
              + ": this job computes no features; leave the option out, or give it to the feature"
              + " job");
    }
    if (!history.isEmpty()) {
      throw new IllegalArgumentException(
          "--history "
              + history.get(0)
              + ": this job computes no features; leave the option out, or give it to the feature"
              + " job");
    }
  }

  /**
   * @throws IllegalArgumentException when {@code --feature-log} was given to a job without features
   */
  public void refuseFeatureLog() {
    if (featureLog != null) {
      throw new IllegalArgumentException(
          "--feature-log "
              + featureLog
              + ": this job computes no features; leave the option out, or give it to the feature"
              + " job");
    }
  }

  /**
   * Flink settings that follow from the options and the pipeline file; the cluster's hold for the
   * rest, and for what a balanced latency is.
   *
   * @throws InvalidPipelineException with all that is wrong with the pipeline file
   * @throws IllegalArgumentException when there would be no checkpoints
   */
  public Configuration configuration() throws InvalidPipelineException {
    if (!(checkpointSeconds >= 0.1)) {
      throw new IllegalArgumentException(
          "--checkpoint-interval is "
              + checkpointSeconds
              + "; it must be 0.1 seconds or more: without checkpoints nothing is ever committed");
    }
    Configuration configuration = new Configuration();
    configuration.set(
        CheckpointingOptions.CHECKPOINTING_INTERVAL,
        Duration.ofMillis(Math.round(checkpointSeconds * 1_000)));
    configuration.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    Latency profile = pipeline().latency();
    if (profile != Latency.BALANCED) {
      configuration.set(
          ExecutionOptions.BUFFER_TIMEOUT, Duration.ofMillis(profile.bufferTimeout()));
      configuration.set(
          PipelineOptions.AUTO_WATERMARK_INTERVAL, Duration.ofMillis(profile.watermarkInterval()));
    }
    return configuration;
  }
}
