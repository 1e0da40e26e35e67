package io.pelton.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.util.Float16Utils;
import io.pelton.registry.NearestName;
import io.pelton.registry.Signature;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** One output tensor of a model, with the outputs that are columns of it. */
final class OutputTensor {
  private final String reference;
  private final String tensor;
  private final List<Signature.Output> outputs;
  private final int[] columns;
  private final int[] targets;
  private final int stride;

  private OutputTensor(
      String reference, String tensor, List<Signature.Output> outputs, List<Signature.Output> all) {
    this.reference = reference;
    this.tensor = tensor;
    this.outputs = outputs;
    this.columns = outputs.stream().mapToInt(Signature.Output::column).toArray();
    this.targets = outputs.stream().mapToInt(all::indexOf).toArray();
    this.stride = all.size();
  }

  /** The tensors that the outputs need, each once. */
  static List<OutputTensor> of(String reference, List<Signature.Output> outputs) {
    return outputs.stream()
        .map(Signature.Output::tensor)
        .distinct()
        .map(
            tensor ->
                new OutputTensor(
                    reference,
                    tensor,
                    outputs.stream().filter(output -> output.tensor().equals(tensor)).toList(),
                    outputs))
        .toList();
  }

  /** Copies its columns to their places in the rows of outputs. */
  void read(NDList results, int count, double[] into) throws ScoringException {
    NDArray values = find(results);
    int width = checkedWidth(values.getShape(), count);
    DataType type = checkedType(values.getDataType());
    // Where the engine lends its own memory, which PyTorch does, no copy is made.
    ByteBuffer buffer = values.toByteBuffer(true).order(ByteOrder.nativeOrder());
    for (int row = 0; row < count; row++) {
      for (int i = 0; i < columns.length; i++) {
        into[row * stride + targets[i]] = value(buffer, type, row * width + columns[i]);
      }
    }
  }

  /** What results go by: the engine's names, and their positions where it gives none. */
  static String name(NDList results, int position) {
    String name = results.get(position).getName();
    return name == null || name.isEmpty() ? String.valueOf(position) : name;
  }

  /** Columns of a tensor of shape [rows, columns] or [rows]; -1 for other shapes. */
  static int width(Shape shape, int count) {
    return shape.dimension() < 1 || shape.dimension() > 2 || shape.get(0) != count
        ? -1
        : shape.dimension() == 2 ? Math.toIntExact(shape.get(1)) : 1;
  }

  private NDArray find(NDList results) throws ScoringException {
    for (int i = 0; i < results.size(); i++) {
      if (name(results, i).equals(tensor)) {
        return results.get(i);
      }
    }
    List<String> names = new ArrayList<>();
    for (int i = 0; i < results.size(); i++) {
      names.add(name(results, i));
    }
    throw new ScoringException(
        "%s: output %s: the model has no output tensor \"%s\"%s; its output tensors: %s"
            .formatted(
                reference,
                outputs.get(0).name(),
                tensor,
                NearestName.of(tensor, names)
                    .map(name -> "; did you mean \"" + name + "\"?")
                    .orElse(""),
                String.join(", ", names)));
  }

  private int checkedWidth(Shape shape, int count) throws ScoringException {
    int width = width(shape, count);
    for (Signature.Output output : outputs) {
      if (output.column() >= width) {
        throw new ScoringException(
            "%s: output %s is column %d of tensor %s, which has shape %s for %d rows; it must be [rows] or [rows, columns]"
                .formatted(reference, output.name(), output.column(), tensor, shape, count));
      }
    }
    return width;
  }

  private DataType checkedType(DataType type) throws ScoringException {
    return switch (type) {
      case FLOAT32, FLOAT64, FLOAT16, INT64, INT32, INT8, UINT8, BOOLEAN -> type;
      default ->
          throw new ScoringException(
              "%s: output %s has type %s; it must be FLOAT16, FLOAT32, FLOAT64, INT8, UINT8, INT32, INT64 or BOOLEAN"
                  .formatted(reference, outputs.get(0).name(), type));
    };
  }

  private static double value(ByteBuffer values, DataType type, int at) {
    return switch (type) {
      case FLOAT32 -> values.getFloat(at * Float.BYTES);
      case FLOAT64 -> values.getDouble(at * Double.BYTES);
      case FLOAT16 -> Float16Utils.halfToFloat(values.getShort(at * Short.BYTES));
      case INT64 -> values.getLong(at * Long.BYTES);
      case INT32 -> values.getInt(at * Integer.BYTES);
      case INT8 -> values.get(at);
      case UINT8 -> Byte.toUnsignedInt(values.get(at));
      case BOOLEAN -> values.get(at) == 0 ? 0 : 1;
      default -> throw new IllegalArgumentException(type + " is checked before");
    };
  }
}
