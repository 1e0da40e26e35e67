package io.pelton.training;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * Turns rows with outcomes into a model. The same set, hyper-parameters and seed give the same
 * model files.
 */
public interface Trainer {
  /** Name on the model's provenance, e.g. {@code tribuo-xgboost}. */
  String name();

  /** Hyper-parameters in force, by name, as {@link #named} takes them. */
  Map<String, String> hyperParameters();

  /**
   * Trains a model and writes its files.
   *
   * @param directory where the model's files go; made if absent
   * @throws IllegalArgumentException if the set holds one class only
   * @throws IOException if files cannot be written
   */
  TrainedModel train(TrainingSet set, Path directory) throws IOException;

  /**
   * The trainer of that name.
   *
   * @param hyperParameters those that differ from the defaults
   * @throws IllegalArgumentException if there is no such trainer or hyper-parameter, or a value is
   *     out of range
   */
  static Trainer named(String name, Map<String, String> hyperParameters, long seed) {
    return switch (name) {
      case BoostedTreesTrainer.NAME -> BoostedTreesTrainer.of(hyperParameters, seed);
      case NetworkTrainer.NAME -> NetworkTrainer.of(hyperParameters, seed);
      default ->
          throw new IllegalArgumentException(
              "unknown trainer \"%s\"; there are %s and %s"
                  .formatted(name, BoostedTreesTrainer.NAME, NetworkTrainer.NAME));
    };
  }
}
