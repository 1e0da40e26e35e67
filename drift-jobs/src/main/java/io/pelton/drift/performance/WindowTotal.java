package io.pelton.drift.performance;

/**
 * What was reported of a window so far.
 *
 * @param reports how many
 * @param counts of {@link io.pelton.performance.ScoreCounts}, as bytes
 */
public record WindowTotal(int reports, byte[] counts) {}
