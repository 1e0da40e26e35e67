package io.pelton.inference.job;

import io.pelton.model.ServedVersion;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A version that is ready to score, with the rows that wait for it. Of one subtask. */
final class Serving implements AutoCloseable {
  final Models.Loaded loaded;
  final RowBatch batch;
  final BatchScorer scorer;

  /** Set before it serves. */
  InferenceMetrics measured;

  long loadMillis;

  /** Bytes that it takes. */
  long memory;

  private final Map<String, ServedVersion> variants = new HashMap<>();

  /**
   * @throws IllegalArgumentException when the model takes a feature that the pipeline does not have
   */
  @SuppressWarnings("NullAway.Init")
  Serving(
      Models.Loaded loaded,
      List<String> pipelineFeatures,
      int maxBatchSize,
      BatchScorer.Results results) {
    this.loaded = loaded;
    batch = new RowBatch(pipelineFeatures, loaded.served().features(), maxBatchSize);
    scorer = new BatchScorer(loaded.model(), maxBatchSize, results);
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
