package io.pelton.model;

import ai.onnx.proto.OnnxMl;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.pelton.registry.Signature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TUint8;

/**
 * Models that take a tensor of each type, of both shapes, and give {@code embedding}, the six
 * values halved, beside tensors of other types.
 */
public final class MixedModels {
  static final List<Signature.Input> INPUTS =
      List.of(
          new Signature.Input("amounts", Signature.DataType.FLOAT32, List.of("amount", "mean")),
          vector("count", Signature.DataType.INT64),
          new Signature.Input("small", Signature.DataType.INT32, List.of("small")),
          vector("flag", Signature.DataType.BOOLEAN),
          new Signature.Input("precise", Signature.DataType.FLOAT64, List.of("precise")));

  private MixedModels() {}

  private static Signature.Input vector(String name, Signature.DataType type) {
    return new Signature.Input(name, type, Signature.Layout.VECTOR, List.of(name));
  }

  /** Beside {@code embedding}: {@code half}, {@code unflagged}, {@code byte}, {@code signed}. */
  public static Path onnx(Path file) throws IOException {
    OnnxMl.GraphProto.Builder graph =
        OnnxMl.GraphProto.newBuilder()
            .setName("mixed")
            // In another order than the signature's.
            .addInput(TinyModels.value("precise", DataType.DOUBLE, "rows", 1))
            .addInput(TinyModels.value("flag", DataType.BOOL, "rows"))
            .addInput(TinyModels.value("amounts", DataType.FLOAT, "rows", 2))
            .addInput(TinyModels.value("small", DataType.INT32, "rows", 1))
            .addInput(TinyModels.value("count", DataType.INT64, "rows"))
            .addInitializer(
                OnnxMl.TensorProto.newBuilder()
                    .setName("one")
                    .setDataType(DataType.INT64.getNumber())
                    .addDims(1)
                    .addInt64Data(1))
            .addInitializer(
                OnnxMl.TensorProto.newBuilder()
                    .setName("two")
                    .setDataType(DataType.FLOAT.getNumber())
                    .addDims(1)
                    .addFloatData(2))
            .addNode(TinyModels.node("Unsqueeze", "count_column", "count", "one"))
            .addNode(TinyModels.node("Unsqueeze", "flag_column", "flag", "one"))
            .addNode(cast("counts", "count_column", DataType.FLOAT))
            .addNode(cast("smalls", "small", DataType.FLOAT))
            .addNode(cast("flags", "flag_column", DataType.FLOAT))
            .addNode(cast("precises", "precise", DataType.FLOAT))
            .addNode(
                TinyModels.node("Concat", "all", "amounts", "counts", "smalls", "flags", "precises")
                    .toBuilder()
                    .addAttribute(TinyModels.integer("axis", 1)))
            .addNode(TinyModels.node("Div", "embedding", "all", "two"))
            .addNode(cast("half", "embedding", DataType.FLOAT16))
            .addNode(cast("byte", "small", DataType.UINT8))
            .addNode(cast("signed", "small", DataType.INT8))
            .addNode(TinyModels.node("Not", "unflagged", "flag"))
            .addOutput(TinyModels.value("embedding", DataType.FLOAT, "rows", 6))
            .addOutput(TinyModels.value("half", DataType.FLOAT16, "rows", 6))
            .addOutput(TinyModels.value("byte", DataType.UINT8, "rows", 1))
            .addOutput(TinyModels.value("signed", DataType.INT8, "rows", 1))
            .addOutput(TinyModels.value("unflagged", DataType.BOOL, "rows"));
    return TinyModels.write(file, graph.build());
  }

  /** Beside {@code embedding}: {@code unflagged}, {@code byte}. */
  static Path savedModel(Path directory) throws IOException {
    // DJL loads the native library, so its engine has to be first.
    Engines.engine("test", Engines.TENSORFLOW);
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> amounts =
          tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 2)));
      Placeholder<TInt64> count = tf.placeholder(TInt64.class, Placeholder.shape(Shape.of(-1)));
      Placeholder<TInt32> small = tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(-1, 1)));
      Placeholder<TBool> flag = tf.placeholder(TBool.class, Placeholder.shape(Shape.of(-1)));
      Placeholder<TFloat64> precise =
          tf.placeholder(TFloat64.class, Placeholder.shape(Shape.of(-1, 1)));
      Operand<TFloat32> all =
          tf.concat(
              List.of(
                  amounts,
                  tf.expandDims(tf.dtypes.cast(count, TFloat32.class), tf.constant(1)),
                  tf.dtypes.cast(small, TFloat32.class),
                  tf.expandDims(tf.dtypes.cast(flag, TFloat32.class), tf.constant(1)),
                  tf.dtypes.cast(precise, TFloat32.class)),
              tf.constant(1));
      org.tensorflow.Signature signature =
          org.tensorflow.Signature.builder()
              .key("serving_default")
              .input("amounts", amounts)
              .input("count", count)
              .input("small", small)
              .input("flag", flag)
              .input("precise", precise)
              .output("embedding", tf.math.div(all, tf.constant(2f)))
              .output("unflagged", tf.math.logicalNot(flag))
              .output("byte", tf.dtypes.cast(small, TUint8.class))
              .build();
      SavedModelBundle.exporter(directory.toString())
          .withTags("serve")
          .withSession(session)
          .withSignature(signature)
          .export();
    }
    return directory;
  }

  private static OnnxMl.NodeProto cast(String output, String input, DataType type) {
    return TinyModels.node("Cast", output, input).toBuilder()
        .addAttribute(TinyModels.integer("to", type.getNumber()))
        .build();
  }
}
