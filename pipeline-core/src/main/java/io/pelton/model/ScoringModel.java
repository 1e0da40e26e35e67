package io.pelton.model;

/** A loaded model. Used by one thread at a time; holds native memory until closed. */
public interface ScoringModel extends AutoCloseable {
  /** Values a row. */
  int features();

  /** Outputs a row. */
  int outputs();

  /** What it really runs on: {@code cpu}, {@code gpu(0)}. */
  String device();

  /**
   * Tensors that hang on the model's memory now. Between two batches always the same number, or
   * batches leak. By any thread.
   */
  int liveTensors();

  /**
   * Scores some rows.
   *
   * @param rows of {@link #features} values each; rounded to float only where the model's input is;
   *     NaN is missing and reaches the model as NaN
   * @param from the first to score
   * @param to the one behind the last
   * @param outputs row-major, filled from its begin with {@link #outputs} values a row
   */
  void score(double[][] rows, int from, int to, double[] outputs) throws ScoringException;

  @Override
  void close();
}
