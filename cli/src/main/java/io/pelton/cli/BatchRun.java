package io.pelton.cli;

import io.pelton.event.EventFormatException;
import io.pelton.event.EventSchema;
import io.pelton.feature.job.FeatureOutputs;
import io.pelton.feature.job.TableFiles;
import io.pelton.job.BatchOutput;
import io.pelton.job.JobMetric;
import io.pelton.pipeline.InvalidPipelineException;
import io.pelton.pipeline.PipelineDefinition;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.JobExecutionResult;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What batch runs over event files have in common: options, the run itself, and its account. */
final class BatchRun {
  @Mixin private HistoryOptions history = new HistoryOptions();

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

  /** Adds what a run writes to its features. */
  interface Sinks {
    void add(FeatureOutputs features, BatchOutput output) throws Exception;

    /** Whether it reads outcomes, beside features that do. */
    default boolean readsOutcomes() {
      return false;
    }

    /** Says more of a run that has finished than what files it wrote. */
    default void report(Map<String, Object> counts, PrintWriter out) {}
  }

  Path pipelineFile() {
    return history.pipelineFile();
  }

  PipelineDefinition pipeline() throws InvalidPipelineException, InputException {
    return history.pipeline();
  }

  HistoryOptions history() {
    return history;
  }

  @Nullable Long from() throws InputException {
    return time("--from", from);
  }

  @Nullable Long to() throws InputException {
    return time("--to", to);
  }

  /**
   * Runs to the end and prints what came of it.
   *
   * @return the exit code
   */
  int execute(PipelineDefinition pipeline, Sinks sinks, PrintWriter out) throws Exception {
    return execute(pipeline, pipeline, sinks, out);
  }

  /**
   * The same.
   *
   * @param features what is computed of the events: the pipeline's features, and more of them
   */
  int execute(
      PipelineDefinition pipeline, PipelineDefinition features, Sinks sinks, PrintWriter out)
      throws Exception {
    PipelineDefinition computed = TableFiles.pinned(features);
    HistoryFiles files;
    BatchOutput result;
    try {
      files = history.read(computed, sinks.readsOutcomes());
      result =
          BatchOutput.into(
              pipeline.with(computed.tables()), output, format, from(), to(), overwrite);
    } catch (IOException | IllegalArgumentException e) {
      throw new InputException(e);
    }
    long start = System.nanoTime();
    Map<String, Object> counts = null;
    try {
      JobExecutionResult done =
          LocalBatch.run(
              history.parallelism(),
              pipeline.name() + " batch",
              environment -> sinks.add(files.features(environment), result));
      Map<String, Object> all = done.getAllAccumulatorResults();
      Account.check(all);
      counts = all;
    } catch (InterruptedException e) {
      out.println("stopped; nothing was written");
      out.flush();
      return Pelton.INTERRUPTED;
    } finally {
      if (counts == null) {
        result.abort();
      }
    }
    List<BatchOutput.Written> written = result.commit();
    double seconds = Duration.ofNanos(System.nanoTime() - start).toMillis() / 1000.0;
    long in = Account.count(counts, JobMetric.FEATURE_IN);
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
        Account.count(counts, JobMetric.FEATURE_DEFAULTED)
            + Account.count(counts, JobMetric.FEATURE_DEFAULTED_ROWS);
    if (replaced > 0) {
      out.printf("  defaults took the place of %,d values that broke a constraint%n", replaced);
    }
    long likeSeconds = Account.count(counts, JobMetric.FEATURE_TIME_LIKE_SECONDS);
    if (likeSeconds > 0) {
      out.printf(
          "  %,d events of early 1970: their times look like epoch seconds, but are read as milliseconds%n",
          likeSeconds);
    }
    if (!files.outcomes().isEmpty()) {
      out.printf(
          "  outcomes for features: %,d read, %,d used, %,d of an event that had one, %,d without an event in time, %,d dead letters%n",
          Account.count(counts, JobMetric.FEATURE_OUTCOMES_IN),
          Account.count(counts, JobMetric.FEATURE_OUTCOMES_USED),
          Account.count(counts, JobMetric.FEATURE_OUTCOMES_REPEATED),
          Account.count(counts, JobMetric.FEATURE_OUTCOMES_UNMATCHED),
          Account.count(counts, JobMetric.FEATURE_OUTCOMES_DEAD));
    }
    sinks.report(counts, out);
    if (in == 0) {
      out.println("  the input holds no events");
    }
    out.flush();
    return dead > 0 && failOnDeadLetters ? Pelton.DEAD_LETTERS : 0;
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
