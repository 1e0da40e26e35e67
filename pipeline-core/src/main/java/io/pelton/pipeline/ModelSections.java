package io.pelton.pipeline;

import io.pelton.pipeline.MemoryBudget.Switching;
import io.pelton.pipeline.PipelineDefinition.Device;
import io.pelton.pipeline.PipelineDefinition.Feature;
import io.pelton.pipeline.PipelineDefinition.Model;
import io.pelton.registry.Registry;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads what a pipeline file says of the model and of outcomes. */
final class ModelSections {
  static final List<String> MODEL_KEYS =
      List.of(
          "name",
          "features",
          "batch",
          "device",
          "timeout",
          "breaker",
          "fallback",
          "shadow",
          "memory",
          "switch");
  static final List<String> BATCH_KEYS = List.of("max-size", "max-delay", "overlap");
  static final List<String> BREAKER_KEYS = List.of("failures", "reset-after");
  static final List<String> FALLBACK_KEYS = List.of("version", "outputs");
  static final List<String> SHADOW_KEYS = List.of("max-waiting-rows", "max-share");
  static final List<String> OUTCOME_KEYS = List.of("topic", "id", "time", "label", "within");

  private ModelSections() {}

  /**
   * The model.
   *
   * @param features those that it may take
   * @param latency gives how long a batch waits where the file does not say
   */
  static Model model(Section section, List<Feature> features, Latency latency) {
    section.allow(MODEL_KEYS);
    String name = section.required("name", "the model's name in the registry");
    if (!name.isBlank() && !Registry.MODEL_NAME.matcher(name).matches()) {
      section.problem(
          "name",
          "\"" + name + "\" must be letters, digits, '.', '_' and '-', a letter or digit first");
    }
    Set<String> columns = new LinkedHashSet<>();
    features.forEach(feature -> columns.addAll(feature.columns()));
    List<String> inputs = section.someTexts("features", "all, or a list of features");
    boolean all = inputs.isEmpty() || inputs.equals(List.of("all"));
    Set<String> seen = new LinkedHashSet<>();
    for (String input : all ? List.<String>of() : inputs) {
      if (!columns.contains(input)) {
        section.problem(
            "features",
            "the pipeline has no feature \"" + input + "\"" + Names.suggest(input, columns));
      }
      if (!seen.add(input)) {
        section.problem("features", "\"" + input + "\" is given twice");
      }
    }
    Section batch = section.section("batch");
    batch.allow(BATCH_KEYS);
    return new Model(
        name,
        all ? null : List.copyOf(inputs),
        (int) batch.whole("max-size", 256, 1, 65_536),
        batch.duration("max-delay", latency.batchDelay(), 1),
        section.choice("device", Device.PREFER_GPU, Device.class),
        batch.truth("overlap", false),
        new Safeguards(
            section.has("timeout") ? section.duration("timeout", 1_000, 1) : null,
            section.has("breaker") ? breaker(section.section("breaker")) : null,
            section.has("fallback") ? fallback(section) : null),
        shadow(section.section("shadow")),
        memory(section));
  }

  private static Breaker breaker(Section section) {
    section.allow(BREAKER_KEYS);
    return new Breaker(
        (int) section.whole("failures", 5, 1, 1_000_000),
        section.duration("reset-after", 30_000, 1));
  }

  /** Null when it says neither or both; that is a problem noted. */
  private static @Nullable Fallback fallback(Section model) {
    Section section = model.section("fallback");
    section.allow(FALLBACK_KEYS);
    if (section.has("version") == section.has("outputs")) {
      model.problem(
          "fallback",
          section.has("version")
              ? "has both version and outputs; give one of them"
              : "gives neither version, another one of the model's, nor outputs, a number for each");
      return null;
    }
    if (section.has("version")) {
      String version = section.required("version", "a version of the model or an alias");
      if (version.isBlank()) {
        return null;
      }
      if (!Registry.NUMBER.matcher(version).matches()
          && !Registry.ALIAS_NAME.matcher(version).matches()) {
        section.problem(
            "version",
            "\"%s\" is neither a version (1, 2, ...) nor an alias (lower-case letters, digits, '_' and '-', a letter first)"
                .formatted(version));
      }
      return new Fallback(version, Map.of());
    }
    Section declared = section.section("outputs");
    Map<String, Double> outputs = new HashMap<>();
    for (String output : declared.keys()) {
      outputs.put(output, declared.number(output, 0, -Double.MAX_VALUE, Double.MAX_VALUE));
    }
    if (outputs.isEmpty()) {
      section.problem("outputs", "must name the model's outputs, with a number for each");
      return null;
    }
    return new Fallback(null, outputs);
  }

  private static ShadowBudget shadow(Section section) {
    section.allow(SHADOW_KEYS);
    ShadowBudget usual = ShadowBudget.USUAL;
    return new ShadowBudget(
        (int) section.whole("max-waiting-rows", usual.maxWaitingRows(), 1, 10_000_000),
        section.number("max-share", usual.maxShare(), 0.01, 1));
  }

  private static MemoryBudget memory(Section section) {
    Switching switching = section.choice("switch", Switching.LOAD_THEN_SWITCH, Switching.class);
    if (switching == Switching.DRAIN_THEN_LOAD && !section.has("memory")) {
      section.problem(
          "switch",
          "drain-then-load is for versions that do not fit together; give their memory, or leave it out");
    }
    return new MemoryBudget(section.memory("memory"), switching);
  }

  /** The outcomes. */
  static Outcomes outcomes(Section section) {
    section.allow(OUTCOME_KEYS);
    String topic = section.required("topic", "the Kafka topic with the outcomes");
    TopicSection.check(section, "topic", topic);
    String label = section.required("label", "the field with the label");
    return new Outcomes(
        topic,
        section.required("id", "the field with the event's id"),
        section.required("time", "the field with the time from which the label was known"),
        label,
        section.duration("within", 30L * 86_400_000, 1));
  }
}
