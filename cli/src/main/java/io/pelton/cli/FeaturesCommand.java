package io.pelton.cli;

import io.pelton.pipeline.PipelineDefinition;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
    name = "features",
    description = "Computes the features of event files, in batch.",
    mixinStandardHelpOptions = true)
final class FeaturesCommand implements Callable<Integer> {
  @Mixin private BatchRun run = new BatchRun();

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PipelineDefinition pipeline = run.pipeline();
    return run.execute(
        pipeline,
        (features, output) -> {
          output.features(features.features());
          output.deadLetters(features.deadLetters());
        },
        spec.commandLine().getOut());
  }
}
