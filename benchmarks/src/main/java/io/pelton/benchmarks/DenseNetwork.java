package io.pelton.benchmarks;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** A network of dense layers. Its parameters are random: what they are does not change the cost. */
final class DenseNetwork {
  static final String INPUT = "features";
  static final String OUTPUT = "probabilities";

  /**
   * What Crayfish scores with: 784 inputs, three hidden layers of 32, ten classes; 27,562
   * parameters.
   */
  private static final int[] CRAYFISH = {784, 32, 32, 32, 10};

  private static final int IR_VERSION = 8;
  private static final int OPSET = 13;

  /** Inputs, hidden layers, classes. */
  private final int[] widths;

  /** For each layer, weights by input and then by output; the biases are the last row. */
  private final float[][][] layers;

  /** The one of Crayfish. */
  DenseNetwork(long seed) {
    this(seed, CRAYFISH);
  }

  /**
   * @param widths inputs, hidden layers, classes
   */
  DenseNetwork(long seed, int... widths) {
    this.widths = widths;
    layers = new float[widths.length - 1][][];
    Random random = new Random(seed);
    for (int layer = 0; layer < layers.length; layer++) {
      layers[layer] = new float[widths[layer] + 1][widths[layer + 1]];
      for (float[] weights : layers[layer]) {
        for (int to = 0; to < weights.length; to++) {
          weights[to] = (float) (random.nextGaussian() * Math.sqrt(2.0 / widths[layer]));
        }
      }
    }
  }

  static int inputs() {
    return CRAYFISH[0];
  }

  static int outputs() {
    return CRAYFISH[CRAYFISH.length - 1];
  }

  /** Probabilities of the classes, in double precision. */
  double[] score(double[] row) {
    double[] values = row;
    for (int layer = 0; layer < layers.length; layer++) {
      float[][] weights = layers[layer];
      double[] next = new double[widths[layer + 1]];
      for (int to = 0; to < next.length; to++) {
        double sum = weights[values.length][to];
        for (int from = 0; from < values.length; from++) {
          sum += values[from] * weights[from][to];
        }
        next[to] = layer == layers.length - 1 ? Math.exp(sum) : Math.max(0, sum);
      }
      values = next;
    }
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    for (int i = 0; i < values.length; i++) {
      values[i] /= sum;
    }
    return values;
  }

  /**
   * Writes it as ONNX: {@code features} [rows, inputs] to {@code probabilities} [rows, classes].
   */
  Path write(Path file) throws IOException {
    GraphProto.Builder graph = GraphProto.newBuilder().setName("network");
    graph.addInput(matrix(INPUT, widths[0]));
    String last = INPUT;
    for (int layer = 0; layer < layers.length; layer++) {
      int from = widths[layer];
      TensorProto.Builder weights = tensor("weights" + layer, from, widths[layer + 1]);
      TensorProto.Builder bias = tensor("bias" + layer, widths[layer + 1]);
      for (int i = 0; i <= from; i++) {
        for (float weight : layers[layer][i]) {
          (i < from ? weights : bias).addFloatData(weight);
        }
      }
      graph.addInitializer(weights).addInitializer(bias);
      String sum = "sum" + layer;
      graph.addNode(node("Gemm", sum, last, "weights" + layer, "bias" + layer));
      last = layer == layers.length - 1 ? OUTPUT : "hidden" + layer;
      graph.addNode(node(layer == layers.length - 1 ? "Softmax" : "Relu", last, sum));
    }
    graph.addOutput(matrix(OUTPUT, widths[widths.length - 1]));
    return write(file, graph);
  }

  static Path write(Path file, GraphProto.Builder graph) throws IOException {
    return Files.write(
        file,
        ModelProto.newBuilder()
            .setIrVersion(IR_VERSION)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPSET))
            .setGraph(graph)
            .build()
            .toByteArray());
  }

  static TensorProto.Builder tensor(String name, long... dimensions) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(TensorProto.DataType.FLOAT.getNumber());
    for (long dimension : dimensions) {
      tensor.addDims(dimension);
    }
    return tensor;
  }

  static NodeProto.Builder node(String operation, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(operation)
        .setName(output)
        .addAllInput(List.of(inputs))
        .addOutput(output);
  }

  static ValueInfoProto matrix(String name, int columns) {
    TensorShapeProto shape =
        TensorShapeProto.newBuilder()
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("rows"))
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(columns))
            .build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(TensorProto.DataType.FLOAT.getNumber())
                        .setShape(shape)))
        .build();
  }
}
