package io.pelton.cli;

import io.pelton.feature.job.EventSources;
import io.pelton.job.TableOptions;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Mixin;
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
      names = "--outcomes",
      paramLabel = "FILES",
      description =
          "Outcome files with the fields that outcomes: names, of the kinds that --input takes, for"
              + " features that aggregate outcomes and for labels; repeatable.")
  private List<String> outcomes = new ArrayList<>();

  @Mixin private TableOptions tables = new TableOptions();

  @Option(
      names = "--parallelism",
      paramLabel = "N",
      description = "Subtasks of each operator; default one a core.")
  private int parallelism = Runtime.getRuntime().availableProcessors();

  Path pipelineFile() {
    return pipelineFile;
  }

  /**
   * The pipeline with the rows of its tables from files.
   *
   * @throws InputException when {@code --table} names none of them, or lacks one of a topic
   */
  PipelineDefinition pipeline() throws InvalidPipelineException, InputException {
    PipelineDefinition pipeline = PipelineFile.read(pipelineFile);
    try {
      return tables.apply(pipeline, false);
    } catch (IllegalArgumentException e) {
      throw new InputException(e);
    }
  }

  int parallelism() {
    return parallelism;
  }

  /** Whether outcome files were given. */
  boolean hasOutcomes() {
    return !outcomes.isEmpty();
  }

  /**
   * The outcome files that were given.
   *
   * @throws InputException when they cannot be read, or the pipeline declares no outcomes
   */
  List<org.apache.flink.core.fs.Path> outcomes(PipelineDefinition pipeline) throws InputException {
    try {
      return EventSources.resolveOutcomes(outcomes, pipeline);
    } catch (IOException | IllegalArgumentException e) {
      throw new InputException(e);
    }
  }

  /**
   * What the files hold, and what the features take of it.
   *
   * @param forLabels whether outcomes are read for something else too
   * @throws InputException when a file cannot be read, outcomes are missing that features need, or
   *     given and nothing reads them
   */
  HistoryFiles read(PipelineDefinition pipeline, boolean forLabels) throws InputException {
    List<String> features = pipeline.featuresOfOutcomes();
    if (!features.isEmpty() && !hasOutcomes()) {
      throw new InputException(
          "%s aggregate%s outcomes: give --outcomes FILES with those of the events in --input"
              .formatted(String.join(", ", features), features.size() == 1 ? "s" : ""));
    }
    if (features.isEmpty() && hasOutcomes() && !forLabels) {
      throw new InputException(
          "--outcomes "
              + outcomes.get(0)
              + ": no feature of the pipeline has source: outcomes; leave the option out");
    }
    return new HistoryFiles(
        pipeline, files(pipeline), features.isEmpty() ? List.of() : outcomes(pipeline));
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
