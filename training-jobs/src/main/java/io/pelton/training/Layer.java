package io.pelton.training;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;

/**
 * Weights of a dense layer.
 *
 * @param kernel [inputs, outputs], row by row
 * @param bias [outputs]
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record Layer(float[] kernel, float[] bias) {

  /** Glorot and Bengio's uniform start; biases are zero. */
  static Layer random(int inputs, int outputs, SplittableRandom random) {
    double limit = Math.sqrt(6.0 / (inputs + outputs));
    var kernel = new float[inputs * outputs];
    for (int i = 0; i < kernel.length; i++) {
      kernel[i] = (float) ((2 * random.nextDouble() - 1) * limit);
    }
    return new Layer(kernel, new float[outputs]);
  }

  /** Reads kernels and biases, in turn, out of a session. */
  static List<Layer> read(Session session, List<Variable<TFloat32>> weights) {
    var runner = session.runner();
    weights.forEach(runner::fetch);
    var layers = new ArrayList<Layer>();
    try (var values = runner.run()) {
      for (int i = 0; i < weights.size(); i += 2) {
        layers.add(
            new Layer(floats((TFloat32) values.get(i)), floats((TFloat32) values.get(i + 1))));
      }
    }
    return layers;
  }

  private static float[] floats(TFloat32 tensor) {
    var floats = new float[Math.toIntExact(tensor.size())];
    tensor.copyTo(DataBuffers.of(floats, false, false));
    return floats;
  }

  int inputs() {
    return kernel.length / bias.length;
  }

  int outputs() {
    return bias.length;
  }

  Operand<TFloat32> kernelTensor(Ops tf) {
    return tf.constant(Shape.of(inputs(), outputs()), DataBuffers.of(kernel, true, false));
  }

  Operand<TFloat32> biasTensor(Ops tf) {
    return tf.constant(bias);
  }

  /** Input times kernel plus bias, summed in double. */
  double[] apply(double[] input) {
    var output = new double[outputs()];
    for (int to = 0; to < output.length; to++) {
      double sum = bias[to];
      for (int from = 0; from < input.length; from++) {
        sum += input[from] * kernel[from * output.length + to];
      }
      output[to] = sum;
    }
    return output;
  }
}
