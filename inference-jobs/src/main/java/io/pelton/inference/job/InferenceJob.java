package io.pelton.inference.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.Decoded;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaSinks;
import io.pelton.job.KafkaSources;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import java.io.IOException;
import java.util.List;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.jspecify.annotations.Nullable;

/** The inference job on Kafka: the features topic in; predictions and dead letters out. */
public final class InferenceJob {
  /** The job's part in the names of groups and transactions. */
  public static final String NAME = "inference";

  private InferenceJob() {}

  public static void main(String[] arguments) throws Exception {
    JobOptions options = JobOptions.parse("InferenceJob", arguments);
    StreamExecutionEnvironment environment = JobEnvironment.streaming(options.configuration());
    environment.execute(define(environment, options));
  }

  /** Defines the job in an environment and gives its name. */
  public static String define(StreamExecutionEnvironment environment, JobOptions options)
      throws Exception {
    PipelineDefinition pipeline = options.pipeline();
    options.refuseHistory();
    options.refuseFeatureLog();
    ModelSource model = model(pipeline, options);
    KafkaSinks sinks =
        options.sinks(
            pipeline,
            NAME,
            List.of(
                Topic.FEATURES,
                Topic.PREDICTIONS,
                Topic.SHADOW,
                Topic.DEAD_LETTERS,
                Topic.CONTROL,
                Topic.STATUS,
                Topic.AUDIT,
                Topic.SCHEMAS));

    Decoded<FeatureRow> features =
        new KafkaSources(environment, options.kafka(), pipeline)
            .features(
                new KafkaSources.Reading(
                    options.group(pipeline, NAME),
                    OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST),
                    false,
                    pipeline.allowedLateness(),
                    pipeline.events().idleAfter()));

    InferenceOutputs outputs =
        InferenceTopology.build(
            features.rows(),
            pipeline,
            model.registry(),
            model.plan(),
            control(pipeline, options),
            sinks.predictionSchemas());

    outputs.predictions().sinkTo(sinks.predictions()).uid("predictions-sink").name("predictions");
    outputs.shadows().sinkTo(sinks.shadows()).uid("shadows-sink").name("shadows");
    outputs
        .deadLetters()
        .union(features.deadLetters())
        .sinkTo(sinks.deadLetters())
        .uid("inference-dead-letters-sink")
        .name("dead letters");
    return pipeline.name() + " inference";
  }

  /**
   * The version that the options name now, or that the champion of the pipeline's model is now: an
   * alias that moves while the job runs must not let its subtasks serve different versions.
   *
   * @throws IOException when the registry has no such version
   */
  public static ModelSource model(PipelineDefinition pipeline, JobOptions options)
      throws IOException {
    ModelSource champion = ModelSource.champion(options.registry(pipeline), pipeline);
    return options.model() == null
        ? champion.pinned()
        : new ModelSource(champion.registry(), options.model()).pinned();
  }

  /** Where a job hears of other versions; null when it is told to serve one. */
  public static @Nullable Control control(PipelineDefinition pipeline, JobOptions options)
      throws IOException {
    return options.model() == null ? new KafkaControl(options.kafka(), pipeline) : null;
  }
}
