package io.pelton.inference.job;

import io.pelton.model.FallbackReason;

/** What becomes of rows that the version that they are meant for cannot score. */
interface Rescue {
  /**
   * @param why the version cannot score them
   * @return how many died
   */
  int rescue(RowBatch rows, FallbackReason reason, String why, BatchScorer.Results results);

  /** They are dead letters. */
  static int none(RowBatch rows, FallbackReason reason, String why, BatchScorer.Results results) {
    for (int row = 0; row < rows.size(); row++) {
      results.died(rows, row, reason, why);
    }
    return rows.size();
  }
}
