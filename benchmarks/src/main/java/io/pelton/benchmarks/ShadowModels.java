package io.pelton.benchmarks;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.pelton.registry.GoldenRows;
import io.pelton.registry.NewVersion;
import io.pelton.registry.Provenance;
import io.pelton.registry.Registry;
import io.pelton.registry.Signature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Versions that no one would have beside what serves: a slow one, and one that always fails. */
final class ShadowModels {
  /** Four million multiplications a row, some hundred times what the champion does. */
  private static final int HIDDEN = 2_048;

  private static final int GOLDEN = 4;

  private ShadowModels() {}

  /** Publishes the slow one and then the one that fails, with the champion's features. */
  static void publish(Registry registry, NewVersion champion, Path directory) throws IOException {
    List<String> features = champion.signature().features();
    int width = features.size();
    DenseNetwork slow = new DenseNetwork(1, width, HIDDEN, HIDDEN, 2);
    double[] row = new double[width];
    registry.publish(
        version(
            champion,
            slow.write(directory.resolve("slow.onnx")),
            new Signature.Output("score", DenseNetwork.OUTPUT, 1),
            slow.score(row)[1]));
    registry.publish(
        version(
            champion,
            failing(directory.resolve("failing.onnx"), width),
            new Signature.Output("score", DenseNetwork.OUTPUT, 0),
            0));
  }

  /** A look into a table by a row's values: beyond a row of zeros, that fails in the engine. */
  private static Path failing(Path file, int width) throws IOException {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("failing")
            .addInput(DenseNetwork.matrix(DenseNetwork.INPUT, width))
            .addInitializer(DenseNetwork.tensor("table", 1).addFloatData(0))
            .addNode(
                DenseNetwork.node("Cast", "places", DenseNetwork.INPUT)
                    .addAttribute(
                        AttributeProto.newBuilder()
                            .setName("to")
                            .setType(AttributeProto.AttributeType.INT)
                            .setI(TensorProto.DataType.INT64.getNumber())))
            .addNode(DenseNetwork.node("Gather", DenseNetwork.OUTPUT, "table", "places"))
            .addOutput(DenseNetwork.matrix(DenseNetwork.OUTPUT, width));
    return DenseNetwork.write(file, graph);
  }

  private static NewVersion version(
      NewVersion champion, Path onnx, Signature.Output output, double score) {
    List<String> features = champion.signature().features();
    double[][] golden = new double[GOLDEN][features.size()];
    double[][] outputs = new double[GOLDEN][1];
    for (double[] row : outputs) {
      row[0] = score;
    }
    return new NewVersion(
        champion.name(),
        "OnnxRuntime",
        onnx,
        new Signature(
            List.of(new Signature.Input(DenseNetwork.INPUT, Signature.DataType.FLOAT32, features)),
            List.of(output)),
        Map.of(),
        new GoldenRows(golden, outputs),
        null,
        Map.of(),
        new Provenance("benchmark", Map.of(), null, null, null, null, "random"));
  }
}
