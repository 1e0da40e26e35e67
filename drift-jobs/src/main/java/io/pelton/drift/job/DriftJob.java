package io.pelton.drift.job;

import io.pelton.drift.performance.PerformanceReports;
import io.pelton.job.Decoded;
import io.pelton.job.JobEnvironment;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaSinks;
import io.pelton.job.KafkaSources;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.Topic;
import io.pelton.schemas.DeadLetter;
import java.util.List;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/**
 * The drift job on Kafka: the predictions topic in, and that of outcomes where the pipeline has
 * one; drift reports, alerts and performance reports out.
 */
public final class DriftJob {
  /** The job's part in the names of groups and transactions. */
  public static final String NAME = "drift";

  private DriftJob() {}

  public static void main(String[] arguments) throws Exception {
    JobOptions options = JobOptions.parse("DriftJob", arguments);
    StreamExecutionEnvironment environment = JobEnvironment.streaming(options.configuration());
    environment.execute(define(environment, options));
  }

  /** Defines the job in an environment and gives its name. */
  public static String define(StreamExecutionEnvironment environment, JobOptions options)
      throws Exception {
    PipelineDefinition pipeline = options.pipeline();
    options.refuseModel();
    options.refuseHistory();
    options.refuseFeatureLog();
    if (pipeline.drift() == null) {
      throw new IllegalArgumentException(
          "pipeline " + pipeline.name() + " has no drift section; add one to measure drift");
    }
    KafkaSinks sinks =
        options.sinks(
            pipeline,
            NAME,
            List.of(
                Topic.PREDICTIONS,
                Topic.OUTCOMES,
                Topic.DRIFT,
                Topic.ALERTS,
                Topic.PERFORMANCE,
                Topic.LATE,
                Topic.DEAD_LETTERS,
                Topic.SCHEMAS));

    Decoded<ScoredRow> predictions =
        new KafkaSources(environment, options.kafka(), pipeline)
            .predictions(
                new KafkaSources.Reading(
                    options.group(pipeline, NAME),
                    OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST),
                    false,
                    pipeline.allowedLateness(),
                    pipeline.events().idleAfter()));

    DriftOutputs outputs =
        DriftTopology.build(
            predictions.rows(), pipeline, new RegistryBaselines(options.registry(pipeline)));

    outputs.reports().sinkTo(sinks.driftReports()).uid("drift-reports-sink").name("drift reports");
    outputs.alerts().sinkTo(sinks.alerts()).uid("alerts-sink").name("alerts");
    outputs.late().sinkTo(sinks.late()).uid("drift-late-sink").name("late");
    DataStream<DeadLetter> deadLetters = outputs.deadLetters().union(predictions.deadLetters());
    if (pipeline.measuresPerformance()) {
      deadLetters =
          deadLetters.union(
              PerformanceReports.add(
                  environment, predictions.rows(), pipeline, options, sinks, NAME));
    }
    deadLetters.sinkTo(sinks.deadLetters()).uid("drift-dead-letters-sink").name("dead letters");
    return pipeline.name() + " drift";
  }
}
