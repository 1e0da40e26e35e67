package io.pelton.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import io.pelton.registry.Signature;
import java.io.IOException;

/** A trained model loaded and scored by DJL from nothing but what {@link TrainedModel} says. */
final class ServedModel implements AutoCloseable {
  static {
    System.setProperty("ai.djl.offline", "true");
  }

  private final ZooModel<NDList, NDList> model;
  private final Signature signature;

  private ServedModel(ZooModel<NDList, NDList> model, Signature signature) {
    this.model = model;
    this.signature = signature;
  }

  static ServedModel load(TrainedModel trained)
      throws ModelNotFoundException, MalformedModelException, IOException {
    var criteria =
        Criteria.builder()
            .setTypes(NDList.class, NDList.class)
            .optEngine(trained.engine())
            .optModelPath(trained.directory().resolve(trained.artifact()))
            .optTranslator(new NoopTranslator());
    trained.engineOptions().forEach(criteria::optOption);
    return new ServedModel(criteria.build().loadModel(), trained.signature());
  }

  double[] score(double[][] rows) throws TranslateException {
    Signature.Input input = signature.inputs().get(0);
    Signature.Output output = signature.outputs().get(0);
    int width = input.features().size();
    var values = new float[rows.length * width];
    for (int row = 0; row < rows.length; row++) {
      for (int column = 0; column < width; column++) {
        values[row * width + column] = (float) rows[row][column];
      }
    }
    try (NDManager manager = model.getNDManager().newSubManager();
        var predictor = model.newPredictor()) {
      var array = manager.create(values, new Shape(rows.length, width));
      array.setName(input.tensor());
      NDList outputs = predictor.predict(new NDList(array));
      var tensor =
          outputs.stream()
              .filter(candidate -> output.tensor().equals(candidate.getName()))
              .findFirst()
              .orElseThrow(() -> new AssertionError("no output " + output.tensor()));
      float[] flat = tensor.toFloatArray();
      int columns = flat.length / rows.length;
      var scores = new double[rows.length];
      for (int row = 0; row < rows.length; row++) {
        scores[row] = flat[row * columns + output.column()];
      }
      outputs.close();
      return scores;
    }
  }

  static void assertSameScores(double[] served, double[] trained) {
    assertThat(served).hasSameSizeAs(trained);
    for (int row = 0; row < served.length; row++) {
      assertThat(served[row]).as("row %d", row).isCloseTo(trained[row], within(1e-6));
    }
  }

  @Override
  public void close() {
    model.close();
  }
}
