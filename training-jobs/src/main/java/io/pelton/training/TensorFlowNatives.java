package io.pelton.training;

final class TensorFlowNatives {
  private TensorFlowNatives() {}

  static void prepare() {}
}
