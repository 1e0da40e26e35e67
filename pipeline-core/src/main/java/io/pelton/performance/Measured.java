package io.pelton.performance;

import org.jspecify.annotations.Nullable;

/**
 * A metric of a window.
 *
 * @param value from outcomes; null while there are none that define it
 * @param interval of the value; null where there is none
 * @param evaluation what the version's evaluation says; null when it does not
 * @param estimated what is expected of all predictions without outcomes; null where it cannot be
 * @param estimateError what would have been expected of the predictions with outcomes, less the
 *     value: how far off estimates are
 */
public record Measured(
    String name,
    @Nullable Double value,
    @Nullable Interval interval,
    @Nullable Double evaluation,
    @Nullable Double estimated,
    @Nullable Double estimateError) {}
