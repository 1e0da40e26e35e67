package io.pelton.training;

import com.google.protobuf.CodedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.types.TFloat32;

/**
 * A trained network: raw features in, score out. The SavedModel holds the weights as constants, so
 * that it is one file, free of the optimiser's state, and has the same bytes for the same weights.
 */
record Network(Standardisation standardisation, List<Layer> layers) {
  static final String ARTIFACT = "saved_model";
  static final String TAG = "serve";
  static final String SIGNATURE = "serving_default";
  static final String INPUT = "features";
  static final String OUTPUT = "score";

  private static final String GRAPH_FILE = "saved_model.pb";
  private static final String PREDICT = "tensorflow/serving/predict";
  private static final int SCHEMA_VERSION = 1;

  Network {
    layers = List.copyOf(layers);
  }

  /** The same arithmetic as the graph's, in double and without TensorFlow. */
  double[] score(double[][] rows) {
    float[] values = standardisation.apply(rows);
    var scores = new double[rows.length];
    for (int row = 0; row < rows.length; row++) {
      var activation = new double[standardisation.width()];
      for (int column = 0; column < activation.length; column++) {
        activation[column] = values[row * activation.length + column];
      }
      for (int i = 0; i < layers.size(); i++) {
        activation = layers.get(i).apply(activation);
        if (i < layers.size() - 1) {
          for (int unit = 0; unit < activation.length; unit++) {
            activation[unit] = Math.max(activation[unit], 0);
          }
        }
      }
      scores[row] = 1 / (1 + Math.exp(-activation[0]));
    }
    return scores;
  }

  /** Writes a SavedModel directory. */
  void save(Path directory) throws IOException {
    Files.createDirectories(directory);
    SavedModel model =
        SavedModel.newBuilder()
            .setSavedModelSchemaVersion(SCHEMA_VERSION)
            .addMetaGraphs(
                MetaGraphDef.newBuilder()
                    .setMetaInfoDef(MetaGraphDef.MetaInfoDef.newBuilder().addTags(TAG))
                    .setGraphDef(graph())
                    .putSignatureDef(
                        SIGNATURE,
                        SignatureDef.newBuilder()
                            .setMethodName(PREDICT)
                            .putInputs(INPUT, tensor(INPUT, standardisation.width()))
                            .putOutputs(OUTPUT, tensor(OUTPUT, 1))
                            .build()))
            .build();
    var bytes = new byte[model.getSerializedSize()];
    var output = CodedOutputStream.newInstance(bytes);
    output.useDeterministicSerialization();
    model.writeTo(output);
    Files.write(directory.resolve(GRAPH_FILE), bytes);
  }

  private GraphDef graph() {
    try (var graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> features =
          tf.withName(INPUT)
              .placeholder(
                  TFloat32.class, Placeholder.shape(Shape.of(-1, standardisation.width())));
      Operand<TFloat32> mean = tf.constant(standardisation.mean());
      Operand<TFloat32> filled = tf.select(tf.math.isNan(features), mean, features);
      Operand<TFloat32> activation =
          tf.math.div(tf.math.sub(filled, mean), tf.constant(standardisation.deviation()));
      for (int i = 0; i < layers.size(); i++) {
        Layer layer = layers.get(i);
        activation =
            tf.math.add(tf.linalg.matMul(activation, layer.kernelTensor(tf)), layer.biasTensor(tf));
        if (i < layers.size() - 1) {
          activation = tf.nn.relu(activation);
        }
      }
      tf.withName(OUTPUT).math.sigmoid(activation);
      return graph.toGraphDef();
    }
  }

  private static TensorInfo tensor(String name, int columns) {
    var shape = TensorShapeProto.newBuilder();
    shape.addDimBuilder().setSize(-1);
    shape.addDimBuilder().setSize(columns);
    return TensorInfo.newBuilder()
        .setName(name + ":0")
        .setDtype(DataType.DT_FLOAT)
        .setTensorShape(shape)
        .build();
  }
}
