package io.pelton.inference.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.PredictionSchemas;
import io.pelton.job.ScoredRowTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.rollout.RolloutPlan;
import java.io.IOException;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.jspecify.annotations.Nullable;

/**
 * Features to predictions.
 *
 * <pre>
 *                 registry
 *                    | the versions of the plan, at the start
 *                    v
 * features ----&gt; inference ----&gt; predictions
 *                    |
 *                    +---------&gt; predictions of shadows
 *                    |
 *                    +---------&gt; dead letters
 * </pre>
 *
 * The operator chains to whatever comes before, keeps order and holds no rows in state. The same
 * over a bounded stream is batch scoring.
 */
public final class InferenceTopology {
  static final String INFERENCE = "inference";

  private InferenceTopology() {}

  /**
   * For predictions that do not go to Kafka.
   *
   * @see #build(DataStream, PipelineDefinition, String, RolloutPlan, Control, PredictionSchemas)
   */
  public static InferenceOutputs build(
      DataStream<FeatureRow> features,
      PipelineDefinition pipeline,
      String registry,
      RolloutPlan plan,
      @Nullable Control control)
      throws IOException {
    return build(features, pipeline, registry, plan, control, null);
  }

  /**
   * @param registry directory on any Flink file system
   * @param plan what the model is to serve, until a command says otherwise
   * @param control where commands come from; null when what is served never changes
   * @param schemas hear of a version before its first prediction
   * @throws IllegalArgumentException when the pipeline has no model section
   * @throws IOException when the registry does not have the fallback that it names
   */
  public static InferenceOutputs build(
      DataStream<FeatureRow> features,
      PipelineDefinition pipeline,
      String registry,
      RolloutPlan plan,
      @Nullable Control control,
      @Nullable PredictionSchemas schemas)
      throws IOException {
    PipelineDefinition.Model model = ModelSource.model(pipeline);
    boolean batchRun =
        features.getExecutionEnvironment().getConfiguration().get(ExecutionOptions.RUNTIME_MODE)
            == RuntimeExecutionMode.BATCH;
    BatchingInferenceOperator inference =
        new BatchingInferenceOperator(
            pipeline,
            model.maxBatchSize(),
            model.maxBatchDelay(),
            plan,
            RegistryModels.of(registry, plan.model(), pipeline, schemas),
            control,
            batchRun);

    SingleOutputStreamOperator<ScoredRow> predictions =
        features
            .transform(INFERENCE, new ScoredRowTypeInfo(), inference)
            .uid(INFERENCE)
            .name(INFERENCE);

    return new InferenceOutputs(
        predictions,
        predictions.getSideOutput(BatchingInferenceOperator.SHADOWS),
        predictions.getSideOutput(BatchingInferenceOperator.DEAD_LETTERS));
  }
}
