package io.pelton.cli;

import java.util.List;

/** Freezes a sample of features, and the model's outputs for it, as a baseline profile. */
public interface BaselineProfiler {
  /**
   * @param features one row each, in the order of the names; NaN is missing
   * @param outputs the same rows' scores, in the order of the names
   * @return the profile as JSON
   */
  String profileJson(
      List<String> featureNames, double[][] features, List<String> outputNames, double[][] outputs);
}
