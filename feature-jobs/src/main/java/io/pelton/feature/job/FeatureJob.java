package io.pelton.feature.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.FeatureLog;
import io.pelton.job.Incoming;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaSinks;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import java.io.IOException;
import java.util.List;
import java.util.Properties;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerConfig;

/**
 * The feature job on Kafka: the events topic in; features, late events and dead letters out, and
 * the feature log.
 */
public final class FeatureJob {
  /** The job's part in the names of groups and transactions. */
  public static final String NAME = "feature";

  private FeatureJob() {}

  public static void main(String[] arguments) throws Exception {
    JobOptions options = JobOptions.parse("FeatureJob", arguments);
    StreamExecutionEnvironment environment = JobEnvironment.streaming(options.configuration());
    environment.execute(define(environment, options));
  }

  /** Defines the job in an environment and gives its name. */
  public static String define(StreamExecutionEnvironment environment, JobOptions options)
      throws Exception {
    PipelineDefinition pipeline = options.pipeline();
    options.refuseModel();
    KafkaSinks sinks =
        options.sinks(
            pipeline,
            NAME,
            List.of(
                Topic.EVENTS,
                Topic.OUTCOMES,
                Topic.FEATURES,
                Topic.LATE,
                Topic.DEAD_LETTERS,
                Topic.SCHEMAS));

    FeatureOutputs outputs = features(environment, pipeline, options, sinks, NAME);

    outputs.features().sinkTo(sinks.features()).uid("features-sink").name("features");
    log(outputs.features(), pipeline, options);
    outputs.late().sinkTo(sinks.late()).uid("late-sink").name("late");
    outputs
        .deadLetters()
        .sinkTo(sinks.deadLetters())
        .uid("feature-dead-letters-sink")
        .name("dead letters");
    return pipeline.name() + " features";
  }

  /** Logs feature rows to files, where the pipeline file or an option asks for it. */
  public static void log(
      DataStream<FeatureRow> rows, PipelineDefinition pipeline, JobOptions options)
      throws IOException {
    String directory = options.featureLog(pipeline);
    if (directory != null) {
      FeatureLog.write(rows, pipeline, directory);
    }
  }

  /**
   * The pipeline's features of events, outcomes and tables, as a job reads them from Kafka.
   *
   * @param declared the pipeline as its file gives it
   * @param job names the consumer group
   */
  public static FeatureOutputs features(
      StreamExecutionEnvironment environment,
      PipelineDefinition declared,
      JobOptions options,
      KafkaSinks sinks,
      String job)
      throws Exception {
    PipelineDefinition pipeline = TableFiles.pinned(options.withTables(declared));
    Properties client = options.kafka().consumer(pipeline.latency());
    client.setProperty(ConsumerConfig.GROUP_ID_CONFIG, options.group(pipeline, job));
    List<String> outcomeHistory = options.outcomes(pipeline);
    DataStream<Incoming> events =
        EventSources.kafka(
            environment,
            pipeline,
            client,
            sinks.schemaStore(),
            EventSources.resolve(options.history(), pipeline));
    DataStream<Incoming> outcomes =
        pipeline.featuresOfOutcomes().isEmpty()
            ? null
            : EventSources.outcomes(
                environment,
                pipeline,
                client,
                sinks.schemaStore(),
                EventSources.resolveOutcomes(outcomeHistory, pipeline));
    return FeatureTopology.build(
        events,
        outcomes,
        EventSources.tables(environment, pipeline, client, sinks.schemaStore()),
        pipeline,
        !options.history().isEmpty());
  }
}
