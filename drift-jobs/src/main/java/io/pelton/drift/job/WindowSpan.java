package io.pelton.drift.job;

/**
 * One window.
 *
 * @param start epoch milliseconds
 * @param end exclusive
 */
public record WindowSpan(long start, long end) {}
