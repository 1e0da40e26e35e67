package io.pelton.training;

import java.nio.file.Path;
import java.util.List;

/**
 * CSV files of features with a header, plain or {@code .gz}; an empty field is a missing value.
 *
 * @param id column of the event id
 * @param features columns to take, in the model's input order
 */
public record FeatureFiles(List<Path> paths, String id, List<String> features) {
  public FeatureFiles {
    paths = List.copyOf(paths);
    features = List.copyOf(features);
    if (paths.isEmpty()) {
      throw new IllegalArgumentException("feature files: paths must not be empty");
    }
    if (features.isEmpty()) {
      throw new IllegalArgumentException("feature files: features must not be empty");
    }
  }
}
