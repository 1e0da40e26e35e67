package io.pelton.inference.job;

import io.pelton.model.ServedVersion;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.metrics.MetricGroup;

/** A version that is ready to score, with the rows that wait for it. Of one subtask. */
final class Serving implements AutoCloseable {
  final RowBatch batch;
  final BatchScorer scorer;
  final InferenceMetrics measured;

  private final Models.Loaded loaded;
  private final Map<String, ServedVersion> variants = new HashMap<>();

  /**
   * @throws IllegalArgumentException when the model takes a feature that the pipeline does not have
   */
  Serving(
      Models.Loaded loaded,
      long loadMillis,
      List<String> pipelineFeatures,
      int maxBatchSize,
      BatchScorer.Results results,
      MetricGroup metrics) {
    this.loaded = loaded;
    batch = new RowBatch(pipelineFeatures, loaded.served().features(), maxBatchSize);
    scorer = new BatchScorer(loaded.model(), maxBatchSize, results);
    measured = new InferenceMetrics(metrics, loaded, loadMillis);
    variants.put(loaded.served().variant(), loaded.served());
  }

  /** The version under the name of a variant or a segment; the same one each time. */
  ServedVersion as(String variant) {
    return variants.computeIfAbsent(variant, loaded.served()::as);
  }

  @Override
  public void close() {
    loaded.close();
  }
}
