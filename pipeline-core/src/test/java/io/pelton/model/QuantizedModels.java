package io.pelton.model;

import ai.onnx.proto.OnnxMl;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A layer of three features and two classes, {@code features} to {@code probabilities}, in int8 as
 * the two kinds of quantization write it.
 */
public final class QuantizedModels {
  private static final int[] WEIGHTS = {-50, 64, 127, -127, 20, 90};

  private QuantizedModels() {}

  /** With scales that were found beforehand: every row is rounded alike. */
  public static Path withFixedScales(Path file) throws IOException {
    return write(
        file,
        OnnxMl.GraphProto.newBuilder()
            .addInitializer(scalar("scale", 0.05f))
            .addInitializer(integers("zero", DataType.UINT8, 0, 128))
            .addInitializer(scalar("logits_scale", 0.02f))
            .addInitializer(integers("logits_zero", DataType.UINT8, 0, 120))
            .addNode(TinyModels.node("QuantizeLinear", "bytes", "features", "scale", "zero"))
            .addNode(
                TinyModels.node(
                    "QLinearMatMul",
                    "logit_bytes",
                    "bytes",
                    "scale",
                    "zero",
                    "weights",
                    "weights_scale",
                    "weights_zero",
                    "logits_scale",
                    "logits_zero"))
            .addNode(
                TinyModels.node(
                    "DequantizeLinear", "logits", "logit_bytes", "logits_scale", "logits_zero"))
            .addOutput(TinyModels.value("logit_bytes", DataType.UINT8, "rows", 2)));
  }

  /** With a scale that is found anew for each batch, over all of its rows. */
  public static Path withScalesOfTheBatch(Path file) throws IOException {
    return write(
        file,
        OnnxMl.GraphProto.newBuilder()
            .addNode(
                TinyModels.node("DynamicQuantizeLinear", "bytes", "features").toBuilder()
                    .addOutput("scale")
                    .addOutput("zero"))
            .addNode(
                TinyModels.node(
                    "MatMulInteger", "products", "bytes", "weights", "zero", "weights_zero"))
            .addNode(
                TinyModels.node("Cast", "sums", "products").toBuilder()
                    .addAttribute(TinyModels.integer("to", DataType.FLOAT.getNumber())))
            .addNode(TinyModels.node("Mul", "both_scales", "scale", "weights_scale"))
            .addNode(TinyModels.node("Mul", "logits", "sums", "both_scales")));
  }

  private static Path write(Path file, OnnxMl.GraphProto.Builder graph) throws IOException {
    return TinyModels.write(
        file,
        graph
            .setName("quantized")
            .addInput(TinyModels.value("features", DataType.FLOAT, "rows", 3))
            .addInitializer(integers("weights", DataType.INT8, 2, WEIGHTS))
            .addInitializer(scalar("weights_scale", 0.01f))
            .addInitializer(integers("weights_zero", DataType.INT8, 0, 0))
            .addNode(TinyModels.node("Softmax", "probabilities", "logits"))
            .addOutput(TinyModels.value("probabilities", DataType.FLOAT, "rows", 2))
            .build());
  }

  private static OnnxMl.TensorProto scalar(String name, float value) {
    return OnnxMl.TensorProto.newBuilder()
        .setName(name)
        .setDataType(DataType.FLOAT.getNumber())
        .addFloatData(value)
        .build();
  }

  /**
   * @param columns 0 for a scalar
   */
  private static OnnxMl.TensorProto integers(
      String name, DataType type, int columns, int... values) {
    OnnxMl.TensorProto.Builder tensor =
        OnnxMl.TensorProto.newBuilder().setName(name).setDataType(type.getNumber());
    if (columns > 0) {
      tensor.addDims(values.length / columns).addDims(columns);
    }
    for (int value : values) {
      tensor.addInt32Data(value);
    }
    return tensor.build();
  }
}
