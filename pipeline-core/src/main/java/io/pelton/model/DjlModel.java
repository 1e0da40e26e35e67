package io.pelton.model;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.pelton.registry.NearestName;
import io.pelton.registry.Signature;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A model in one of DJL's engines. It calls the model's block itself rather than through a
 * Predictor, which would copy the outputs once more; the input buffer is kept, and all else that a
 * batch allocates hangs on a scope that ends with the batch.
 */
final class DjlModel implements ScoringModel {
  private final String reference;
  private final Model model;
  private final Block block;
  private final NDManager manager;
  private final ParameterStore parameters;
  private final String device;
  private final Signature.Input input;
  private final List<Signature.Output> columns;
  private final int features;
  private ByteBuffer buffer;

  DjlModel(String reference, Model model, Signature signature, String device) {
    this.reference = reference;
    this.model = model;
    this.block = model.getBlock();
    this.manager = model.getNDManager();
    this.parameters = new ParameterStore(manager, false);
    this.device = device;
    this.input = signature.inputs().get(0);
    this.columns = signature.outputs();
    this.features = input.features().size();
    this.buffer = allocate(64);
  }

  @Override
  public int features() {
    return features;
  }

  @Override
  public int outputs() {
    return columns.size();
  }

  @Override
  public String device() {
    return device;
  }

  /** Whatever is attached to the model's memory scope. Flat, or there is a leak. */
  int liveResources() {
    return manager.getManagedArrays().size();
  }

  /** Input tensors by name; the shape is null where the engine does not tell it. */
  PairList<String, Shape> describeInputs() {
    return block.describeInput();
  }

  @Override
  public void score(double[] rows, int count, double[] outputs) throws ScoringException {
    if (count == 0) {
      return;
    }
    try (NDManager scope = manager.newSubManager()) {
      NDArray batch = scope.create(fill(rows, count), new Shape(count, features), type());
      batch.setName(input.tensor());
      NDList results = block.forward(parameters, new NDList(batch), false);
      for (int output = 0; output < columns.size(); output++) {
        readColumn(results, output, count, outputs);
      }
    } catch (RuntimeException e) {
      throw new ScoringException(
          "%s cannot score a batch of %d rows: %s"
              .formatted(reference, count, Engines.rootMessage(e)),
          e);
    }
  }

  @Override
  public void close() {
    model.close();
  }

  private DataType type() {
    return input.type() == Signature.DataType.FLOAT32 ? DataType.FLOAT32 : DataType.FLOAT64;
  }

  private ByteBuffer allocate(int rows) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(rows * features, type().getNumOfBytes()))
        .order(ByteOrder.nativeOrder());
  }

  private ByteBuffer fill(double[] rows, int count) {
    int values = count * features;
    int bytes = values * type().getNumOfBytes();
    if (buffer.capacity() < bytes) {
      buffer = allocate(count);
    }
    buffer.clear();
    if (type() == DataType.FLOAT32) {
      for (int i = 0; i < values; i++) {
        buffer.putFloat(i * Float.BYTES, (float) rows[i]);
      }
    } else {
      buffer.asDoubleBuffer().put(rows, 0, values);
    }
    return buffer.limit(bytes);
  }

  private void readColumn(NDList results, int output, int count, double[] outputs)
      throws ScoringException {
    Signature.Output column = columns.get(output);
    NDArray tensor = tensor(results, column);
    Shape shape = tensor.getShape();
    int width = shape.dimension() == 2 ? Math.toIntExact(shape.get(1)) : 1;
    if (shape.dimension() < 1
        || shape.dimension() > 2
        || shape.get(0) != count
        || column.column() >= width) {
      throw new ScoringException(
          "%s: output %s is column %d of tensor %s, which has shape %s for %d rows; it must be [rows] or [rows, columns]"
              .formatted(reference, column.name(), column.column(), column.tensor(), shape, count));
    }
    int stride = columns.size();
    ByteBuffer values = tensor.toByteBuffer().order(ByteOrder.nativeOrder());
    DataType type = tensor.getDataType();
    for (int row = 0; row < count; row++) {
      int at = row * width + column.column();
      outputs[row * stride + output] =
          switch (type) {
            case FLOAT32 -> values.getFloat(at * Float.BYTES);
            case FLOAT64 -> values.getDouble(at * Double.BYTES);
            case INT64 -> values.getLong(at * Long.BYTES);
            case INT32 -> values.getInt(at * Integer.BYTES);
            default ->
                throw new ScoringException(
                    "%s: output %s has type %s; it must be FLOAT32, FLOAT64, INT32 or INT64"
                        .formatted(reference, column.name(), type));
          };
    }
  }

  private NDArray tensor(NDList results, Signature.Output column) throws ScoringException {
    List<String> names = new ArrayList<>();
    for (NDArray result : results) {
      if (column.tensor().equals(result.getName())) {
        return result;
      }
      names.add(result.getName());
    }
    throw new ScoringException(
        "%s: output %s: the model has no output tensor \"%s\"%s; its output tensors: %s"
            .formatted(
                reference,
                column.name(),
                column.tensor(),
                NearestName.of(column.tensor(), names)
                    .map(name -> "; did you mean \"" + name + "\"?")
                    .orElse(""),
                String.join(", ", names)));
  }
}
