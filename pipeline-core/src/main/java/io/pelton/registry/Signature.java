package io.pelton.registry;

import java.util.List;

/**
 * What a model takes and gives, by name.
 *
 * @param inputs tensors of shape [rows, features]; the first form takes exactly one
 * @param outputs named columns of the model's output tensors
 */
public record Signature(List<Input> inputs, List<Output> outputs) {
  public Signature {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /** Element type of an input tensor. */
  public enum DataType {
    FLOAT32,
    FLOAT64
  }

  /**
   * @param tensor name of the tensor in the model
   * @param features feature of each column, in order
   */
  public record Input(String tensor, DataType type, List<String> features) {
    public Input {
      features = List.copyOf(features);
    }
  }

  /**
   * @param name name on the prediction, e.g. {@code score}
   * @param tensor name of the tensor in the model
   * @param column column of the tensor, shape [rows, columns] or, with column 0, [rows]
   */
  public record Output(String name, String tensor, int column) {}

  /** All input features in order. */
  public List<String> features() {
    return inputs.stream().flatMap(input -> input.features().stream()).toList();
  }

  /** Output names in order. */
  public List<String> outputNames() {
    return outputs.stream().map(Output::name).toList();
  }
}
