package io.pelton.feature;

import io.pelton.pipeline.Bounds;
import io.pelton.pipeline.FeatureGraph;
import io.pelton.pipeline.Otherwise;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The bounds of feature columns as arrays, so that a row costs two comparisons a bounded column. A
 * missing value (NaN) is never out of bounds.
 */
final class FeatureBounds {
  private final int[] columns;
  private final double[] min;
  private final double[] max;
  private final Otherwise[] otherwise;
  private final double[] replacements;
  private final String[] names;

  private FeatureBounds(List<Integer> columns, List<String> names, List<Bounds> bounds) {
    this.columns = columns.stream().mapToInt(Integer::intValue).toArray();
    this.names = names.toArray(String[]::new);
    min = bounds.stream().mapToDouble(Bounds::min).toArray();
    max = bounds.stream().mapToDouble(Bounds::max).toArray();
    otherwise = bounds.stream().map(Bounds::otherwise).toArray(Otherwise[]::new);
    replacements = bounds.stream().mapToDouble(Bounds::replacement).toArray();
  }

  /** Bounds of one feature; null for none. */
  static @Nullable FeatureBounds of(PipelineDefinition pipeline, Feature feature) {
    return of(pipeline, other -> other.equals(feature));
  }

  /** Bounds of windowed features; null for none. */
  static @Nullable FeatureBounds ofWindows(PipelineDefinition pipeline) {
    return of(pipeline, feature -> feature instanceof WindowedFeature);
  }

  /**
   * Names of all rules that bounds make.
   *
   * @param afterWindows those that are checked when all windows are computed, else those before
   */
  static List<String> rules(PipelineDefinition pipeline, boolean afterWindows) {
    FeatureGraph graph = new FeatureGraph(pipeline.joinedSchema(), pipeline.features());
    FeatureBounds bounds =
        of(
            pipeline,
            feature ->
                afterWindows
                    == (feature instanceof WindowedFeature || graph.afterWindows(feature)));
    return bounds == null ? List.of() : bounds.rules();
  }

  private static @Nullable FeatureBounds of(
      PipelineDefinition pipeline, Predicate<Feature> wanted) {
    List<Integer> columns = new ArrayList<>();
    List<String> names = new ArrayList<>();
    List<Bounds> bounds = new ArrayList<>();
    List<String> all = pipeline.featureNames();
    for (Feature feature : pipeline.features()) {
      Bounds declared = feature.bounds();
      if (declared != null && wanted.test(feature)) {
        for (String name : feature.columns()) {
          columns.add(all.indexOf(name));
          names.add(name);
          bounds.add(declared);
        }
      }
    }
    return columns.isEmpty() ? null : new FeatureBounds(columns, names, bounds);
  }

  /**
   * Names of all rules: {@code features.<column>.min} and {@code .max}, those that are declared.
   */
  private List<String> rules() {
    List<String> rules = new ArrayList<>();
    for (int i = 0; i < names.length; i++) {
      if (min[i] > Double.NEGATIVE_INFINITY) {
        rules.add(rule(i, "min"));
      }
      if (max[i] < Double.POSITIVE_INFINITY) {
        rules.add(rule(i, "max"));
      }
    }
    return rules;
  }

  /**
   * Puts defaults in the place of values out of bounds.
   *
   * @param values a row's features, changed in place
   * @param replaced is told the rule for each value that a default took the place of
   * @return the first column that no default mends, as a position for the methods below; -1 when
   *     all is well
   */
  private int settle(double[] values, Consumer<String> replaced) {
    for (int i = 0; i < columns.length; i++) {
      double value = values[columns[i]];
      // Both are false for NaN.
      if (value < min[i] || value > max[i]) {
        if (otherwise[i] != Otherwise.DEFAULT) {
          return i;
        }
        values[columns[i]] = replacements[i];
        replaced.accept(brokenRule(i, value));
      }
    }
    return -1;
  }

  /** Whether the job has to stop. */
  private boolean fatal(int position) {
    return otherwise[position] == Otherwise.FAIL;
  }

  /** Name of the rule that a row breaks at a position. */
  private String brokenRule(int position, double[] values) {
    return brokenRule(position, values[columns[position]]);
  }

  private String brokenRule(int position, double value) {
    return rule(position, value < min[position] ? "min" : "max");
  }

  private String rule(int position, String side) {
    return "features." + names[position] + "." + side;
  }

  /** What is wrong with a row at a position, in words. */
  private String detail(int position, double[] values) {
    double value = values[columns[position]];
    return "rule %s is broken: feature \"%s\" is %s, %s"
        .formatted(
            brokenRule(position, value),
            names[position],
            show(value),
            value < min[position]
                ? "less than " + show(min[position])
                : "more than " + show(max[position]));
  }

  /** A number as people write it. */
  static String show(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  /**
   * The same while a row is made of an event.
   *
   * @throws RejectedEventException when no default mends it
   */
  void check(double[] values, String eventId, Consumer<String> replaced)
      throws RejectedEventException {
    int position = settle(values, replaced);
    if (position >= 0) {
      throw RejectedEventException.brokenRule(
          brokenRule(position, values), detail(position, values), eventId, otherwise[position]);
    }
  }
}
