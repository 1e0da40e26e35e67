package io.pelton.training;

import static io.pelton.training.ServedModel.assertSameScores;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NetworkTrainerTest {
  private static final Trainer TRAINER = NetworkTrainer.of(Map.of("learning-rate", "0.01"), 7);

  @TempDir private Path directory;

  @Test
  void learnsARuleAndScoresRowsItHasNotSeen() throws Exception {
    var model = TRAINER.train(SyntheticSets.learnable(6_000, 1), directory);

    var evaluation = model.evaluate(SyntheticSets.learnable(2_000, 2));

    assertThat(evaluation.get(Metric.AUC_ROC)).isGreaterThan(0.9);
  }

  @Test
  void theSavedModelScoresAsTheTrainedWeightsDo() throws Exception {
    var model = TRAINER.train(SyntheticSets.learnable(4_000, 1), directory);
    double[][] rows = SyntheticSets.learnable(1_000, 3).rows();

    try (var served = ServedModel.load(model)) {
      assertSameScores(served.score(rows), model.scorer().score(rows));
    }
    assertThat(Arrays.stream(model.scorer().score(rows)).distinct().count()).isGreaterThan(900);
  }

  @Test
  void aMissingValueCountsAsTheMeanOfTraining() throws Exception {
    var set = SyntheticSets.learnable(4_000, 1);
    var model = TRAINER.train(set, directory);
    double mean =
        Arrays.stream(set.rows())
            .mapToDouble(row -> row[1])
            .filter(value -> !Double.isNaN(value))
            .average()
            .orElseThrow();
    double[] missing = {0.1, Double.NaN, 0, 20, 2};
    double[] filled = {0.1, mean, 0, 20, 2};

    try (var served = ServedModel.load(model)) {
      double[] scores = served.score(new double[][] {missing, filled});
      assertThat(scores[0]).isCloseTo(scores[1], within(1e-6));
    }
  }

  @Test
  void theSameSetAndSeedGiveTheSameBytes() throws Exception {
    var set = SyntheticSets.learnable(2_000, 1);
    TRAINER.train(set, directory.resolve("first"));
    for (int again = 0; again < 5; again++) {
      TRAINER.train(set, directory.resolve("again"));

      assertThat(directory.resolve("again/saved_model/saved_model.pb"))
          .hasSameBinaryContentAs(directory.resolve("first/saved_model/saved_model.pb"));
    }
  }

  @Test
  void aHeavierPositiveRaisesScores() throws Exception {
    var set = SyntheticSets.learnable(2_000, 1);
    var plain = TRAINER.train(set, directory.resolve("plain"));
    var weighted =
        NetworkTrainer.of(Map.of("learning-rate", "0.01", "positive-weight", "20"), 7)
            .train(set, directory.resolve("weighted"));

    assertThat(Arrays.stream(weighted.scorer().score(set.rows())).average().orElseThrow())
        .isGreaterThan(
            Arrays.stream(plain.scorer().score(set.rows())).average().orElseThrow() + 0.1);
  }

  @Test
  void aConstantOrAbsentFeatureDoesNotBreakTraining() throws Exception {
    var set = SyntheticSets.learnable(1_000, 1);
    for (double[] row : set.rows()) {
      row[0] = 5;
      row[4] = Double.NaN;
    }
    var model = TRAINER.train(set, directory);

    assertThat(model.evaluate(set).get(Metric.AUC_ROC)).isGreaterThan(0.7);
  }

  @Test
  void refusesHyperParametersThatItCannotTake() {
    assertThatThrownBy(() -> NetworkTrainer.of(Map.of("epochs", "many"), 1))
        .hasMessage("tensorflow-network: epochs: \"many\" is not a whole number");
    assertThatThrownBy(() -> NetworkTrainer.of(Map.of("epochs", "0"), 1))
        .hasMessage("tensorflow-network: epochs = 0: must be 1 or more");
  }
}
