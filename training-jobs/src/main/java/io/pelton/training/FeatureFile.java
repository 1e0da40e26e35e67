package io.pelton.training;

import java.nio.file.Path;
import java.util.List;

/**
 * A CSV file of features with a header, plain or {@code .gz}; an empty field is a missing value.
 *
 * @param id column of the event id
 * @param features columns to take, in the model's input order
 */
public record FeatureFile(Path path, String id, List<String> features) {
  public FeatureFile {
    features = List.copyOf(features);
    if (features.isEmpty()) {
      throw new IllegalArgumentException(path + ": features must not be empty");
    }
  }
}
