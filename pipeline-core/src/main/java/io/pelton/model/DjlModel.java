package io.pelton.model;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.pelton.registry.Signature;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A model in one of DJL's engines. It calls the model's block itself rather than through a
 * Predictor, which would copy the outputs once more; the input buffers are kept, and all else that
 * a batch allocates hangs on a scope that ends with the batch.
 */
final class DjlModel implements ScoringModel {
  private final String reference;
  private final Model model;
  private final Block block;
  private final NDManager manager;
  private final ParameterStore parameters;
  private final String device;
  private final boolean named;
  private final List<InputTensor> inputs = new ArrayList<>();
  private final List<String> inputNames = new ArrayList<>();
  private final List<OutputTensor> outputTensors;
  private final int features;
  private final int outputs;

  /**
   * @param named whether the engine knows its inputs by name; else they go by their order
   */
  DjlModel(String reference, Model model, Signature signature, String device, boolean named) {
    this.reference = reference;
    this.model = model;
    this.block = model.getBlock();
    this.manager = model.getNDManager();
    this.parameters = new ParameterStore(manager, false);
    this.device = device;
    this.named = named;
    this.features = signature.features().size();
    int offset = 0;
    for (Signature.Input input : signature.inputs()) {
      inputs.add(new InputTensor(reference, input, offset));
      inputNames.add(input.tensor());
      offset += input.features().size();
    }
    this.outputTensors = OutputTensor.of(reference, signature.outputs());
    this.outputs = signature.outputs().size();
  }

  @Override
  public int features() {
    return features;
  }

  @Override
  public int outputs() {
    return outputs;
  }

  @Override
  public String device() {
    return device;
  }

  @Override
  public int liveTensors() {
    return manager.getManagedArrays().size();
  }

  /** Input tensors by name; the shape is null where the engine does not tell it. */
  PairList<String, Shape> describeInputs() {
    return block.describeInput();
  }

  @Override
  public void score(double[][] rows, int from, int to, double[] outputs) throws ScoringException {
    int count = to - from;
    if (count == 0) {
      return;
    }
    try (NDManager scope = manager.newSubManager()) {
      NDList results = forward(scope, rows, from, to);
      for (OutputTensor tensor : outputTensors) {
        tensor.read(results, count, outputs);
      }
    } catch (RuntimeException e) {
      throw cannotScore(count, e);
    }
  }

  private ScoringException cannotScore(int count, RuntimeException cause) {
    return new ScoringException(
        "%s cannot score a batch of %d rows: %s"
            .formatted(reference, count, Engines.rootMessage(cause)),
        cause);
  }

  /**
   * Columns of every output tensor by name, from scoring a row of zeros; tensors of other shapes
   * than [rows] and [rows, columns] are left out.
   */
  SortedMap<String, Integer> outputWidths() throws ScoringException {
    SortedMap<String, Integer> widths = new TreeMap<>();
    try (NDManager scope = manager.newSubManager()) {
      NDList results = forward(scope, new double[1][features], 0, 1);
      for (int i = 0; i < results.size(); i++) {
        int width = OutputTensor.width(results.get(i).getShape(), 1);
        if (width > 0) {
          widths.put(OutputTensor.name(results, i), width);
        }
      }
    } catch (RuntimeException e) {
      throw cannotScore(1, e);
    }
    return widths;
  }

  @Override
  public void close() {
    model.close();
  }

  private NDList forward(NDManager scope, double[][] rows, int from, int to)
      throws ScoringException {
    NDList batch = new NDList(inputs.size());
    for (int i = 0; i < inputs.size(); i++) {
      NDArray tensor = inputs.get(i).of(scope, rows, from, to);
      if (named) {
        tensor.setName(inputNames.get(i));
      }
      batch.add(tensor);
    }
    return block.forward(parameters, batch, false);
  }
}
