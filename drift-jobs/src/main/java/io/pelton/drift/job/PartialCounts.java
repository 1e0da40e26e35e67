package io.pelton.drift.job;

import io.pelton.drift.KeySums;
import io.pelton.drift.NewValues;
import io.pelton.drift.SparseCounts;
import io.pelton.model.ServedVersion;
import org.jspecify.annotations.Nullable;

/**
 * What one subtask counted of one feature in one pane.
 *
 * @param segment {@link io.pelton.drift.Segment}
 * @param feature its name on reports
 * @param first whether it is the version's first of all rows, which stands for them in the accounts
 * @param paneStart epoch milliseconds
 * @param rows how many rows the counts are of
 * @param keys a sample of them by key; null when rows are independent
 * @param newValues of categories, a sample of those that the baseline does not have; else null
 */
public record PartialCounts(
    ServedVersion served,
    String segment,
    String feature,
    boolean first,
    long paneStart,
    long rows,
    SparseCounts counts,
    @Nullable KeySums keys,
    @Nullable NewValues newValues) {

  /** Both together. */
  PartialCounts plus(PartialCounts other) {
    return new PartialCounts(
        served,
        segment,
        feature,
        first,
        paneStart,
        rows + other.rows,
        counts.plus(other.counts),
        keys == null ? other.keys : other.keys == null ? keys : keys.plus(other.keys),
        newValues == null || other.newValues == null ? newValues : newValues.plus(other.newValues));
  }
}
