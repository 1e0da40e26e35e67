package io.pelton.inference.job;

import io.pelton.feature.FeatureRow;
import io.pelton.job.ScoredRowTypeInfo;
import io.pelton.model.ScoredRow;
import io.pelton.pipeline.PipelineDefinition;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;

/**
 * Features to predictions.
 *
 * <pre>
 *                 registry
 *                    | model version, at the start
 *                    v
 * features ----&gt; inference ----&gt; predictions
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
   * @throws IllegalArgumentException when the pipeline has no model section
   */
  public static InferenceOutputs build(
      DataStream<FeatureRow> features, PipelineDefinition pipeline, ModelSource source) {
    PipelineDefinition.Model model = ModelSource.model(pipeline);
    BatchingInferenceOperator inference =
        new BatchingInferenceOperator(
            pipeline.featureNames(),
            model.maxBatchSize(),
            model.maxBatchDelay(),
            source.models(pipeline));

    SingleOutputStreamOperator<ScoredRow> predictions =
        features
            .transform(INFERENCE, new ScoredRowTypeInfo(), inference)
            .uid(INFERENCE)
            .name(INFERENCE);

    return new InferenceOutputs(
        predictions, predictions.getSideOutput(BatchingInferenceOperator.DEAD_LETTERS));
  }
}
