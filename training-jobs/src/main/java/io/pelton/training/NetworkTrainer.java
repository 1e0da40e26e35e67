package io.pelton.training;

import static io.pelton.training.HyperParameters.require;

import io.pelton.registry.Signature;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TFloat32;

/**
 * A feed-forward network for two classes: features → 32 → 16 → 1 with rectifiers and a sigmoid,
 * trained by Adam on cross-entropy in TensorFlow, written as SavedModel. Features are standardised
 * inside the graph by the training set's mean and standard deviation; a missing value counts as the
 * mean. One thread, so that a seed gives the same weights.
 *
 * @param epochs passes over the training set
 * @param batchSize rows a step
 * @param learningRate Adam's step
 * @param positiveWeight weight of a row with label 1; rows with label 0 weigh 1
 */
public record NetworkTrainer(
    int epochs, int batchSize, double learningRate, double positiveWeight, long seed)
    implements Trainer {
  static final String NAME = "tensorflow-network";

  static final Map<String, String> ENGINE_OPTIONS =
      Map.of("Tags", Network.TAG, "SignatureDefKey", Network.SIGNATURE);

  private static final String ENGINE = "TensorFlow";
  private static final int FIRST_LAYER = 32;
  private static final int SECOND_LAYER = 16;

  /** Of a graph under training: what to feed, what to run, what to read. */
  private record Training(
      Placeholder<TFloat32> features,
      Placeholder<TFloat32> labels,
      Op step,
      List<Variable<TFloat32>> weights) {}

  /**
   * @throws IllegalArgumentException if a hyper-parameter is out of range
   */
  public NetworkTrainer {
    require(epochs >= 1, NAME, "epochs", epochs, "1 or more");
    require(batchSize >= 1, NAME, "batch-size", batchSize, "1 or more");
    require(learningRate > 0, NAME, "learning-rate", learningRate, "more than 0");
    require(positiveWeight > 0, NAME, "positive-weight", positiveWeight, "more than 0");
  }

  public static NetworkTrainer withDefaults(long seed) {
    return of(Map.of(), seed);
  }

  /**
   * The defaults with some changed.
   *
   * @param given those that differ from the defaults, e.g. {@code epochs} → {@code 40}
   */
  public static NetworkTrainer of(Map<String, String> given, long seed) {
    var parameters = new HyperParameters(NAME, given);
    var trainer =
        new NetworkTrainer(
            parameters.integer("epochs", 20),
            parameters.integer("batch-size", 256),
            parameters.number("learning-rate", 0.002),
            parameters.number("positive-weight", 1),
            seed);
    parameters.requireAllRead();
    return trainer;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Map<String, String> hyperParameters() {
    var parameters = new LinkedHashMap<String, String>();
    parameters.put("epochs", Integer.toString(epochs));
    parameters.put("batch-size", Integer.toString(batchSize));
    parameters.put("learning-rate", Double.toString(learningRate));
    parameters.put("positive-weight", Double.toString(positiveWeight));
    return parameters;
  }

  @Override
  public TrainedModel train(TrainingSet set, Path directory) throws IOException {
    set.requireBothClasses();
    TensorFlowNatives.load();
    Standardisation standardisation = Standardisation.of(set.rows(), set.features().size());
    Network network = new Network(standardisation, fit(standardisation, set));
    network.save(directory.resolve(Network.ARTIFACT));
    return new TrainedModel(
        ENGINE,
        directory,
        Network.ARTIFACT,
        signature(set.features()),
        ENGINE_OPTIONS,
        TrainingProvenance.of(this, seed, set),
        network::score);
  }

  static Signature signature(List<String> features) {
    return new Signature(
        List.of(new Signature.Input(Network.INPUT, Signature.DataType.FLOAT32, features)),
        List.of(new Signature.Output("score", Network.OUTPUT, 0)));
  }

  private List<Layer> fit(Standardisation standardisation, TrainingSet set) {
    var random = new SplittableRandom(seed);
    List<Layer> initial =
        List.of(
            Layer.random(standardisation.width(), FIRST_LAYER, random),
            Layer.random(FIRST_LAYER, SECOND_LAYER, random),
            Layer.random(SECOND_LAYER, 1, random));
    ConfigProto oneThread =
        ConfigProto.newBuilder()
            .setIntraOpParallelismThreads(1)
            .setInterOpParallelismThreads(1)
            // Its own, or serving in this process would be left with one thread as well.
            .setUsePerSessionThreads(true)
            .build();
    try (var graph = new Graph();
        var session = new Session(graph, oneThread)) {
      Training training = build(graph, initial);
      session.initialize();
      float[] rows = standardisation.apply(set.rows());
      int[] order = new int[set.size()];
      for (int i = 0; i < order.length; i++) {
        order[i] = i;
      }
      for (int epoch = 0; epoch < epochs; epoch++) {
        shuffle(order, random);
        for (int start = 0; start < order.length; start += batchSize) {
          int end = Math.min(start + batchSize, order.length);
          step(session, training, standardisation.width(), rows, set.labels(), order, start, end);
        }
      }
      return Layer.read(session, training.weights);
    }
  }

  /** Features come standardised: that is done once, not every epoch. */
  private Training build(Graph graph, List<Layer> initial) {
    Ops tf = Ops.create(graph);
    int width = initial.get(0).inputs();
    Placeholder<TFloat32> features =
        tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, width)));
    Placeholder<TFloat32> labels =
        tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 1)));
    var weights = new ArrayList<Variable<TFloat32>>();
    Operand<TFloat32> logit = features;
    for (int i = 0; i < initial.size(); i++) {
      Layer layer = initial.get(i);
      Variable<TFloat32> kernel = tf.variable(layer.kernelTensor(tf));
      Variable<TFloat32> bias = tf.variable(layer.biasTensor(tf));
      weights.add(kernel);
      weights.add(bias);
      logit = tf.math.add(tf.linalg.matMul(logit, kernel), bias);
      if (i < initial.size() - 1) {
        logit = tf.nn.relu(logit);
      }
    }
    // Cross-entropy of a sigmoid without overflow: relu(z) - z y + log(1 + exp(-|z|)).
    Operand<TFloat32> loss =
        tf.math.add(
            tf.math.sub(tf.nn.relu(logit), tf.math.mul(logit, labels)),
            tf.math.log1p(tf.math.exp(tf.math.neg(tf.math.abs(logit)))));
    Operand<TFloat32> weight =
        tf.math.add(
            tf.constant(1f), tf.math.mul(labels, tf.constant((float) (positiveWeight - 1))));
    Operand<TFloat32> mean = tf.math.mean(tf.math.mul(loss, weight), tf.constant(new int[] {0, 1}));
    Op step = new OrderedAdam(graph, (float) learningRate).minimize(mean);
    return new Training(features, labels, step, weights);
  }

  private static void step(
      Session session,
      Training training,
      int width,
      float[] rows,
      double[] labels,
      int[] order,
      int start,
      int end) {
    var batch = FloatBuffer.allocate((end - start) * width);
    var target = FloatBuffer.allocate(end - start);
    for (int i = start; i < end; i++) {
      batch.put(rows, order[i] * width, width);
      target.put((float) labels[order[i]]);
    }
    try (var features =
            TFloat32.tensorOf(
                Shape.of(end - start, width), DataBuffers.of(batch.array(), true, false));
        var outcomes =
            TFloat32.tensorOf(
                Shape.of(end - start, 1), DataBuffers.of(target.array(), true, false))) {
      session
          .runner()
          .feed(training.features, features)
          .feed(training.labels, outcomes)
          .addTarget(training.step)
          .run()
          .close();
    }
  }

  private static void shuffle(int[] order, SplittableRandom random) {
    for (int i = order.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[other];
      order[other] = swapped;
    }
  }
}
