package io.pelton.registry;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a model takes and gives, by name.
 *
 * @param inputs the model's input tensors, all of them; an engine that knows no names (PyTorch)
 *     gets them in this order
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
    FLOAT64,
    INT32,
    INT64,
    /** 0 is false, 1 is true. */
    BOOLEAN
  }

  /** Shape of an input tensor. */
  public enum Layout {
    /** [rows, features]. */
    MATRIX,
    /** [rows], of one feature. */
    VECTOR
  }

  /**
   * @param tensor name of the tensor in the model
   * @param layout null, as in versions that were published before there was a choice, is a matrix
   * @param features feature of each column, in order
   */
  public record Input(
      String tensor,
      DataType type,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Layout layout,
      List<String> features) {
    public Input {
      features = List.copyOf(features);
      if (features.isEmpty()) {
        throw new IllegalArgumentException(
            "input tensor " + tensor + " has no features; it must have one or more");
      }
      if (layout == Layout.VECTOR && features.size() != 1) {
        throw new IllegalArgumentException(
            "input tensor %s of shape [rows] has %d features; it must have one"
                .formatted(tensor, features.size()));
      }
    }

    /** A matrix. */
    public Input(String tensor, DataType type, List<String> features) {
      this(tensor, type, null, features);
    }

    /** Whether its shape is [rows] rather than [rows, features]. */
    public boolean vector() {
      return layout == Layout.VECTOR;
    }
  }

  /**
   * @param name name on the prediction, e.g. {@code score}
   * @param tensor name of the tensor in the model ({@code 0}, {@code 1}, … where the engine gives
   *     none)
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
