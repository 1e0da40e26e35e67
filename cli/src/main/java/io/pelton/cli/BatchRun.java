package io.pelton.cli;

import io.pelton.cli.embedded.EmbeddedFlink;
import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.feature.job.EventSources;
import io.pelton.feature.job.FeatureOutputs;
import io.pelton.feature.job.FeatureTopology;
import io.pelton.job.BatchOutput;
import io.pelton.job.JobEnvironment;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.pipeline.PipelineFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.FileUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What batch runs over event files have in common: options, the run itself, and its account. */
final class BatchRun {
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
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "Directory for the result; it appears whole or not at all.")
  private String output = "";

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      description = "csv, parquet or avro; default csv.")
  private BatchOutput.Format format = BatchOutput.Format.CSV;

  @Option(
      names = "--from",
      paramLabel = "TIME",
      description = "Write rows from this event time on: a UTC date or an instant.")
  private @Nullable String from;

  @Option(
      names = "--to",
      paramLabel = "TIME",
      description = "Write rows before this event time: a UTC date or an instant.")
  private @Nullable String to;

  @Option(names = "--overwrite", description = "Replace what the output directory holds.")
  private boolean overwrite;

  @Option(
      names = "--fail-on-dead-letters",
      description = "Exit with code 4 when there are dead letters.")
  private boolean failOnDeadLetters;

  @Option(
      names = "--parallelism",
      paramLabel = "N",
      description = "Subtasks of each operator; default one a core.")
  private int parallelism = Runtime.getRuntime().availableProcessors();

  /** Adds what a run writes to its features. */
  interface Sinks {
    void add(FeatureOutputs features, BatchOutput output) throws Exception;
  }

  Path pipelineFile() {
    return pipelineFile;
  }

  PipelineDefinition pipeline() throws InvalidPipelineException {
    return PipelineFile.read(pipelineFile);
  }

  /**
   * Runs to the end and prints what came of it.
   *
   * @return the exit code
   */
  int execute(PipelineDefinition pipeline, Sinks sinks, PrintWriter out) throws Exception {
    List<org.apache.flink.core.fs.Path> files;
    BatchOutput result;
    try {
      if (parallelism < 1) {
        throw new IllegalArgumentException(
            "--parallelism is " + parallelism + "; it must be 1 or more");
      }
      files = EventSources.resolve(inputs, pipeline);
      result =
          BatchOutput.into(
              pipeline, output, format, time("--from", from), time("--to", to), overwrite);
    } catch (IOException | IllegalArgumentException e) {
      throw new InputException(e);
    }
    long start = System.nanoTime();
    Path scratch = Files.createTempDirectory("pelton-batch");
    Thread main = Thread.currentThread();
    Map<String, Object> counts = null;
    try (StopSignal.Taken taken = StopSignal.onStop(main::interrupt);
        EmbeddedFlink flink =
            EmbeddedFlink.start(parallelism, scratch, EmbeddedFlink.State.HEAP, local())) {
      StreamExecutionEnvironment environment =
          flink.environment(JobEnvironment.batchSettings(new Configuration()));
      environment.setParallelism(parallelism);
      sinks.add(
          FeatureTopology.build(EventSources.files(environment, pipeline, files), pipeline),
          result);
      Map<String, Object> all =
          environment.execute(pipeline.name() + " batch").getAllAccumulatorResults();
      Account.check(all);
      counts = all;
    } catch (InterruptedException e) {
      out.println("stopped; nothing was written");
      out.flush();
      return Pelton.INTERRUPTED;
    } finally {
      FileUtils.deleteDirectoryQuietly(scratch.toFile());
      if (counts == null) {
        result.abort();
      }
    }
    List<BatchOutput.Written> written = result.commit();
    double seconds = Duration.ofNanos(System.nanoTime() - start).toMillis() / 1000.0;
    long in = Account.count(counts, Account.EVENTS_IN);
    long dead = 0;
    out.printf("%,d events in %.1f s%n", in, seconds);
    for (BatchOutput.Written file : written) {
      boolean letters = file.file().startsWith("dead-letters");
      dead += letters ? file.rows() : 0;
      out.printf(
          "  %s/%s: %,d rows%s%n",
          output,
          file.file(),
          file.rows(),
          file.first() == null || file.last() == null
              ? ""
              : ", %s to %s"
                  .formatted(
                      Instant.ofEpochMilli(file.first()), Instant.ofEpochMilli(file.last())));
    }
    long replaced =
        Account.count(counts, Account.DEFAULTED) + Account.count(counts, Account.ROWS_DEFAULTED);
    if (replaced > 0) {
      out.printf("  defaults took the place of %,d values that broke a constraint%n", replaced);
    }
    if (in == 0) {
      out.println("  the input holds no events");
    }
    out.flush();
    return dead > 0 && failOnDeadLetters ? Pelton.DEAD_LETTERS : 0;
  }

  /** Settings of the Flink that a run without a cluster starts; a cluster has its own. */
  private static Configuration local() {
    Configuration configuration = new Configuration();
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(128));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(128));
    return configuration;
  }

  static @Nullable Long time(String option, @Nullable String text) throws InputException {
    if (text == null) {
      return null;
    }
    try {
      return EventSchema.parseTime(text);
    } catch (EventFormatException e) {
      throw new InputException(option + ": " + e.getMessage());
    }
  }
}
