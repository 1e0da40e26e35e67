package io.pelton.pipeline;

import io.pelton.event.EventSchema;
import io.pelton.event.FieldType;
import io.pelton.pipeline.PipelineDefinition.Aggregate;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.Function;
import io.pelton.pipeline.PipelineDefinition.Model;
import io.pelton.pipeline.PipelineDefinition.RowFeature;
import io.pelton.pipeline.PipelineDefinition.Window;
import io.pelton.pipeline.PipelineDefinition.WindowedFeature;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Says in words what a pipeline will do. */
public final class PipelineSummary {
  private PipelineSummary() {}

  /** One line a fact, without a trailing line break. */
  public static String of(PipelineDefinition pipeline) {
    List<String> lines = new ArrayList<>();
    lines.add("Pipeline " + pipeline.name());
    events(pipeline, lines);
    pipeline.tables().forEach(table -> lines.add("  " + describe(table)));
    Outcomes outcomes = pipeline.outcomes();
    if (outcomes != null && !pipeline.featuresOfOutcomes().isEmpty()) {
      lines.add(
          "reads outcomes from topic %s: of event %s, known from %s, label %s, up to %s after the event;"
              .formatted(
                  outcomes.topic(),
                  outcomes.id(),
                  outcomes.time(),
                  outcomes.label(),
                  duration(outcomes.within())));
      lines.add("  the first outcome of an event counts, from the time that its record gives on");
    }
    List<String> features = pipeline.featureNames();
    lines.add(
        "computes %d features and writes them to topic %s:"
            .formatted(features.size(), pipeline.topic(Topic.FEATURES)));
    pipeline
        .features()
        .forEach(feature -> lines.add("  " + describe(feature) + tiles(pipeline, feature)));
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
      safeguards(model, lines);
      lines.add(
          "  predictions go to topic " + pipeline.topic(Topic.PREDICTIONS) + carried(pipeline));
      lines.add(
          "  those of shadows to %s, each shadow with up to %d waiting rows and %s of a core a subtask%s"
              .formatted(
                  pipeline.topic(Topic.SHADOW),
                  model.shadow().maxWaitingRows(),
                  number(model.shadow().maxShare()),
                  memory(model.memory())));
    }
    Drift drift = pipeline.drift();
    if (drift != null) {
      lines.add(
          "compares every %s of predictions with %s: reports go to topic %s,"
              .formatted(
                  drift.windows().stream()
                      .map(PipelineSummary::window)
                      .collect(Collectors.joining(" and ")),
                  drift.previous() == null
                      ? "the model's baseline profile"
                      : "the " + duration(drift.previous()) + " before",
                  pipeline.topic(Topic.DRIFT)));
      if (drift.segments() != null) {
        lines.add(
            "  all together and by %s, up to %d values of it"
                .formatted(drift.segments().by(), drift.segments().cap()));
      }
      lines.add(
          "  alerts to %s when PSI > %s or KS > %s at a false discovery rate of %s, with %d rows or more, in %d of %d windows"
              .formatted(
                  pipeline.topic(Topic.ALERTS),
                  number(drift.thresholds().psi()),
                  number(drift.thresholds().ks()),
                  number(drift.thresholds().level()),
                  drift.minimumCount(),
                  drift.persistence().k(),
                  drift.persistence().n()));
      if (drift.dependence() != null) {
        lines.add(
            "  rows of one %s count for less, as far as they agree".formatted(drift.dependence()));
      }
    }
    if (pipeline.measuresPerformance() && outcomes != null) {
      lines.add(
          "joins predictions with the outcomes of topic %s, up to %s after their event: how they did goes to topic %s"
              .formatted(
                  outcomes.topic(),
                  duration(outcomes.within()),
                  pipeline.topic(Topic.PERFORMANCE)));
    }
    lines.add(
        "late events go to topic %s%s, records that cannot be used to %s"
            .formatted(
                pipeline.topic(Topic.LATE),
                pipeline.events().late() == Late.INCLUDE
                    ? " without features of their own, and features of later events count them"
                    : "",
                pipeline.topic(Topic.DEAD_LETTERS)));
    lines.add("writes " + delivery(pipeline));
    lines.add("  latency " + pipeline.latency().describe());
    return String.join("\n", lines);
  }

  private static void safeguards(Model model, List<String> lines) {
    if (model.overlap()) {
      lines.add("  gathers the next batch while one is scored");
    }
    Safeguards safeguards = model.safeguards();
    if (safeguards.timeout() != null) {
      lines.add("  gives up a batch that takes longer than " + duration(safeguards.timeout()));
    }
    Breaker breaker = safeguards.breaker();
    if (breaker != null) {
      lines.add(
          "  leaves a version alone for %s when %d batches in a row have failed"
              .formatted(duration(breaker.resetAfter()), breaker.failures()));
    }
    Fallback fallback = safeguards.fallback();
    if (fallback != null) {
      lines.add(
          "  rows that a version cannot score then get "
              + (fallback.version() != null
                  ? "the scores of %s@%s".formatted(model.name(), fallback.version())
                  : new TreeMap<>(fallback.outputs())
                      .entrySet().stream()
                          .map(output -> output.getKey() + " " + number(output.getValue()))
                          .collect(Collectors.joining(", "))));
    }
  }

  private static String memory(MemoryBudget memory) {
    return memory.bytes() == 0
        ? ""
        : "; versions take up to %s a subtask together, %s"
            .formatted(
                new MemorySize(memory.bytes()),
                switch (memory.switching()) {
                  case LOAD_THEN_SWITCH -> "and one over it is refused";
                  case DRAIN_THEN_LOAD ->
                      "and one that does not fit beside what serves is loaded after that is closed";
                });
  }

  private static String window(Drift.Window window) {
    return window.every() == window.width()
        ? duration(window.width())
        : duration(window.width()) + " (each " + duration(window.every()) + ")";
  }

  private static String delivery(PipelineDefinition pipeline) {
    String once = "exactly once: records show when a checkpoint completes";
    String atLeastOnce = "at least once: records show at once, and again after a failure";
    List<String> repeated =
        Delivery.TOPICS.stream()
            .filter(topic -> pipeline.delivery(topic) == Delivery.AT_LEAST_ONCE)
            .map(Topic::suffix)
            .toList();
    if (repeated.isEmpty()) {
      return once;
    }
    return repeated.size() == Delivery.TOPICS.size()
        ? atLeastOnce
        : "%s %s; other topics %s".formatted(String.join(", ", repeated), atLeastOnce, once);
  }

  private static void events(PipelineDefinition pipeline, List<String> lines) {
    Events events = pipeline.events();
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
    if (events.duplicatesWithin() != null) {
      lines.add(
          "  takes the first of those with one id within %s; the others are dead letters"
              .formatted(duration(events.duplicatesWithin())));
    }
    for (Map.Entry<String, FieldConstraint> field : events.fields().entrySet()) {
      lines.add(
          "  checks that "
              + field.getKey()
              + " is "
              + describe(events, field.getKey(), field.getValue()));
    }
    for (Map.Entry<String, Rule> rule : events.rules().entrySet()) {
      lines.add(
          "  %s break %s: %s"
              .formatted(
                  rule.getValue().otherwise() == Otherwise.FAIL
                      ? "stops at those that"
                      : "refuses those that",
                  rule.getKey(),
                  rule.getValue().check()));
    }
  }

  private static String describe(Events events, String field, FieldConstraint constraint) {
    EventSchema schema = new EventSchema(events.schema());
    FieldType type = schema.fields().get(schema.indexOf(field)).type();
    List<String> facts = new ArrayList<>();
    if (constraint.required()) {
      facts.add("there");
    }
    if (constraint.min() != null) {
      facts.add("at least " + value(constraint.min(), type));
    }
    if (constraint.max() != null) {
      facts.add("at most " + value(constraint.max(), type));
    }
    if (!constraint.allowed().isEmpty()) {
      facts.add(
          "one of "
              + constraint.allowed().stream()
                  .map(allowed -> value(allowed, type))
                  .collect(Collectors.joining(", ")));
    }
    Object replacement = constraint.defaultValue();
    return String.join(", ", facts)
        + otherwise(
            constraint.otherwise(), replacement == null ? "null" : value(replacement, type));
  }

  private static String value(Object value, FieldType type) {
    if (value instanceof Long millis && type == FieldType.TIMESTAMP) {
      return Instant.ofEpochMilli(millis).toString();
    }
    if (value instanceof String text) {
      return "\"" + text + "\"";
    }
    return value instanceof Double number ? number(number) : value.toString();
  }

  private static String otherwise(Otherwise otherwise, String replacement) {
    return switch (otherwise) {
      case DEAD_LETTER -> ", else refuses the event";
      case DEFAULT -> ", else takes " + replacement;
      case FAIL -> ", else stops";
    };
  }

  private static String describe(Table table) {
    return "joins them with table %s of %s by %s: %s"
        .formatted(
            table.name(),
            table.topic() == null ? table.file() : "topic " + table.topic(),
            table.on().equals(table.key()) ? table.on() : table.on() + " = " + table.key(),
            table.time() == null
                ? "its rows hold at all times, also before they were known"
                : "the newest row of the key whose "
                    + (table.ofRecordTime() ? "Kafka timestamp" : table.time())
                    + " is the event's time or earlier"
                    + (table.topic() == null ? "" : "; batch runs take its rows from --table"));
  }

  private static String describe(@Nullable Bounds bounds) {
    if (bounds == null) {
      return "";
    }
    List<String> facts = new ArrayList<>();
    if (bounds.min() > Double.NEGATIVE_INFINITY) {
      facts.add("at least " + number(bounds.min()));
    }
    if (bounds.max() < Double.POSITIVE_INFINITY) {
      facts.add("at most " + number(bounds.max()));
    }
    return ", "
        + String.join(" and ", facts)
        + otherwise(bounds.otherwise(), number(bounds.replacement()));
  }

  private static String describe(Feature feature) {
    if (feature instanceof RowFeature row) {
      return row.name()
          + " = "
          + row.value()
          + (row.defaultValue() == null
              ? ""
              : ", " + number(row.defaultValue()) + " when it has no value")
          + describe(row.bounds());
    }
    WindowedFeature windowed = (WindowedFeature) feature;
    Aggregate aggregate = windowed.aggregate();
    return "%s = %s%s%s over the %s's last %s%s%s%s%s"
        .formatted(
            String.join(", ", windowed.columns()),
            aggregate.function() != Function.COUNT
                ? aggregate.label() + (windowed.ofOutcomes() ? " of outcomes" : "")
                : windowed.ofOutcomes() ? "count of outcomes" : "count of events",
            windowed.by() == null
                ? ""
                : " by %s, the %d with the most events".formatted(windowed.by(), windowed.cap()),
            windowed.where() == null ? "" : " where " + windowed.where(),
            windowed.entity(),
            windowed.windows().stream()
                .map(PipelineSummary::describe)
                .collect(Collectors.joining(", ")),
            windowed.delay() == 0
                ? ""
                : ", ending " + duration(windowed.delay()) + " before the event",
            windowed.excludeCurrent() ? ", without the event itself" : "",
            windowed.defaultValue() == null
                ? ""
                : ", " + number(windowed.defaultValue()) + " when there are none",
            describe(windowed.bounds()));
  }

  private static String tiles(PipelineDefinition pipeline, Feature feature) {
    if (feature instanceof WindowedFeature windowed) {
      for (PipelineDefinition.Entity entity : pipeline.entities()) {
        if (entity.name().equals(windowed.entity()) && entity.resolution() > 0) {
          String widths =
              windowed.windows().stream()
                  .map(window -> duration(entity.tileFor(window.width())))
                  .distinct()
                  .collect(Collectors.joining(", "));
          boolean sketched = windowed.aggregate().function() == Function.DISTINCT;
          return ", in tiles of " + widths + (sketched ? ", exact up to 256 values" : "");
        }
      }
    }
    return "";
  }

  private static String describe(Window window) {
    return window.events() == 0
        ? window.label()
        : "%d events of %s".formatted(window.events(), duration(window.width()));
  }

  private static String carried(PipelineDefinition pipeline) {
    return pipeline.carry().isEmpty() ? "" : ", carrying " + String.join(", ", pipeline.carry());
  }

  /** As the pipeline file writes it, in the widest unit that divides it. */
  public static String duration(long millis) {
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
