package io.pelton.drift.report;

import org.jspecify.annotations.Nullable;

/**
 * How good a version's scores were in a window.
 *
 * @param metric as people call it: AUC, Brier score
 * @param segment in words; null: all rows
 * @param windowEnd epoch milliseconds
 * @param low lower end of the interval; null without one
 * @param high upper end of the interval; null without one
 * @param evaluation of the version when it was published; null when it has none
 */
public record PerformancePoint(
    String metric,
    String model,
    int version,
    String variant,
    @Nullable String segment,
    long windowEnd,
    double value,
    @Nullable Double low,
    @Nullable Double high,
    @Nullable Double evaluation) {}
