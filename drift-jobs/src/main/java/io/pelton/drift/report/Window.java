package io.pelton.drift.report;

import org.jspecify.annotations.Nullable;

/**
 * What is kept of every window.
 *
 * @param end epoch milliseconds
 * @param version of the model that served in it
 * @param excess the largest effect as a multiple of its threshold
 * @param band null where there are no numbers
 * @param reference median of what it is compared with; NaN where there are no numbers
 */
public record Window(
    long end,
    int version,
    int revision,
    double excess,
    boolean drifted,
    @Nullable Band band,
    double reference) {}
