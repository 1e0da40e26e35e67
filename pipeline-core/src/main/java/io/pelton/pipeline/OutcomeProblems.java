package io.pelton.pipeline;

import io.pelton.expression.ExpressionException;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.Function;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What can be wrong with features of outcomes beyond what can be with those of events. */
final class OutcomeProblems {
  private OutcomeProblems() {}

  /** Notes features of outcomes of a pipeline that declares none. */
  static void noteMissing(Section section, List<Feature> features) {
    for (Feature feature : features) {
      if (feature instanceof WindowedFeature windowed && windowed.ofOutcomes()) {
        section
            .section(feature.name())
            .problem(
                "source", "needs a section outcomes that names their topic, id, time and label");
      }
    }
  }

  /** Notes fields of outcomes that are the same field. */
  static void note(Section section) {
    Set<String> names = new HashSet<>();
    for (String key : List.of("id", "time", "label")) {
      String name = section.text(key);
      if (name != null && !names.add(name)) {
        section.problem(
            key, "\"" + name + "\" is given twice; id, time and label are three fields");
      }
    }
  }

  /** Notes what a feature of outcomes cannot do. */
  static void note(Section body, WindowedFeature feature, FeatureGraph graph) {
    if (feature.aggregate().function() == Function.Z_SCORE) {
      body.problem(
          "aggregate",
          "a z-score compares the event's own value with its window, but an outcome is known only"
              + " later; take mean and stddev");
    }
    if (feature.excludeCurrent()) {
      body.problem(
          "exclude-current",
          "does not go with source: outcomes: what is in the window are outcomes, not events");
    }
    if (graph.schema().indexOf(Outcomes.LABEL) >= 0 && readsLabel(feature, graph)) {
      body.problem(
          "aggregate",
          "reads label, which may be the outcome's label or the event field or feature of that name;"
              + " rename the latter (in the event schema an alias keeps its records readable)");
    }
    FeatureSections.checkCarried(body, "aggregate", "for its outcome", feature, graph);
  }

  private static boolean readsLabel(WindowedFeature feature, FeatureGraph graph) {
    for (String source : new String[] {feature.aggregate().input(), feature.where()}) {
      try {
        if (source != null
            && graph.compiler(feature).scalar(source).fields().contains(Outcomes.LABEL)) {
          return true;
        }
      } catch (ExpressionException e) {
        // FeatureSections reports what does not compile.
      }
    }
    return false;
  }
}
