package io.pelton.drift.performance;

/**
 * A step in which a window is reported.
 *
 * @param start of the window, epoch milliseconds
 * @param step 0 when it closes
 */
public record WindowStep(long start, long step) {}
