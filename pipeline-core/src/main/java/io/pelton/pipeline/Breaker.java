package io.pelton.pipeline;

import java.io.Serializable;

/**
 * When a model that keeps failing is left alone.
 *
 * @param failures failed batches in a row after which no more are given to it
 * @param resetAfter milliseconds until one batch may try again
 */
public record Breaker(int failures, long resetAfter) implements Serializable {}
