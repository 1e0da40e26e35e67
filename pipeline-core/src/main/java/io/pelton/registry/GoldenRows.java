package io.pelton.registry;

/**
 * Rows with the scores that the model gave when it was published; loading it again must reproduce
 * them to 1e-5.
 *
 * @param features one row each, in the signature's feature order; NaN is missing
 * @param outputs one row each, in the signature's output order
 */
public record GoldenRows(double[][] features, double[][] outputs) {}
