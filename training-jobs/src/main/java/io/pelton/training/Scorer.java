package io.pelton.training;

/** Scores rows inside the training run, without a model engine. */
@FunctionalInterface
public interface Scorer {
  /**
   * Scores rows, each by itself.
   *
   * @param rows features in the model's input order; NaN is missing
   * @return one score in [0, 1] for each row
   */
  double[] score(double[][] rows);
}
