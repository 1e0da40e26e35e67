package io.pelton.drift.performance;

import io.pelton.job.Decoded;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaSinks;
import io.pelton.job.KafkaSources;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.schemas.DeadLetter;
import io.pelton.schemas.Outcome;
import io.pelton.schemas.PerformanceReport;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/** Performance in a job on Kafka: the outcomes topic in, reports out. */
public final class PerformanceReports {
  private PerformanceReports() {}

  /**
   * Reads outcomes, and reports how the predictions of a pipeline that measures it did.
   *
   * @param job names the consumer group
   * @return records that are no outcomes
   */
  public static DataStream<DeadLetter> add(
      StreamExecutionEnvironment environment,
      DataStream<ScoredRow> predictions,
      PipelineDefinition pipeline,
      JobOptions options,
      KafkaSinks sinks,
      String job)
      throws Exception {
    // A group of its own: the features of the same job may read the topic too.
    Decoded<Outcome> outcomes =
        new KafkaSources(environment, options.kafka(), pipeline)
            .outcomes(
                new KafkaSources.Reading(
                    options.group(pipeline, job) + "-performance",
                    OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST),
                    false,
                    pipeline.allowedLateness(),
                    pipeline.events().idleAfter()));

    DataStream<PerformanceReport> reports =
        PerformanceTopology.build(
            predictions,
            outcomes.rows(),
            pipeline,
            new RegistryEvaluations(options.registry(pipeline)));

    reports
        .sinkTo(sinks.performanceReports())
        .uid("performance-reports-sink")
        .name("performance reports");
    return outcomes.deadLetters();
  }
}
