package io.pelton.drift;

import java.io.Serializable;

/** {@code k} of the last {@code n} windows. */
public record Persistence(int k, int n) implements Serializable {}
