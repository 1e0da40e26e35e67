package io.pelton.drift.job;

import io.pelton.drift.SparseCounts;
import io.pelton.model.ServedVersion;

/**
 * What one subtask counted of one feature in one window.
 *
 * @param feature its name on reports
 * @param first whether it is the version's first, which stands for the rows in the accounts
 * @param rows how many rows the counts are of
 */
public record PartialCounts(
    ServedVersion served,
    String feature,
    boolean first,
    long windowStart,
    long rows,
    SparseCounts counts) {

  /** Both together. */
  PartialCounts plus(PartialCounts other) {
    return new PartialCounts(
        served, feature, first, windowStart, rows + other.rows, counts.plus(other.counts));
  }
}
