package io.pelton.cli;

import io.pelton.feature.FeatureRow;
import io.pelton.feature.job.ParityTopology;
import io.pelton.feature.job.TableFiles;
import io.pelton.job.FlinkStorage;
import io.pelton.job.JobOptions;
import io.pelton.job.LoggedFeatures;
import io.pelton.parity.ParityReport;
import io.pelton.parity.ParityTally;
import io.pelton.pipeline.PipelineDefinition;
import io.pelton.registry.Storage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.concurrent.Callable;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "parity",
    description =
        "Replays history in batch and compares its features with those that were served and"
            + " logged. Exit code 1 when they differ.",
    mixinStandardHelpOptions = true)
final class ParityCommand implements Callable<Integer> {
  private static final String FILE = "parity.json";

  @Mixin private HistoryOptions history = new HistoryOptions();

  @Option(
      names = "--log",
      paramLabel = "DIR",
      description = "The feature log; replaces the pipeline file's feature-log.")
  private @Nullable String log;

  @Option(
      names = "--from",
      paramLabel = "TIME",
      description =
          "Compare rows from this event time on: a UTC date or an instant; default: the log's first"
              + " row.")
  private @Nullable String from;

  @Option(
      names = "--to",
      paramLabel = "TIME",
      description =
          "Compare rows before this event time: a UTC date or an instant; default: up to the log's"
              + " last row.")
  private @Nullable String to;

  @Option(
      names = "--late",
      paramLabel = "N",
      description =
          "How many events of the range were late or dead letters when it was live; so many may be"
              + " missing in the log. Default ${DEFAULT-VALUE}.")
  private long late;

  @Option(
      names = "--output",
      paramLabel = "DIR",
      description = "Write the report there too, to " + FILE + ".")
  private @Nullable String output;

  @Option(names = "--overwrite", description = "Replace the report that is there.")
  private boolean overwrite;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    PipelineDefinition pipeline = TableFiles.pinned(history.pipeline());
    String directory = JobOptions.featureLog(log, pipeline, history.pipelineFile());
    if (directory == null) {
      throw new InputException(
          "there is no feature log: name one under feature-log: in "
              + history.pipelineFile()
              + ", or give --log DIR");
    }
    HistoryFiles files = history.read(pipeline, false);
    Storage reports = reports();
    LoggedFeatures logged;
    try {
      logged = LoggedFeatures.open(directory);
    } catch (IOException e) {
      throw new InputException(e);
    }
    ParityTopology.Range range = range(logged);
    JobExecutionResult done;
    try {
      done =
          LocalBatch.run(
              history.parallelism(),
              pipeline.name() + " parity",
              environment -> {
                DataStream<FeatureRow> rows;
                try {
                  rows =
                      logged.read(
                          environment,
                          pipeline,
                          range.seenFrom(pipeline),
                          range.from(),
                          range.to() - 1);
                } catch (IOException e) {
                  throw new InputException(e);
                }
                ParityTopology.build(rows, files.features(environment).features(), pipeline, range);
              });
    } catch (InterruptedException e) {
      out.println("stopped");
      out.flush();
      return Pelton.INTERRUPTED;
    }
    Account.check(done.getAllAccumulatorResults());
    ParityTally tally = done.getAccumulatorResult(ParityTopology.TALLY);
    ParityReport report = new ParityReport(pipeline.name(), range.from(), range.to(), late, tally);
    out.print(report.text());
    if (reports != null) {
      reports.write(FILE, new ByteArrayInputStream(report.json().getBytes(StandardCharsets.UTF_8)));
    }
    out.flush();
    return report.agrees() ? 0 : Pelton.FAILED;
  }

  private @Nullable Storage reports() throws IOException {
    if (output == null) {
      return null;
    }
    Storage storage = FlinkStorage.open(output);
    if (!overwrite && storage.exists(FILE)) {
      throw new InputException(
          output + ": holds a " + FILE + " already; name another directory, or give --overwrite");
    }
    return storage;
  }

  private ParityTopology.Range range(LoggedFeatures logged) throws InputException {
    Long first = BatchRun.time("--from", from);
    Long end = BatchRun.time("--to", to);
    long least = first == null ? logged.first() : first;
    long after = end == null ? logged.last() + 1 : end;
    if (least >= after) {
      throw new InputException(
          "time range [%s, %s) is empty; --from must be before --to, and the log has rows from %s to %s"
              .formatted(
                  Instant.ofEpochMilli(least),
                  Instant.ofEpochMilli(after),
                  Instant.ofEpochMilli(logged.first()),
                  Instant.ofEpochMilli(logged.last())));
    }
    return new ParityTopology.Range(logged.first(), least, after);
  }
}
