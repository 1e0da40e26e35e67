package io.pelton.drift;

import org.jspecify.annotations.Nullable;

/** A reference sample, frozen as counts in slots. */
public sealed interface Profile permits FeatureProfile, CategoryProfile {
  /** Name on drift reports: features, outputs and fields of one name are told apart. */
  String reportName();

  /**
   * Where each slot's rows are among the reference's, halfway through those of the slot itself,
   * from 0 to {@link KeySums#RANKS}.
   */
  int[] ranks();

  /** Counts of a window, none yet. */
  SlotCounts counter();

  /**
   * Measures a window against this reference.
   *
   * @param designEffect by how much the rows say less than as many independent ones would; 1 or
   *     more
   * @throws IllegalArgumentException when the counts are of another layout, or empty
   */
  ColumnMeasures measure(SparseCounts window, double designEffect);

  /**
   * Another reference, counted in the same slots.
   *
   * @throws IllegalArgumentException when the counts are of another layout, or empty
   */
  Profile of(SparseCounts reference);

  /** Counts of one window that are being taken. */
  interface SlotCounts {
    /**
     * Counts one value of a field.
     *
     * @param value null is missing
     * @return where it was counted
     */
    int add(@Nullable Object value);

    SparseCounts toSparse();

    /** Of categories, some that the reference does not have. */
    @Nullable NewValues newValues();
  }
}
