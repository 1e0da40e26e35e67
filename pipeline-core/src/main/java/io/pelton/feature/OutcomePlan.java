package io.pelton.feature;

import io.pelton.expression.Expression;
import io.pelton.expression.ExpressionException;
import io.pelton.pipeline.FeatureGraph;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What features of outcomes need: of an event, what is kept until its outcome is known, and from
 * both the row that enters the histories of its entities. Made where it runs; not thread-safe.
 */
public final class OutcomePlan {
  /** Of a kept row the first number: by which names it was kept, for whoever stores it. */
  public static final int VERSION = 0;

  private static final String VERSION_NAME = "version of names";

  private final RowNames kept;

  // Event fields and row features that are kept: where in an admitted row, and where expressions
  // read them.
  private final int[] fields;
  private final int[] fieldPlaces;
  private final int[] features;
  private final int[] featurePlaces;

  /** Values that expressions read: the event's fields, row features, the label last. */
  private final int places;

  private final Computed[] inputs;
  private final @Nullable Expression[] texts;
  private final int firstText;
  private final int width;
  private final int maps;

  private OutcomePlan(PipelineDefinition pipeline, FeatureGraph graph, RowLayout layout) {
    List<String> columns = pipeline.featureNames();
    List<String> names = Arrays.stream(layout.needed()).mapToObj(i -> name(graph, i)).toList();
    Set<String> fieldNames = new LinkedHashSet<>();
    Set<String> featureNames = new LinkedHashSet<>();
    for (Feature feature : pipeline.features()) {
      if (feature instanceof WindowedFeature windowed && windowed.ofOutcomes()) {
        fieldNames.addAll(graph.eventFields(feature));
        featureNames.addAll(graph.reads(feature));
      }
    }
    List<String> values = new ArrayList<>(List.of(VERSION_NAME));
    featureNames.forEach(name -> values.add("feature " + name));
    kept =
        new RowNames(
            pipeline.entityNames(),
            values,
            List.of(),
            fieldNames.stream().map(name -> "field " + name).toList());
    int carried = pipeline.carry().size();
    fields = fieldNames.stream().mapToInt(name -> carried + names.indexOf(name)).toArray();
    fieldPlaces = fieldNames.stream().mapToInt(graph.schema()::indexOf).toArray();
    features = featureNames.stream().mapToInt(columns::indexOf).toArray();
    featurePlaces = featureNames.stream().mapToInt(graph.schema()::indexOf).toArray();
    places = graph.schema().fields().size() + 1;
    inputs = layout.outcomeInputs();
    texts = layout.outcomeTexts();
    firstText = carried + names.size();
    width = layout.width();
    maps = pipeline.mapNames().size();
  }

  /** Null when no feature aggregates outcomes. */
  static @Nullable OutcomePlan of(
      PipelineDefinition pipeline, FeatureGraph graph, RowLayout layout) {
    return pipeline.featuresOfOutcomes().isEmpty()
        ? null
        : new OutcomePlan(pipeline, graph, layout);
  }

  private static String name(FeatureGraph graph, int field) {
    return graph.schema().fields().get(field).name();
  }

  /** What the places of a kept row mean. */
  public RowNames names() {
    return kept;
  }

  /**
   * What is kept of an admitted event: its id, time and keys, and what features of outcomes read.
   */
  public FeatureRow keep(FeatureRow event) {
    double[] values = new double[1 + features.length];
    for (int i = 0; i < features.length; i++) {
      values[i + 1] = event.values[features[i]];
    }
    @Nullable Object[] others = new @Nullable Object[fields.length];
    for (int i = 0; i < fields.length; i++) {
      others[i] = event.carried[fields[i]];
    }
    FeatureRow row = new FeatureRow(event.id, event.time, event.keys, values, others);
    row.history = event.history;
    return row;
  }

  /**
   * The row of an outcome.
   *
   * @param event as {@link #keep} gave it
   * @param at the time that it has in histories, epoch milliseconds
   * @throws RejectedEventException when an expression has no value
   */
  public FeatureRow row(FeatureRow event, double label, long at) throws RejectedEventException {
    @Nullable Object[] read = new @Nullable Object[places];
    for (int i = 0; i < fieldPlaces.length; i++) {
      read[fieldPlaces[i]] = event.carried[i];
    }
    for (int i = 0; i < featurePlaces.length; i++) {
      double value = event.values[i + 1];
      read[featurePlaces[i]] = Double.isNaN(value) ? null : (Double) value;
    }
    read[places - 1] = label;
    double[] values = new double[width];
    Arrays.fill(values, Double.NaN);
    @Nullable Object[] others = new @Nullable Object[firstText + texts.length];
    try {
      for (Computed input : inputs) {
        input.compute(values, read, event.time, event.id, rule -> {});
      }
      for (int i = 0; i < texts.length; i++) {
        Expression text = texts[i];
        Object value = text == null ? null : text.value(read, event.time);
        others[firstText + i] = value == null ? null : value.toString();
      }
    } catch (ExpressionException e) {
      throw new RejectedEventException(
          "expression", String.valueOf(e.getMessage()), null, event.id);
    }
    FeatureRow row = new FeatureRow(event.id, at, event.keys, values, others);
    row.maps = FeatureRow.maps(maps);
    row.outcome = true;
    return row;
  }
}
