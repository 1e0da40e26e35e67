package io.pelton.training;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.framework.optimizers.Optimizer;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/**
 * Adam with its steps in a fixed order: all gradients, then all weights, then the decay of the
 * betas. The framework's own Adam leaves that order to the scheduler; a weight may then change
 * before another's gradient has read it, and the same seed gives other weights. After Kingma and
 * Ba, Adam: A Method for Stochastic Optimization (2015).
 */
final class OrderedAdam extends Optimizer {
  private static final float BETA_ONE = 0.9f;
  private static final float BETA_TWO = 0.999f;
  private static final float EPSILON = 1e-8f;
  private static final String FIRST_MOMENT = "m";
  private static final String SECOND_MOMENT = "v";

  private final float learningRate;
  private @Nullable Variable<TFloat32> betaOnePower;
  private @Nullable Variable<TFloat32> betaTwoPower;

  OrderedAdam(Graph graph, float learningRate) {
    super(graph);
    this.learningRate = learningRate;
  }

  @Override
  public <T extends TType> List<GradAndVar<?>> computeGradients(Operand<?> loss) {
    List<GradAndVar<?>> gradients = super.computeGradients(loss);
    List<Operation> all = new ArrayList<>();
    gradients.forEach(gradient -> all.add(gradient.getGradient().op()));
    List<GradAndVar<?>> afterAll = new ArrayList<>();
    gradients.forEach(gradient -> afterAll.add(after(all, gradient)));
    return afterAll;
  }

  private <T extends TType> GradAndVar<T> after(List<Operation> all, GradAndVar<T> gradient) {
    return new GradAndVar<>(
        tf.withControlDependencyOps(all).identity(gradient.getGradient()).asOutput(),
        gradient.getVariable());
  }

  @Override
  protected void createSlots(List<Output<? extends TType>> variables) {
    for (Output<? extends TType> variable : variables) {
      createMoments(variable);
    }
    betaOnePower = tf.variable(tf.constant(BETA_ONE));
    betaTwoPower = tf.variable(tf.constant(BETA_TWO));
  }

  private <T extends TType> void createMoments(Output<T> variable) {
    Shape shape = variable.shape();
    Operand<T> zeros =
        tf.dtypes.cast(tf.fill(tf.constant(shape), tf.constant(0f)), variable.type());
    createSlot(variable, FIRST_MOMENT, zeros);
    createSlot(variable, SECOND_MOMENT, zeros);
  }

  @Override
  protected <T extends TType> Op applyDense(Ops apply, Output<T> gradient, Output<T> variable) {
    Class<T> type = gradient.type();
    return apply.train.applyAdam(
        variable,
        getSlot(variable, FIRST_MOMENT).orElseThrow(),
        getSlot(variable, SECOND_MOMENT).orElseThrow(),
        apply.dtypes.cast(power(betaOnePower), type),
        apply.dtypes.cast(power(betaTwoPower), type),
        apply.dtypes.cast(apply.constant(learningRate), type),
        apply.dtypes.cast(apply.constant(BETA_ONE), type),
        apply.dtypes.cast(apply.constant(BETA_TWO), type),
        apply.dtypes.cast(apply.constant(EPSILON), type),
        gradient);
  }

  @Override
  protected Op finish(List<Op> updates, String name) {
    var afterUpdates = tf.withControlDependencies(List.copyOf(updates));
    var last = new ArrayList<>(updates);
    last.add(
        afterUpdates.assign(
            power(betaOnePower), tf.math.mul(power(betaOnePower), tf.constant(BETA_ONE))));
    last.add(
        afterUpdates.assign(
            power(betaTwoPower), tf.math.mul(power(betaTwoPower), tf.constant(BETA_TWO))));
    return super.finish(last, name);
  }

  private static Variable<TFloat32> power(@Nullable Variable<TFloat32> variable) {
    if (variable == null) {
      throw new IllegalStateException("slots are made before gradients are applied");
    }
    return variable;
  }

  @Override
  public String getOptimizerName() {
    return "OrderedAdam";
  }
}
