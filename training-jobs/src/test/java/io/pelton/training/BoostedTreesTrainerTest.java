package io.pelton.training;

import static io.pelton.training.ServedModel.assertSameScores;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BoostedTreesTrainerTest {
  private static final Trainer TRAINER =
      BoostedTreesTrainer.of(
          Map.of("trees", "30", "subsample", "0.8", "feature-subsample", "0.8"), 7);

  @TempDir private Path directory;

  @Test
  void learnsARuleAndScoresRowsItHasNotSeen() throws Exception {
    var model = TRAINER.train(SyntheticSets.learnable(4_000, 1), directory);

    var evaluation = model.evaluate(SyntheticSets.learnable(2_000, 2));

    assertThat(evaluation.get(Metric.AUC_ROC)).isGreaterThan(0.9);
  }

  @Test
  void onnxRuntimeGivesTribuosScoresMissingValuesIncluded() throws Exception {
    var model = TRAINER.train(SyntheticSets.learnable(4_000, 1), directory);
    double[][] rows = SyntheticSets.learnable(3_000, 3).rows();
    double[][] oneMissing = onlyOneValue(rows[0]);

    try (var served = ServedModel.load(model)) {
      assertSameScores(served.score(rows), model.scorer().score(rows));
      assertSameScores(served.score(oneMissing), model.scorer().score(oneMissing));
    }
    assertThat(Arrays.stream(model.scorer().score(rows)).distinct().count()).isGreaterThan(1_000);
  }

  /** Rows with all but one value missing: every split but that feature's goes the default way. */
  private static double[][] onlyOneValue(double[] row) {
    var rows = new double[row.length][row.length];
    for (int kept = 0; kept < row.length; kept++) {
      Arrays.fill(rows[kept], Double.NaN);
      rows[kept][kept] = Double.isNaN(row[kept]) ? 0 : row[kept];
    }
    return rows;
  }

  @Test
  void valuesAtAThresholdTakeTheSameBranchInOnnxRuntime() throws Exception {
    var set = SyntheticSets.learnable(4_000, 1);
    var model = TRAINER.train(set, directory);
    var onnx = ModelProto.parseFrom(Files.readAllBytes(directory.resolve(model.artifact())));
    List<Float> thresholds = attribute(onnx, "nodes_values");
    var rows = new double[thresholds.size()][];
    for (int row = 0; row < rows.length; row++) {
      rows[row] = set.rows()[row % set.size()].clone();
      Arrays.fill(rows[row], thresholds.get(row));
    }

    try (var served = ServedModel.load(model)) {
      assertSameScores(served.score(rows), model.scorer().score(rows));
    }
  }

  private static List<Float> attribute(ModelProto onnx, String name) {
    return onnx.getGraph().getNode(0).getAttributeList().stream()
        .filter(attribute -> attribute.getName().equals(name))
        .findFirst()
        .orElseThrow()
        .getFloatsList();
  }

  @Test
  void aFeatureThatIsNeverPresentKeepsItsColumn() throws Exception {
    var set = SyntheticSets.learnable(2_000, 1);
    for (double[] row : set.rows()) {
      row[2] = Double.NaN;
    }
    var model = TRAINER.train(set, directory);

    try (var served = ServedModel.load(model)) {
      assertSameScores(served.score(set.rows()), model.scorer().score(set.rows()));
    }
  }

  @Test
  void theSameSetAndSeedGiveTheSameBytes() throws Exception {
    var set = SyntheticSets.learnable(2_000, 1);
    TRAINER.train(set, directory.resolve("first"));
    TRAINER.train(set, directory.resolve("second"));
    BoostedTreesTrainer.of(TRAINER.hyperParameters(), 8).train(set, directory.resolve("other"));

    assertThat(directory.resolve("second/model.onnx"))
        .hasSameBinaryContentAs(directory.resolve("first/model.onnx"));
    assertThat(
            Files.mismatch(
                directory.resolve("first/model.onnx"), directory.resolve("other/model.onnx")))
        .as("another seed draws other rows")
        .isNotNegative();
  }

  @Test
  void saysWhereTheModelComesFrom() throws Exception {
    var set = SyntheticSets.learnable(2_000, 1);
    var model = TRAINER.train(set, directory);

    assertThat(model.engine()).isEqualTo("OnnxRuntime");
    assertThat(model.signature().features()).isEqualTo(SyntheticSets.FEATURES);
    assertThat(model.signature().outputNames()).containsExactly("score");
    var provenance = model.provenance();
    assertThat(provenance.trainer()).isEqualTo("tribuo-xgboost");
    assertThat(provenance.seed()).isEqualTo(7L);
    assertThat(provenance.hyperParameters()).containsEntry("trees", "30").hasSize(10);
    assertThat(provenance.dataFrom()).isEqualTo("2001-09-09T01:46:40Z");
    assertThat(provenance.dataTo()).isEqualTo("2001-09-10T11:05:40.001Z");
    assertThat(provenance.dataDigest()).isEqualTo(set.digest());
  }

  @Test
  void refusesASetOfOneClass() {
    var set = SyntheticSets.learnable(500, 1);
    var frauds = set.where(row -> set.labels()[row] == 1);

    assertThatThrownBy(() -> TRAINER.train(frauds, directory))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rows of both classes");
  }

  @Test
  void refusesHyperParametersThatItDoesNotKnowOrCannotTake() {
    assertThatThrownBy(() -> BoostedTreesTrainer.of(Map.of("tress", "5"), 1))
        .hasMessageContaining("unknown hyper-parameter \"tress\"")
        .hasMessageContaining("trees");
    assertThatThrownBy(() -> BoostedTreesTrainer.of(Map.of("subsample", "0"), 1))
        .hasMessage("tribuo-xgboost: subsample = 0.0: must be in (0, 1]");
    assertThatThrownBy(() -> Trainer.named("tribuo-forest", Map.of(), 1))
        .hasMessageContaining("tribuo-xgboost and tensorflow-network");
  }
}
