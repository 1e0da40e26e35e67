package io.pelton.pipeline;

import io.pelton.pipeline.PipelineDefinition.Drift;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.Model;
import io.pelton.pipeline.PipelineDefinition.RowFeature;
import io.pelton.pipeline.PipelineDefinition.Topic;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Says in words what a pipeline will do. */
public final class PipelineSummary {
  private PipelineSummary() {}

  /** One line a fact, without a trailing line break. */
  public static String of(PipelineDefinition pipeline) {
    List<String> lines = new ArrayList<>();
    lines.add("Pipeline " + pipeline.name());
    events(pipeline, lines);
    List<String> features = pipeline.featureNames();
    lines.add(
        "computes %d features and writes them to topic %s:"
            .formatted(features.size(), pipeline.topic(Topic.FEATURES)));
    pipeline.features().forEach(feature -> lines.add("  " + describe(feature)));
    if (pipeline.featureLog() != null) {
      lines.add("  logs them to files in " + pipeline.featureLog() + ", by event date");
    }
    Model model = pipeline.model();
    if (model != null) {
      lines.add(
          "scores %s with the champion of model %s%s, in batches of up to %d rows or %s, on %s;"
              .formatted(
                  model.features() == null
                      ? "all features"
                      : model.features().size() + " of the features",
                  model.name(),
                  pipeline.registry() == null ? "" : " in registry " + pipeline.registry(),
                  model.maxBatchSize(),
                  duration(model.maxBatchDelay()),
                  switch (model.device()) {
                    case CPU -> "the CPU";
                    case PREFER_GPU -> "a GPU where there is one";
                    case REQUIRE_GPU -> "a GPU, or not at all";
                  }));
      lines.add(
          "  predictions go to topic " + pipeline.topic(Topic.PREDICTIONS) + carried(pipeline));
    }
    Drift drift = pipeline.drift();
    if (drift != null) {
      lines.add(
          "compares every %s of predictions with the model's baseline profile: reports go to topic %s,"
              .formatted(duration(drift.window()), pipeline.topic(Topic.DRIFT)));
      lines.add(
          "  alerts to %s when PSI > %s or KS > %s at a false discovery rate of %s, with %d rows or more, in %d of %d windows"
              .formatted(
                  pipeline.topic(Topic.ALERTS),
                  number(drift.psi()),
                  number(drift.ks()),
                  number(drift.falseDiscoveryRate()),
                  drift.minimumCount(),
                  drift.persistence().k(),
                  drift.persistence().n()));
    }
    lines.add(
        "late events go to topic %s, records that cannot be used to %s"
            .formatted(pipeline.topic(Topic.LATE), pipeline.topic(Topic.DEAD_LETTERS)));
    return String.join("\n", lines);
  }

  private static void events(PipelineDefinition pipeline, List<String> lines) {
    PipelineDefinition.Events events = pipeline.events();
    lines.add(
        "reads %s events from topic %s: id %s, time %s%s;"
            .formatted(
                events.format().name().toLowerCase(Locale.ROOT),
                events.topic(),
                events.id(),
                events.time(),
                pipeline.entities().isEmpty()
                    ? ""
                    : ", entities "
                        + pipeline.entities().stream()
                            .map(entity -> entity.name() + " (" + entity.field() + ")")
                            .collect(Collectors.joining(", "))));
    Long outOfOrderness = events.outOfOrderness();
    lines.add(
        outOfOrderness == null
            ? "  takes them on arrival, up to %s behind the newest; features of events that come out of order may depend on it"
                .formatted(duration(pipeline.allowedLateness()))
            : "  waits %s for earlier ones, then takes them by time and id: results do not depend on the order they come in"
                .formatted(duration(outOfOrderness)));
    for (Map.Entry<String, String> rule : events.rules().entrySet()) {
      lines.add("  refuses those that break " + rule.getKey() + ": " + rule.getValue());
    }
  }

  private static String describe(Feature feature) {
    if (feature instanceof RowFeature row) {
      return row.name() + " = " + row.value();
    }
    WindowedFeature windowed = (WindowedFeature) feature;
    String aggregate = windowed.aggregate().name().toLowerCase(Locale.ROOT);
    return "%s = %s over the %s's last %s%s%s"
        .formatted(
            String.join(", ", windowed.columns()),
            windowed.input() == null
                ? aggregate + " of events"
                : aggregate + "(" + windowed.input() + ")",
            windowed.entity(),
            String.join(", ", windowed.windows().keySet()),
            windowed.delay() == 0
                ? ""
                : ", ending " + duration(windowed.delay()) + " before the event",
            windowed.defaultValue() == null
                ? ""
                : ", " + number(windowed.defaultValue()) + " when there are none");
  }

  private static String carried(PipelineDefinition pipeline) {
    return pipeline.carry().isEmpty() ? "" : ", carrying " + String.join(", ", pipeline.carry());
  }

  /** The widest unit that divides it. */
  static String duration(long millis) {
    long[] units = {86_400_000, 3_600_000, 60_000, 1_000};
    String[] names = {"d", "h", "m", "s"};
    for (int i = 0; i < units.length; i++) {
      if (millis > 0 && millis % units[i] == 0) {
        return millis / units[i] + names[i];
      }
    }
    return millis + "ms";
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }
}
