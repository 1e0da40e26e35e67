package io.pelton.pipeline;

import java.io.Serializable;

/**
 * What holds for good events.
 *
 * @param check CEL expression that holds for good events
 * @param otherwise never {@code DEFAULT}: there is no one value to replace
 */
public record Rule(String check, Otherwise otherwise) implements Serializable {}
