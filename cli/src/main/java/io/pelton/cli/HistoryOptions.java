package io.pelton.cli;

import io.pelton.feature.job.EventSources;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The events that a batch run reads, and how wide it runs. */
final class HistoryOptions {
  @Option(
      names = "--pipeline",
      required = true,
      paramLabel = "FILE",
      description = "The pipeline file.")
  private Path pipelineFile = Path.of("");

  @Option(
      names = "--input",
      required = true,
      paramLabel = "FILES",
      description =
          "Event files, all history that the features need: paths and globs of .csv, .json, .jsonl"
              + " and .avro files, plain or .gz; repeatable.")
  private List<String> inputs = new ArrayList<>();

  @Option(
      names = "--parallelism",
      paramLabel = "N",
      description = "Subtasks of each operator; default one a core.")
  private int parallelism = Runtime.getRuntime().availableProcessors();

  Path pipelineFile() {
    return pipelineFile;
  }

  PipelineDefinition pipeline() throws InvalidPipelineException {
    return PipelineFile.read(pipelineFile);
  }

  int parallelism() {
    return parallelism;
  }

  /**
   * The event files that the input names.
   *
   * @throws InputException when they cannot be read, or an option is out of its range
   */
  List<org.apache.flink.core.fs.Path> files(PipelineDefinition pipeline) throws InputException {
    if (parallelism < 1) {
      throw new InputException("--parallelism is " + parallelism + "; it must be 1 or more");
    }
    try {
      return EventSources.resolve(inputs, pipeline);
    } catch (IOException e) {
      throw new InputException(e);
    }
  }
}
