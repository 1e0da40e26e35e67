package io.pelton.drift.performance;

import org.jspecify.annotations.Nullable;

/**
 * A prediction, or what became of it, to be counted or taken back.
 *
 * @param at when it is known, epoch milliseconds
 * @param label null: the prediction itself
 * @param times 1, or -1 to take it back
 */
public record Finding(Scored scored, long at, @Nullable Double label, int times) {}
