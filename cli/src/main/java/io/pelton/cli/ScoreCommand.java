package io.pelton.cli;

import io.pelton.inference.job.InferenceOutputs;
import io.pelton.inference.job.InferenceTopology;
import io.pelton.inference.job.ModelSource;
import io.pelton.job.ControlTopic;
import io.pelton.job.JobOptions;
import io.pelton.job.KafkaSettings;
import io.pelton.job.KafkaUnavailableException;
import io.pelton.job.StatusTopic;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.rollout.RolloutPlan;
import io.pelton.rollout.Step;
import io.pelton.rollout.Variant;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Clock;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "score",
    description = "Computes the features of event files and scores them with a model, in batch.",
    mixinStandardHelpOptions = true)
final class ScoreCommand implements Callable<Integer> {
  @Mixin private BatchRun run = new BatchRun();

  @Option(
      names = "--model",
      paramLabel = "NAME[@VERSION]",
      description = "A version or alias; else the champion of the pipeline's model.")
  private @Nullable String model;

  @ArgGroup(exclusive = false)
  private @Nullable ByPlan byPlan;

  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "The model registry; replaces the pipeline file's.")
  private @Nullable String registry;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  /** Where the plan is that jobs on Kafka serve. */
  static final class ByPlan {
    @Option(
        names = "--by-plan",
        required = true,
        description =
            "Score each event with the version that the rollout's plan gives it, as jobs on Kafka"
                + " do.")
    private boolean asked;

    @Option(
        names = "--brokers",
        required = true,
        paramLabel = "HOST:PORT,…",
        description = "Kafka's bootstrap servers, for --by-plan.")
    private String brokers = "";

    @Option(
        names = "--kafka-config",
        paramLabel = "FILE",
        description = "Properties for Kafka's clients, for --by-plan.")
    private @Nullable Path kafkaConfig;

    /** What is served; empty before any command. */
    Optional<RolloutPlan> plan(PipelineDefinition pipeline, String model)
        throws IOException, KafkaUnavailableException {
      KafkaSettings kafka =
          kafkaConfig == null
              ? KafkaSettings.of(brokers)
              : KafkaSettings.read(brokers, kafkaConfig);
      Optional<io.pelton.schemas.ModelCommand> newest =
          new ControlTopic(kafka, pipeline).newest(model);
      if (newest.isEmpty()) {
        return Optional.empty();
      }
      try (StatusTopic statuses = new StatusTopic(kafka, pipeline, model)) {
        statuses.readOn();
        return Optional.of(
            Standing.of(newest.get(), statuses.words(), Clock.systemUTC().instant()).plan());
      }
    }
  }

  @Override
  public Integer call() throws Exception {
    PipelineDefinition pipeline = run.pipeline();
    ModelSource source;
    RolloutPlan plan;
    Set<String> outputs = new LinkedHashSet<>();
    try {
      ModelSource champion =
          ModelSource.champion(
              JobOptions.registry(registry, pipeline, run.pipelineFile()), pipeline);
      if (model != null && byPlan != null) {
        throw new InputException(
            "--model %s and --by-plan: the plan says which version scores; give one of the two"
                .formatted(model));
      }
      source = model == null ? champion : new ModelSource(champion.registry(), model);
      plan = byPlan == null ? source.plan() : plan(byPlan, pipeline, champion);
      for (int version : plan.versions()) {
        outputs.addAll(
            new ModelSource(source.registry(), plan.model() + "@" + version)
                .check(pipeline)
                .signature()
                .outputNames());
      }
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new InputException(e);
    }
    return run.execute(
        pipeline,
        (features, output) -> {
          InferenceOutputs scored =
              InferenceTopology.build(features.features(), pipeline, source.registry(), plan, null);
          output.predictions(scored.predictions(), List.copyOf(outputs));
          output.deadLetters(features.deadLetters().union(scored.deadLetters()));
        },
        spec.commandLine().getOut());
  }

  /** What scores by a plan: shadows do not, and there is nothing to roll back to. */
  private RolloutPlan plan(ByPlan where, PipelineDefinition pipeline, ModelSource champion)
      throws IOException, KafkaUnavailableException {
    PrintWriter out = spec.commandLine().getOut();
    Optional<RolloutPlan> found = where.plan(pipeline, champion.reference());
    if (found.isEmpty()) {
      out.printf("%s: no command yet, so the champion scores%n", champion.reference());
      return champion.plan();
    }
    RolloutPlan all = found.get();
    RolloutPlan plan =
        new RolloutPlan(
            all.model(),
            all.revision(),
            all.salt(),
            all.steps().stream()
                .map(
                    step ->
                        new Step(step.effectiveFrom(), step.variants(), step.segments(), List.of()))
                .toList(),
            null);
    out.printf("by revision %d of %s: %s%n", plan.revision(), plan.model(), plan.words());
    String shadows =
        all.steps().stream()
            .flatMap(step -> step.shadows().stream())
            .map(Variant::name)
            .distinct()
            .collect(Collectors.joining(", "));
    if (!shadows.isEmpty()) {
      out.printf("shadows are left out, they score on Kafka alone: %s%n", shadows);
    }
    return plan;
  }
}
