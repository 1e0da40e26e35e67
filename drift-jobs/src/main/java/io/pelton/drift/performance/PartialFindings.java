package io.pelton.drift.performance;

/**
 * What one subtask counted of one step of a window.
 *
 * @param counts of {@link io.pelton.performance.ScoreCounts}, as bytes
 */
public record PartialFindings(VariantKey key, WindowStep step, byte[] counts) {}
