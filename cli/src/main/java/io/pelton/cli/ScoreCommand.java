package io.pelton.cli;

import io.pelton.inference.job.InferenceOutputs;
import io.pelton.inference.job.InferenceTopology;
import io.pelton.inference.job.ModelSource;
import io.pelton.job.JobOptions;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.registry.ModelManifest;
import io.pelton.rollout.RolloutPlan;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
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

  @Option(
      names = "--registry",
      paramLabel = "DIR",
      description = "The model registry; replaces the pipeline file's.")
  private @Nullable String registry;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PipelineDefinition pipeline = run.pipeline();
    ModelSource source;
    ModelManifest manifest;
    RolloutPlan plan;
    try {
      ModelSource champion =
          ModelSource.champion(
              JobOptions.registry(registry, pipeline, run.pipelineFile()), pipeline);
      source = (model == null ? champion : new ModelSource(champion.registry(), model)).pinned();
      manifest = source.check(pipeline);
      plan = source.plan();
    } catch (IllegalArgumentException e) {
      throw new InputException(e);
    }
    return run.execute(
        pipeline,
        (features, output) -> {
          InferenceOutputs scored =
              InferenceTopology.build(features.features(), pipeline, source.registry(), plan, null);
          output.predictions(scored.predictions(), manifest.signature().outputNames());
          output.deadLetters(features.deadLetters().union(scored.deadLetters()));
        },
        spec.commandLine().getOut());
  }
}
