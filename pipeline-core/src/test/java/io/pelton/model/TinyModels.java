package io.pelton.model;

import ai.onnx.proto.OnnxMl;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Provenance;
import io.pelton.registry.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;

/** Logistic models written out in the engines' own formats, so that tests score real ones. */
public final class TinyModels {
  private TinyModels() {}

  /** What the models below compute, in double precision. */
  public static double probability(double[] weights, double bias, double... features) {
    double logit = bias;
    for (int i = 0; i < weights.length; i++) {
      logit += weights[i] * features[i];
    }
    return 1 / (1 + Math.exp(-logit));
  }

  /** ONNX: {@code features} to {@code label} [rows], int64, and {@code probabilities} [rows, 2]. */
  public static Path onnx(Path file, double[] weights, double bias, Signature.DataType type)
      throws IOException {
    OnnxMl.TensorProto.Builder matrix = tensor("weights", type, weights.length, 2);
    OnnxMl.TensorProto.Builder offset = tensor("bias", type, 2);
    for (double weight : weights) {
      add(matrix, type, 0);
      add(matrix, type, weight);
    }
    add(offset, type, 0);
    add(offset, type, bias);
    OnnxMl.GraphProto graph =
        OnnxMl.GraphProto.newBuilder()
            .setName("logistic")
            .addInput(value("features", elementType(type), "rows", weights.length))
            .addInitializer(matrix)
            .addInitializer(offset)
            .addNode(node("Gemm", "logits", "features", "weights", "bias"))
            .addNode(node("Softmax", "probabilities", "logits"))
            .addNode(
                node("ArgMax", "label", "probabilities").toBuilder()
                    .addAttribute(integer("axis", 1))
                    .addAttribute(integer("keepdims", 0)))
            .addOutput(value("label", OnnxMl.TensorProto.DataType.INT64, "rows"))
            .addOutput(value("probabilities", elementType(type), "rows", 2))
            .build();
    return write(file, graph);
  }

  /**
   * ONNX: {@code features} [rows, 1] to {@code shifted} [rows, 1], which is less by the shift; all
   * float64.
   */
  public static Path shift(Path file, double shift) throws IOException {
    Signature.DataType type = Signature.DataType.FLOAT64;
    OnnxMl.TensorProto.Builder offset = tensor("shift", type, 1);
    add(offset, type, shift);
    return write(
        file,
        OnnxMl.GraphProto.newBuilder()
            .setName("shift")
            .addInput(value("features", elementType(type), "rows", 1))
            .addInitializer(offset)
            .addNode(node("Sub", "shifted", "features", "shift"))
            .addOutput(value("shifted", elementType(type), "rows", 1))
            .build());
  }

  /**
   * ONNX: {@code features} [rows, 1] to twice that, {@code doubled}, by an operator of ai.onnx.ml.
   */
  static Path doubled(Path file) throws IOException {
    OnnxMl.AttributeProto.Builder floats =
        OnnxMl.AttributeProto.newBuilder().setType(OnnxMl.AttributeProto.AttributeType.FLOATS);
    write(
        file,
        OnnxMl.GraphProto.newBuilder()
            .setName("doubled")
            .addInput(value("features", OnnxMl.TensorProto.DataType.FLOAT, "rows", 1))
            .addNode(
                node("Scaler", "doubled", "features").toBuilder()
                    .setDomain("ai.onnx.ml")
                    .addAttribute(floats.clone().setName("offset").addFloats(0))
                    .addAttribute(floats.clone().setName("scale").addFloats(2)))
            .addOutput(value("doubled", OnnxMl.TensorProto.DataType.FLOAT, "rows", 1))
            .build());
    return Files.write(
        file,
        OnnxMl.ModelProto.parseFrom(Files.readAllBytes(file)).toBuilder()
            .addOpsetImport(
                OnnxMl.OperatorSetIdProto.newBuilder().setDomain("ai.onnx.ml").setVersion(1))
            .build()
            .toByteArray());
  }

  /** Adds what skl2onnx adds to a classifier by default: the probabilities as a list of maps. */
  static void addZipMap(Path onnx) throws IOException {
    OnnxMl.ModelProto.Builder model =
        OnnxMl.ModelProto.parseFrom(Files.readAllBytes(onnx)).toBuilder();
    model.addOpsetImport(
        OnnxMl.OperatorSetIdProto.newBuilder().setDomain("ai.onnx.ml").setVersion(1));
    model
        .getGraphBuilder()
        .addNode(
            node("ZipMap", "zipped", "probabilities").toBuilder()
                .setDomain("ai.onnx.ml")
                .addAttribute(
                    OnnxMl.AttributeProto.newBuilder()
                        .setName("classlabels_int64s")
                        .setType(OnnxMl.AttributeProto.AttributeType.INTS)
                        .addInts(0)
                        .addInts(1)))
        .addOutput(
            OnnxMl.ValueInfoProto.newBuilder()
                .setName("zipped")
                .setType(
                    OnnxMl.TypeProto.newBuilder()
                        .setSequenceType(
                            OnnxMl.TypeProto.Sequence.newBuilder()
                                .setElemType(
                                    OnnxMl.TypeProto.newBuilder()
                                        .setMapType(
                                            OnnxMl.TypeProto.Map.newBuilder()
                                                .setKeyType(
                                                    OnnxMl.TensorProto.DataType.INT64.getNumber())
                                                .setValueType(
                                                    OnnxMl.TypeProto.newBuilder()
                                                        .setTensorType(
                                                            OnnxMl.TypeProto.Tensor.newBuilder()
                                                                .setElemType(
                                                                    OnnxMl.TensorProto.DataType
                                                                        .FLOAT
                                                                        .getNumber()))))))));
    Files.write(onnx, model.build().toByteArray());
  }

  /** TensorFlow SavedModel: {@code features} to {@code score} [rows, 1]. */
  public static Path savedModel(Path directory, double[] weights, double bias) throws IOException {
    // DJL loads the native library, so its engine has to be first.
    Engines.engine("test", Engines.TENSORFLOW);
    float[][] column = new float[weights.length][1];
    for (int i = 0; i < weights.length; i++) {
      column[i][0] = (float) weights[i];
    }
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> features =
          tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, weights.length)));
      Variable<TFloat32> matrix = tf.variable(Shape.of(weights.length, 1), TFloat32.class);
      Operand<TFloat32> initial = tf.constant(StdArrays.ndCopyOf(column));
      session.runner().addTarget(tf.assign(matrix, initial)).run();
      Operand<TFloat32> score =
          tf.math.sigmoid(
              tf.math.add(tf.linalg.matMul(features, matrix), tf.constant((float) bias)));
      org.tensorflow.Signature signature =
          org.tensorflow.Signature.builder()
              .key("serving_default")
              .input("features", features)
              .output("score", score)
              .build();
      SavedModelBundle.exporter(directory.toString())
          .withTags("serve")
          .withSession(session)
          .withSignature(signature)
          .export();
    }
    return directory;
  }

  /** An {@link #onnx} model to publish, with two golden rows. */
  public static NewVersion onnxVersion(
      String name, Path file, List<String> features, double[] weights, double bias)
      throws IOException {
    Signature signature =
        new Signature(
            List.of(new Signature.Input("features", Signature.DataType.FLOAT32, features)),
            List.of(new Signature.Output("score", "probabilities", 1)));
    Path artifact = onnx(file, weights, bias, Signature.DataType.FLOAT32);
    return version(name, "OnnxRuntime", artifact, signature, golden(weights, bias));
  }

  /** A {@link #savedModel} to publish, with two golden rows. */
  public static NewVersion savedModelVersion(
      String name, Path directory, List<String> features, double[] weights, double bias)
      throws IOException {
    Signature signature =
        new Signature(
            List.of(new Signature.Input("features", Signature.DataType.FLOAT32, features)),
            List.of(new Signature.Output("score", "score", 0)));
    Path artifact = savedModel(directory, weights, bias);
    return version(name, "TensorFlow", artifact, signature, golden(weights, bias));
  }

  public static NewVersion version(
      String name, String engine, Path artifact, Signature signature, GoldenRows golden) {
    return new NewVersion(
        name,
        engine,
        artifact,
        signature,
        Map.of(),
        golden,
        null,
        Map.of("auc", 0.9),
        new Provenance("import", Map.of(), null, null, null, null, "test"));
  }

  public static GoldenRows golden(double[] weights, double bias) {
    double[] ones = IntStream.range(0, weights.length).mapToDouble(i -> 1).toArray();
    double[] mixed = IntStream.range(0, weights.length).mapToDouble(i -> i - 0.5).toArray();
    return new GoldenRows(
        new double[][] {ones, mixed},
        new double[][] {{probability(weights, bias, ones)}, {probability(weights, bias, mixed)}});
  }

  static Path write(Path file, OnnxMl.GraphProto graph) throws IOException {
    return Files.write(
        file,
        OnnxMl.ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OnnxMl.OperatorSetIdProto.newBuilder().setVersion(13))
            .setGraph(graph)
            .build()
            .toByteArray());
  }

  private static OnnxMl.TensorProto.DataType elementType(Signature.DataType type) {
    return type == Signature.DataType.FLOAT32
        ? OnnxMl.TensorProto.DataType.FLOAT
        : OnnxMl.TensorProto.DataType.DOUBLE;
  }

  private static OnnxMl.TensorProto.Builder tensor(
      String name, Signature.DataType type, long... dims) {
    OnnxMl.TensorProto.Builder tensor =
        OnnxMl.TensorProto.newBuilder().setName(name).setDataType(elementType(type).getNumber());
    for (long dim : dims) {
      tensor.addDims(dim);
    }
    return tensor;
  }

  private static void add(
      OnnxMl.TensorProto.Builder tensor, Signature.DataType type, double value) {
    if (type == Signature.DataType.FLOAT32) {
      tensor.addFloatData((float) value);
    } else {
      tensor.addDoubleData(value);
    }
  }

  static OnnxMl.NodeProto node(String operation, String output, String... inputs) {
    return OnnxMl.NodeProto.newBuilder()
        .setOpType(operation)
        .setName(output)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  static OnnxMl.AttributeProto integer(String name, long value) {
    return OnnxMl.AttributeProto.newBuilder()
        .setName(name)
        .setType(OnnxMl.AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  static OnnxMl.ValueInfoProto value(
      String name, OnnxMl.TensorProto.DataType type, String rows, long... dims) {
    OnnxMl.TensorShapeProto.Builder shape = OnnxMl.TensorShapeProto.newBuilder();
    shape.addDim(OnnxMl.TensorShapeProto.Dimension.newBuilder().setDimParam(rows));
    for (long dim : dims) {
      shape.addDim(OnnxMl.TensorShapeProto.Dimension.newBuilder().setDimValue(dim));
    }
    return OnnxMl.ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            OnnxMl.TypeProto.newBuilder()
                .setTensorType(
                    OnnxMl.TypeProto.Tensor.newBuilder()
                        .setElemType(type.getNumber())
                        .setShape(shape)))
        .build();
  }
}
