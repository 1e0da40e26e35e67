package io.pelton.training;

import static io.pelton.training.HyperParameters.require;

import io.pelton.registry.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.XGBoostError;
import org.tribuo.Example;
import org.tribuo.Feature;
import org.tribuo.MutableDataset;
import org.tribuo.Prediction;
import org.tribuo.classification.Label;
import org.tribuo.classification.LabelFactory;
import org.tribuo.classification.xgboost.XGBoostClassificationTrainer;
import org.tribuo.common.xgboost.XGBoostModel;
import org.tribuo.impl.ArrayExample;
import org.tribuo.provenance.SimpleDataSourceProvenance;

/**
 * Gradient-boosted trees for two classes: Tribuo's XGBoost, written as ONNX. A missing value takes
 * the branch that XGBoost learned for it. One thread, so that a seed gives the same bytes.
 *
 * @param trees boosting rounds; each adds one tree for each class
 * @param learningRate weight of a new tree, in (0, 1]
 * @param maxDepth splits from root to leaf, 1 or more
 * @param minChildWeight smallest sum of second derivatives in a child
 * @param gamma smallest gain of a split
 * @param subsample share of rows that a tree is fitted to, in (0, 1]
 * @param featureSubsample share of features that a tree is fitted to, in (0, 1]
 * @param l2 penalty on squared leaf weights
 * @param l1 penalty on absolute leaf weights
 * @param bins candidate thresholds of a feature, 2 or more. XGBoost's own 256 lose rare values,
 *     which is where frauds are; thousands come near all thresholds at a tenth of the time
 */
public record BoostedTreesTrainer(
    int trees,
    double learningRate,
    int maxDepth,
    double minChildWeight,
    double gamma,
    double subsample,
    double featureSubsample,
    double l2,
    double l1,
    int bins,
    long seed)
    implements Trainer {
  static final String NAME = "tribuo-xgboost";

  private static final String ENGINE = "OnnxRuntime";
  private static final String ARTIFACT = "model.onnx";
  private static final int THREADS = 1;
  private static final LabelFactory LABELS = new LabelFactory();
  private static final Label NEGATIVE = new Label("0");
  private static final Label POSITIVE = new Label("1");

  /**
   * @throws IllegalArgumentException if a hyper-parameter is out of range
   */
  public BoostedTreesTrainer {
    require(trees >= 1, NAME, "trees", trees, "1 or more");
    require(isShare(learningRate), NAME, "learning-rate", learningRate, "in (0, 1]");
    require(maxDepth >= 1, NAME, "max-depth", maxDepth, "1 or more");
    require(minChildWeight >= 0, NAME, "min-child-weight", minChildWeight, "0 or more");
    require(gamma >= 0, NAME, "gamma", gamma, "0 or more");
    // XGBoost takes 0 without a word and grows trees that are one leaf.
    require(isShare(subsample), NAME, "subsample", subsample, "in (0, 1]");
    require(isShare(featureSubsample), NAME, "feature-subsample", featureSubsample, "in (0, 1]");
    require(l2 >= 0, NAME, "l2", l2, "0 or more");
    require(l1 >= 0, NAME, "l1", l1, "0 or more");
    require(bins >= 2, NAME, "bins", bins, "2 or more");
    require(
        seed == (int) seed,
        NAME,
        "seed",
        seed,
        "a 32-bit whole number, which is all XGBoost takes");
  }

  private static boolean isShare(double value) {
    return value > 0 && value <= 1;
  }

  /** 100 rounds of depth 4 at learning rate 0.1, each on four fifths of the rows. */
  public static BoostedTreesTrainer withDefaults(long seed) {
    return of(Map.of(), seed);
  }

  /**
   * The defaults with some changed.
   *
   * @param given those that differ from the defaults, e.g. {@code max-depth} → {@code 4}
   */
  public static BoostedTreesTrainer of(Map<String, String> given, long seed) {
    var parameters = new HyperParameters(NAME, given);
    var trainer =
        new BoostedTreesTrainer(
            parameters.integer("trees", 100),
            parameters.number("learning-rate", 0.1),
            parameters.integer("max-depth", 4),
            parameters.number("min-child-weight", 1),
            parameters.number("gamma", 0),
            parameters.number("subsample", 0.8),
            parameters.number("feature-subsample", 1),
            parameters.number("l2", 1),
            parameters.number("l1", 0),
            parameters.integer("bins", 2_048),
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
    parameters.put("trees", Integer.toString(trees));
    parameters.put("learning-rate", Double.toString(learningRate));
    parameters.put("max-depth", Integer.toString(maxDepth));
    parameters.put("min-child-weight", Double.toString(minChildWeight));
    parameters.put("gamma", Double.toString(gamma));
    parameters.put("subsample", Double.toString(subsample));
    parameters.put("feature-subsample", Double.toString(featureSubsample));
    parameters.put("l2", Double.toString(l2));
    parameters.put("l1", Double.toString(l1));
    parameters.put("bins", Integer.toString(bins));
    return parameters;
  }

  @Override
  public TrainedModel train(TrainingSet set, Path directory) throws IOException {
    set.requireBothClasses();
    String[] names = set.features().toArray(String[]::new);
    var model = (XGBoostModel<Label>) tribuo().train(dataset(set, names));
    Files.createDirectories(directory);
    Files.write(directory.resolve(ARTIFACT), onnx(model, set.features()));
    var signature =
        new Signature(
            List.of(
                new Signature.Input(
                    TreeEnsembleOnnx.INPUT, Signature.DataType.FLOAT32, set.features())),
            List.of(new Signature.Output("score", TreeEnsembleOnnx.PROBABILITIES, 1)));
    return new TrainedModel(
        ENGINE,
        directory,
        ARTIFACT,
        signature,
        Map.of(),
        TrainingProvenance.of(this, seed, set),
        rows -> score(model, names, rows));
  }

  private XGBoostClassificationTrainer tribuo() {
    Map<String, Object> parameters = new HashMap<>();
    parameters.put("booster", "gbtree");
    parameters.put("objective", "multi:softprob");
    parameters.put("num_class", 2);
    parameters.put("tree_method", "hist");
    parameters.put("max_bin", bins);
    parameters.put("eta", learningRate);
    parameters.put("max_depth", maxDepth);
    parameters.put("min_child_weight", minChildWeight);
    parameters.put("gamma", gamma);
    parameters.put("subsample", subsample);
    parameters.put("colsample_bytree", featureSubsample);
    parameters.put("lambda", l2);
    parameters.put("alpha", l1);
    parameters.put("nthread", THREADS);
    parameters.put("seed", seed);
    parameters.put("verbosity", 0);
    return new XGBoostClassificationTrainer(trees, parameters);
  }

  private static MutableDataset<Label> dataset(TrainingSet set, String[] names) {
    var dataset =
        new MutableDataset<>(new SimpleDataSourceProvenance("training set", LABELS), LABELS);
    for (int row = 0; row < set.size(); row++) {
      var example = example(set.labels()[row] == 1 ? POSITIVE : NEGATIVE, names, set.rows()[row]);
      if (example.size() == 0) {
        throw new IllegalArgumentException(
            "%s: row %s has no feature value at all; leave such rows out"
                .formatted(NAME, set.ids().get(row)));
      }
      dataset.add(example);
    }
    return dataset;
  }

  /** Tribuo says missing by leaving a feature out; a zero is a value. */
  private static Example<Label> example(Label label, String[] names, double[] values) {
    var example = new ArrayExample<>(label);
    for (int column = 0; column < values.length; column++) {
      if (!Double.isNaN(values[column])) {
        example.add(new Feature(names[column], values[column]));
      }
    }
    return example;
  }

  private static byte[] onnx(XGBoostModel<Label> model, List<String> features) {
    var ids = model.getFeatureIDMap();
    var columnOfFeature = new int[ids.size()];
    for (int id = 0; id < columnOfFeature.length; id++) {
      // Tribuo numbers features by name; the model takes them in the pipeline's order.
      columnOfFeature[id] = features.indexOf(ids.get(id).getName());
    }
    var labelOfClass = new int[2];
    labelOfClass[model.getOutputIDInfo().getID(POSITIVE)] = 1;
    Booster booster = model.getInnerModels().get(0);
    try {
      String[] trees = booster.getModelDump((String) null, false, "json");
      return TreeEnsembleOnnx.write(trees, labelOfClass, columnOfFeature, features.size());
    } catch (XGBoostError e) {
      throw new IllegalStateException(NAME + ": XGBoost could not dump its trees", e);
    }
  }

  private static double[] score(XGBoostModel<Label> model, String[] names, double[][] rows) {
    var examples = new ArrayList<Example<Label>>(rows.length);
    for (double[] row : rows) {
      examples.add(example(LabelFactory.UNKNOWN_LABEL, names, row));
    }
    var scores = new double[rows.length];
    int next = 0;
    for (Prediction<Label> prediction : model.predict(examples)) {
      Label positive = prediction.getOutputScores().get(POSITIVE.getLabel());
      scores[next++] = Objects.requireNonNull(positive, "score of label 1").getScore();
    }
    return scores;
  }
}
