package io.pelton.it;

import io.pelton.feature.FeatureRow;
import io.pelton.inference.job.InferenceOutputs;
import io.pelton.inference.job.InferenceTopology;
import io.pelton.inference.job.KafkaControl;
import io.pelton.job.FeatureRowTypeInfo;
import io.pelton.job.JobEnvironment;
import io.pelton.job.KafkaSettings;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import io.pelton.rollout.RolloutPlan;
import java.nio.file.Path;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * Scores rows of its own without end, open to commands: {@code ScoringJob PIPELINE REGISTRY
 * BROKERS}.
 */
public final class ScoringJob {
  private static final int ROWS_A_SECOND = 500;

  private ScoringJob() {}

  public static void main(String[] arguments) throws Exception {
    PipelineDefinition pipeline = PipelineFile.read(Path.of(arguments[0]));
    StreamExecutionEnvironment environment = JobEnvironment.streaming(new Configuration());
    environment.setParallelism(1);
    InferenceOutputs outputs =
        InferenceTopology.build(
            environment
                .fromSource(
                    new DataGeneratorSource<>(
                        ScoringJob::row,
                        Long.MAX_VALUE,
                        RateLimiterStrategy.perSecond(ROWS_A_SECOND),
                        new FeatureRowTypeInfo()),
                    WatermarkStrategy.noWatermarks(),
                    "rows")
                .uid("rows"),
            pipeline,
            arguments[1],
            RolloutPlan.of(pipeline.model().name(), 1),
            new KafkaControl(KafkaSettings.of(arguments[2]), pipeline));
    outputs.predictions().sinkTo(new DiscardingSink<>()).uid("discard");
    environment.execute("score with " + pipeline.model().name());
  }

  private static FeatureRow row(long index) {
    return new FeatureRow(
        Long.toString(index),
        index,
        new String[] {"customer-" + index % 100},
        new double[] {index % 7, index % 2},
        new Object[0]);
  }
}
