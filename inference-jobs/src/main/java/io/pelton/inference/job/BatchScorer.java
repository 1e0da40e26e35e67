package io.pelton.inference.job;

import io.pelton.model.ScoringException;
import io.pelton.model.ScoringModel;

/** Scores a batch; one that fails is halved until the bad rows are alone. Keeps the order. */
final class BatchScorer {
  /** Takes each row's end, in the batch's order. */
  interface Results {
    /**
     * @param scores outputs of several rows, row-major
     * @param at where this row's outputs begin
     */
    void scored(RowBatch batch, int row, double[] scores, int at);

    void died(RowBatch batch, int row, String reason);
  }

  /**
   * What became of a batch.
   *
   * @param died rows
   * @param errors how often the batch, or a part of it, failed
   * @param computeNanos in the model, all attempts together
   */
  record Outcome(int died, int errors, long computeNanos) {}

  private final ScoringModel model;
  private final Results results;
  private final double[] scores;
  private int errors;
  private long computeNanos;

  BatchScorer(ScoringModel model, int capacity, Results results) {
    this.model = model;
    this.results = results;
    this.scores = new double[capacity * model.outputs()];
  }

  Outcome score(RowBatch batch) {
    errors = 0;
    computeNanos = 0;
    int died = score(batch, 0, batch.size(), batch.values(), scores);
    return new Outcome(died, errors, computeNanos);
  }

  private int score(RowBatch batch, int from, int to, double[] values, double[] into) {
    long start = System.nanoTime();
    try {
      model.score(values, to - from, into);
      computeNanos += System.nanoTime() - start;
    } catch (ScoringException e) {
      computeNanos += System.nanoTime() - start;
      errors++;
      if (to - from == 1) {
        results.died(batch, from, String.valueOf(e.getMessage()));
        return 1;
      }
      int middle = (from + to) >>> 1;
      return scorePart(batch, from, middle) + scorePart(batch, middle, to);
    }
    int outputs = model.outputs();
    for (int row = from; row < to; row++) {
      results.scored(batch, row, into, (row - from) * outputs);
    }
    return 0;
  }

  private int scorePart(RowBatch batch, int from, int to) {
    return score(
        batch, from, to, batch.values(from, to), new double[(to - from) * model.outputs()]);
  }
}
