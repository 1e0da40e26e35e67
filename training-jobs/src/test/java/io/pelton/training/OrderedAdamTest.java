package io.pelton.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;

final class OrderedAdamTest {
  private static final int WEIGHTS = 20;
  private static final int STEPS = 50;
  private static final double RATE = 0.05;

  @BeforeAll
  static void natives() {
    TensorFlowNatives.load();
  }

  /** Loss (w₀ w₁ … wₙ − 2)². Betas that decay before a weight has read them give other weights. */
  @Test
  void stepsAsThePaperDoes() {
    var weights = new double[WEIGHTS];
    var first = new double[WEIGHTS];
    var second = new double[WEIGHTS];
    for (int i = 0; i < WEIGHTS; i++) {
      weights[i] = start(i);
    }
    for (int step = 1; step <= STEPS; step++) {
      double product = 1;
      for (double weight : weights) {
        product *= weight;
      }
      for (int i = 0; i < WEIGHTS; i++) {
        double gradient = 2 * (product - 2) * product / weights[i];
        first[i] = 0.9 * first[i] + 0.1 * gradient;
        second[i] = 0.999 * second[i] + 0.001 * gradient * gradient;
      }
      double rate = RATE * Math.sqrt(1 - Math.pow(0.999, step)) / (1 - Math.pow(0.9, step));
      for (int i = 0; i < WEIGHTS; i++) {
        weights[i] -= rate * first[i] / (Math.sqrt(second[i]) + 1e-8);
      }
    }

    float[] trained = train();

    for (int i = 0; i < WEIGHTS; i++) {
      assertThat((double) trained[i]).as("weight %d", i).isCloseTo(weights[i], within(1e-4));
    }
  }

  private static float start(int weight) {
    return 0.9f + 0.02f * weight;
  }

  private static float[] train() {
    try (var graph = new Graph();
        var session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      var variables = new ArrayList<Variable<TFloat32>>();
      Operand<TFloat32> product = tf.constant(1f);
      for (int i = 0; i < WEIGHTS; i++) {
        Variable<TFloat32> weight = tf.variable(tf.constant(start(i)));
        variables.add(weight);
        product = tf.math.mul(product, weight);
      }
      Op step =
          new OrderedAdam(graph, (float) RATE)
              .minimize(tf.math.square(tf.math.sub(product, tf.constant(2f))));
      session.initialize();
      for (int i = 0; i < STEPS; i++) {
        session.runner().addTarget(step).run().close();
      }
      var runner = session.runner();
      variables.forEach(runner::fetch);
      try (var values = runner.run()) {
        var trained = new float[WEIGHTS];
        for (int i = 0; i < WEIGHTS; i++) {
          trained[i] = ((TFloat32) values.get(i)).getFloat();
        }
        return trained;
      }
    }
  }
}
