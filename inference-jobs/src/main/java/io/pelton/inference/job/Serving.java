package io.pelton.inference.job;

import io.pelton.model.FallbackReason;
import io.pelton.model.ServedVersion;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A version that is ready to score, with the rows that wait for it. Of one subtask. */
final class Serving implements AutoCloseable {
  final Models.Loaded loaded;

  /** Set before it serves; null in one that never did. */
  InferenceMetrics measured;

  long loadMillis;

  private final List<String> pipelineFeatures;
  private final Inference inference;

  /** Bytes that it takes. */
  long memory;

  private final Map<String, ServedVersion> variants = new HashMap<>();
  private RowBatch batch;

  /**
   * @throws IllegalArgumentException when the model takes a feature that the pipeline does not
   *     have, or lacks outputs that it declares
   */
  @SuppressWarnings("NullAway.Init")
  Serving(Models.Loaded loaded, List<String> pipelineFeatures, Inference.Surroundings around) {
    this.loaded = loaded;
    this.pipelineFeatures = pipelineFeatures;
    batch = batch(around.maxBatchSize());
    inference = new Inference(loaded, () -> batch(around.maxBatchSize()), around);
    variants.put(loaded.served().variant(), loaded.served());
  }

  private RowBatch batch(int size) {
    return new RowBatch(pipelineFeatures, loaded.served().features(), size);
  }

  /** The version under the name of a variant or a segment; the same one each time. */
  ServedVersion as(String variant) {
    return variants.computeIfAbsent(variant, loaded.served()::as);
  }

  /** The rows that wait. */
  RowBatch batch() {
    return batch;
  }

  /** Has the rows that wait scored. */
  void flush(FlushReason reason) {
    batch = inference.flush(batch, reason, measured);
  }

  /** Waits for rows that are being scored. */
  void settle() {
    inference.settle(measured);
  }

  CircuitBreaker.State breakerState() {
    return inference.breakerState();
  }

  /**
   * Has rows that it cannot score scored by another version; before it serves.
   *
   * @throws IllegalArgumentException when that one lacks outputs
   */
  void fallBackTo(Serving other) {
    ServedVersion own = loaded.served();
    ServedVersion others = other.loaded.served();
    if (!others.outputs().containsAll(own.outputs())) {
      throw new IllegalArgumentException(
          "%s@%d gives %s; its fallback %s@%d gives %s and must have all of them"
              .formatted(
                  own.model(),
                  own.version(),
                  own.outputs(),
                  others.model(),
                  others.version(),
                  others.outputs()));
    }
    inference.rescuedBy(other::rescue);
  }

  /** As a fallback, scores rows that were meant for another version. */
  private int rescue(
      RowBatch meant, FallbackReason reason, String why, BatchScorer.Results results) {
    RowBatch own = batch(meant.size());
    for (int row = 0; row < meant.size(); row++) {
      own.add(meant.row(row), as(meant.served(row).variant()));
    }
    return inference.scoreFor(own, meant, reason, why, measured);
  }

  @Override
  public void close() {
    if (measured != null) {
      measured.closed(this); // or the metrics would hold its buffers for as long as the job runs
    }
    inference.close();
  }
}
