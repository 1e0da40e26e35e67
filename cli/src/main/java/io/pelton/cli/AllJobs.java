package io.pelton.cli;

import io.pelton.drift.job.DriftOutputs;
import io.pelton.drift.job.DriftTopology;
import io.pelton.drift.job.RegistryBaselines;
import io.pelton.drift.performance.PerformanceReports;
import io.pelton.feature.job.FeatureJob;
import io.pelton.feature.job.FeatureOutputs;
import io.pelton.inference.job.InferenceJob;
import io.pelton.inference.job.InferenceOutputs;
import io.pelton.inference.job.InferenceTopology;
import io.pelton.inference.job.ModelSource;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaSinks;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.LateEvent;
import java.util.List;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Features, inference and drift in one job, rows going from one to the next without Kafka between.
 *
 * <pre>
 * events ──► features ──► inference ──► drift ──► drift reports, alerts
 *              │  │           │  ├──► predictions
 *              │  │           │  ├──► performance ◄── outcomes; performance reports
 *              │  │           │  └──► predictions of shadows
 *              │  └──► features topic, feature log
 *              └──► late (events; predictions after their drift window), dead letters (of all three)
 * </pre>
 *
 * <p>A pipeline without a model ends after the features, one without a drift section after the
 * predictions.
 */
public final class AllJobs {
  /** The job's part in the names of groups and transactions. */
  public static final String NAME = "all";

  private AllJobs() {}

  public static void main(String[] arguments) throws Exception {
    JobOptions options = JobOptions.parse("AllJobs", arguments);
    StreamExecutionEnvironment environment = JobEnvironment.streaming(options.configuration());
    environment.execute(define(environment, options));
  }

  /** Defines the job in an environment and gives its name. */
  public static String define(StreamExecutionEnvironment environment, JobOptions options)
      throws Exception {
    PipelineDefinition pipeline = options.pipeline();
    if (pipeline.model() == null) {
      options.refuseModel();
    }
    KafkaSinks sinks =
        options.sinks(
            pipeline,
            NAME,
            List.of(
                Topic.EVENTS,
                Topic.OUTCOMES,
                Topic.FEATURES,
                Topic.PREDICTIONS,
                Topic.SHADOW,
                Topic.LATE,
                Topic.DEAD_LETTERS,
                Topic.DRIFT,
                Topic.ALERTS,
                Topic.PERFORMANCE,
                Topic.CONTROL,
                Topic.STATUS,
                Topic.AUDIT,
                Topic.SCHEMAS));

    FeatureOutputs features = FeatureJob.features(environment, pipeline, options, sinks, NAME);
    features
        .features()
        .sinkTo(pipeline.model() == null ? sinks.features() : sinks.scoredFeatures())
        .uid("features-sink")
        .name("features");
    FeatureJob.log(features.features(), pipeline, options);
    DataStream<LateEvent> late = features.late();
    DataStream<DeadLetter> deadLetters = features.deadLetters();

    if (pipeline.model() != null) {
      ModelSource model = InferenceJob.model(pipeline, options);
      InferenceOutputs inference =
          InferenceTopology.build(
              features.features(),
              pipeline,
              model.registry(),
              model.plan(),
              InferenceJob.control(pipeline, options),
              sinks.predictionSchemas());
      inference
          .predictions()
          .sinkTo(sinks.predictions())
          .uid("predictions-sink")
          .name("predictions");
      inference.shadows().sinkTo(sinks.shadows()).uid("shadows-sink").name("shadows");
      deadLetters = deadLetters.union(inference.deadLetters());

      if (pipeline.drift() != null) {
        DriftOutputs drift =
            DriftTopology.build(
                inference.predictions(),
                pipeline,
                new RegistryBaselines(options.registry(pipeline)));
        drift
            .reports()
            .sinkTo(sinks.driftReports())
            .uid("drift-reports-sink")
            .name("drift reports");
        drift.alerts().sinkTo(sinks.alerts()).uid("alerts-sink").name("alerts");
        late = late.union(drift.late());
        deadLetters = deadLetters.union(drift.deadLetters());
      }
      if (pipeline.measuresPerformance()) {
        DataStream<DeadLetter> noOutcomes =
            PerformanceReports.add(
                environment, inference.predictions(), pipeline, options, sinks, NAME);
        // Features that read the same topic have told of them.
        if (pipeline.featuresOfOutcomes().isEmpty()) {
          deadLetters = deadLetters.union(noOutcomes);
        }
      }
    }
    // One sink a topic: transactional ids are made of it.
    late.sinkTo(sinks.late()).uid("late-sink").name("late");
    deadLetters.sinkTo(sinks.deadLetters()).uid("dead-letters-sink").name("dead letters");
    return pipeline.name();
  }
}
