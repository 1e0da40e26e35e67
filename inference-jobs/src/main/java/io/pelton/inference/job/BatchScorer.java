package io.pelton.inference.job;

import io.pelton.model.FallbackReason;
import io.pelton.model.ScoredRow;
import io.pelton.model.ScoringException;
import io.pelton.model.ScoringModel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Scores a batch; one that fails is halved until the bad rows are alone. One thread at a time; what
 * it found out is handed on apart, for that is the task thread's.
 */
final class BatchScorer {
  /** Takes each row's end, in the batch's order. */
  interface Results {
    void scored(ScoredRow row);

    /**
     * @param reason why the whole batch could not be scored; null when it is the row's own fault
     */
    void died(RowBatch batch, int row, @Nullable FallbackReason reason, String detail);
  }

  /**
   * What became of a batch.
   *
   * @param died rows
   * @param errors how often the batch, or a part of it, failed
   * @param failure why the model can score nothing at all; null when it can
   * @param computeNanos in the model, all attempts together
   */
  record Outcome(int died, int errors, @Nullable String failure, long computeNanos) {}

  private final ScoringModel model;
  private final boolean probes;
  private final double[] scores;
  private final @Nullable String[] failures;
  private int died;
  private int errors;
  private long computeNanos;

  /**
   * @param probes whether a batch that fails as a whole makes it ask whether the model can score
   *     anything; else every row of it is tried alone
   */
  BatchScorer(ScoringModel model, int capacity, boolean probes) {
    this.model = model;
    this.probes = probes;
    scores = new double[capacity * model.outputs()];
    failures = new String[capacity];
  }

  Outcome score(RowBatch batch) {
    died = 0;
    errors = 0;
    computeNanos = 0;
    int size = batch.size();
    Arrays.fill(failures, 0, size, null);
    try {
      compute(batch.features(), 0, size, scores);
    } catch (ScoringException e) {
      errors++;
      String failure = String.valueOf(e.getMessage());
      if (probes && !scoresZeros()) {
        return new Outcome(0, errors, failure, computeNanos);
      }
      halve(batch, 0, size, failure);
    }
    return new Outcome(died, errors, null, computeNanos);
  }

  private void compute(double[][] rows, int from, int to, double[] into) throws ScoringException {
    long start = System.nanoTime();
    try {
      model.score(rows, from, to, into);
    } finally {
      computeNanos += System.nanoTime() - start;
    }
  }

  /** As every version did before it served: whatever the rows are, it can score this one. */
  private boolean scoresZeros() {
    try {
      compute(new double[1][model.features()], 0, 1, new double[model.outputs()]);
      return true;
    } catch (ScoringException e) {
      errors++;
      return false;
    }
  }

  private void halve(RowBatch batch, int from, int to, String failure) {
    if (to - from == 1) {
      failures[from] = failure;
      died++;
      return;
    }
    int middle = (from + to) >>> 1;
    scorePart(batch, from, middle);
    scorePart(batch, middle, to);
  }

  private void scorePart(RowBatch batch, int from, int to) {
    int outputs = model.outputs();
    double[] part = new double[(to - from) * outputs];
    try {
      compute(batch.features(), from, to, part);
      System.arraycopy(part, 0, scores, from * outputs, part.length);
    } catch (ScoringException e) {
      errors++;
      halve(batch, from, to, String.valueOf(e.getMessage()));
    }
  }

  /** Hands on the batch that was scored last. */
  void handOn(RowBatch batch, Results results) {
    int outputs = model.outputs();
    for (int row = 0; row < batch.size(); row++) {
      String failure = failures[row];
      if (failure == null) {
        results.scored(batch.scored(row, scores, row * outputs, null));
      } else {
        results.died(batch, row, null, failure);
      }
    }
  }

  /**
   * Hands on the batch that was scored last, for rows that were meant for another version.
   *
   * @param meant the same rows as they were meant
   * @param why the other version could not score them
   */
  void handOn(RowBatch batch, RowBatch meant, FallbackReason reason, String why, Results results) {
    int outputs = model.outputs();
    for (int row = 0; row < batch.size(); row++) {
      String failure = failures[row];
      if (failure == null) {
        results.scored(batch.scored(row, scores, row * outputs, reason));
      } else {
        results.died(meant, row, reason, why + "; the fallback: " + failure);
      }
    }
  }
}
