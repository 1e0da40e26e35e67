package io.pelton.pipeline;

import java.io.Serializable;

/**
 * Least and greatest value of a feature, infinite where there is none; a missing value is never out
 * of them.
 *
 * @param replacement what takes the place of a value out of bounds, for {@code DEFAULT} alone
 */
public record Bounds(double min, double max, Otherwise otherwise, double replacement)
    implements Serializable {}
